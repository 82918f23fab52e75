import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { createCheckpoint } from '../src/checkpoint/index.ts';
import { rowFormat } from '../src/checkpoint/row.ts';
import { openRepo } from '../src/git/index.ts';
import { benchEnv, devenv, endEnv, ms, root, round, runs, time, type Goal } from './measure.ts';
import { makeRepo } from './repo.ts';
import { compare, dirty, snapshotters, startEngine, type Cost } from './snapshots.ts';

type Env = NodeJS.ProcessEnv;
const who = ['-c', 'user.name=Bench', '-c', 'user.email=bench@localhost'];

/**
 * Snapshots, as a process that runs makes them (the watcher; the peers' too are made by an agent or a daemon), among
 * 1,000 and 20,000 files (100,000 too with `--huge`); many checkpoints, writers, disk.
 */
export async function* checkpointsGoals(): AsyncGenerator<Goal> {
  const sizes = process.argv.includes('--huge') ? [1000, 20_000, 100_000] : [1000, 20_000];
  for (const size of sizes) yield* await inTemp((dir, env) => snapshotGoals(dir, env, size));
  yield* await inTemp(manyGoals);
  yield await inTemp(writerGoal);
  yield await inTemp(diskGoal);
}

async function inTemp<T>(measure: (dir: string, env: Env) => T | Promise<T>): Promise<T> {
  const bench = benchEnv();
  try {
    return await measure(bench.dir, bench.env);
  } finally {
    endEnv(bench);
  }
}

function project(dir: string, env: Env, count: number): string {
  const made = path.join(dir, 'project');
  mkdirSync(made);
  makeRepo(made, count, env, 'name: bench\n');
  return made;
}

interface Limits {
  readonly cpu: number;
  readonly wall: number;
}

const limits: Readonly<Record<number, Limits>> = {
  20_000: { cpu: 1.4, wall: 1.9 },
  100_000: { cpu: 1.2, wall: 1.4 },
};

async function snapshotGoals(base: string, env: Env, size: number): Promise<Goal[]> {
  const dir = project(base, env, size);
  using engine = startEngine(dir, env);
  using bare = startEngine(dir, env, 'bare');
  const others = snapshotters(dir, base, env);
  const cases = { ...others, engine: engine.checkpoint, bare: bare.checkpoint };
  for (let n = 0; n < warmUps; n++) {
    dirty(dir, size, 20_000 + n);
    await engine.checkpoint();
    await bare.checkpoint();
  }
  const pids = [engine.pid, bare.pid];
  const rounds = size > 50_000 ? 5 : size > 5000 ? 9 : runs;
  const m: Record<string, Cost> = await compare(rounds, (n) => dirty(dir, size, n), cases, pids);
  const unchanged = { status: others['status'] ?? fail, engine: engine.checkpoint };
  const still = await compare(rounds, () => {}, unchanged, pids);
  const files = `${size.toLocaleString('en')} files`;
  const limit = limits[size];
  const ours = m['engine'] ?? none;
  const calls = [
    gitCalls(dir, env, base, () => dirty(dir, size, 10_000)),
    gitCalls(dir, env, base, () => {}),
  ];
  return [
    atMostStatus(`snapshot, ${files}`, ours, m['status'] ?? none, limit),
    // What is left of the allowed time for everything else.
    atMostStatus(
      `beside it: the same two gits from a bare Node that runs, ${files}`,
      m['bare'] ?? none,
      m['status'] ?? none,
      undefined,
    ),
    atMostStatus(
      `nothing changed, ${files}`,
      still.engine,
      still.status,
      size >= 20_000 ? { cpu: 1.1, wall: 1.1 } : undefined,
    ),
    atMostStatus(`whole command less a bare node, ${files}`, own(m), m['status'] ?? none, undefined),
    {
      name: `git processes, ${files}`,
      goal: '2; nothing changed: 1',
      figure: calls.join(' and '),
      ratio: undefined,
      ok: calls[0] === 2 && calls[1] === 1,
      detail: { changed: calls[0] ?? NaN, unchanged: calls[1] ?? NaN },
    },
    ...['stash', 'copied index', 'empty index', 'shadow repository'].map((peer) =>
      aheadOf(peer, files, m[peer] ?? none, ours, size >= 20_000),
    ),
  ];
}

/** So many checkpoints until its code is compiled. */
const warmUps = 5;
const none: Cost = { wall: NaN, cpu: NaN };

function fail(): number {
  throw new Error('no such case');
}

/** The whole command, without the start of Node. */
function own(m: Readonly<Record<string, Cost>>): Cost {
  const [whole = none, node = none] = [m['devenv'], m['node']];
  return { wall: whole.wall - node.wall, cpu: whole.cpu - node.cpu };
}

function atMostStatus(name: string, cost: Cost, status: Cost, limit: Limits | undefined): Goal {
  const ratio = { cpu: cost.cpu / status.cpu, wall: cost.wall / status.wall };
  return {
    name,
    goal: limit ? `<= ${limit.cpu} x CPU, ${limit.wall} x wall of status` : '(for comparison)',
    figure: `${ratio.cpu.toFixed(2)} x, ${ratio.wall.toFixed(2)} x`,
    ratio: round(ratio.wall),
    ok: limit === undefined || (ratio.cpu <= limit.cpu && ratio.wall <= limit.wall),
    detail: {
      cpuMs: round(cost.cpu),
      wallMs: round(cost.wall),
      statusCpuMs: round(status.cpu),
      statusWallMs: round(status.wall),
    },
  };
}

function aheadOf(peer: string, files: string, theirs: Cost, ours: Cost, counts: boolean): Goal {
  return {
    name: `against ${peer}, ${files}`,
    goal: counts ? 'ahead (CPU and wall)' : '(for comparison)',
    figure: `${ms(theirs.wall)} / ${ms(ours.wall)}`,
    ratio: round(theirs.wall / ours.wall),
    ok: !counts || (theirs.wall > ours.wall && theirs.cpu > ours.cpu),
    detail: { peerCpuMs: round(theirs.cpu), ownCpuMs: round(ours.cpu), peerWallMs: round(theirs.wall) },
  };
}

/** How many gits a checkpoint starts, counted by one that stands before the real one in PATH. */
function gitCalls(dir: string, env: Env, base: string, before: () => void): number {
  before();
  const shims = path.join(base, 'shims');
  const log = path.join(base, 'calls');
  mkdirSync(shims, { recursive: true });
  const real = spawnSync('which', ['git'], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(path.join(shims, 'git'), `#!/bin/sh\necho >>'${log}'\nexec ${real} "$@"\n`);
  chmodSync(path.join(shims, 'git'), 0o755);
  writeFileSync(log, '');
  time([...devenv, 'checkpoint', '--no-verify'], {
    cwd: dir,
    env: { ...env, PATH: `${shims}:${env['PATH']}` },
  });
  return readFileSync(log, 'utf8').length;
}

/** `count` checkpoints with the message of a real one, each a second later. */
function addCheckpoints(dir: string, env: Env, count: number): void {
  const at = { cwd: dir, env };
  const git = (...args: string[]): string => spawnSync('git', args, { ...at, encoding: 'utf8' }).stdout;
  time([...devenv, 'checkpoint', '--no-verify'], at);
  const ref = git('for-each-ref', '--format=%(refname)', 'refs/devenv/checkpoints').trim();
  const text = git('log', '-1', '--format=%B', ref);
  const [head, staged, tree] = [`${ref}^1`, `${ref}^2`, `${ref}^{tree}`].map((name) =>
    git('rev-parse', name).trim(),
  );
  const lines: string[] = [];
  for (let n = 0; n < count; n++) {
    const stamp = new Date(1_700_000_000_000 + n * 300_000)
      .toISOString()
      .replaceAll(/[-:]|\..*/g, '')
      .replace('T', '-');
    const who = `committer devenv <devenv@localhost> ${1_700_000_000 + n * 300} +0000`;
    lines.push(
      `commit refs/devenv/checkpoints/checkpoint-${stamp}\nmark :${n + 1}\n${who}\ndata ${Buffer.byteLength(text)}\n${text}\nfrom ${head}\nmerge ${staged}\nM 040000 ${tree} ""\n`,
      `reset refs/tags/checkpoint-${stamp}\nfrom :${n + 1}\n`,
    );
  }
  time(['git', '-c', 'core.fsync=none', 'fast-import', '--quiet'], { ...at, input: lines.join('\n') });
}

/** Listing ten thousand, and tagging among them. */
async function manyGoals(base: string, env: Env): Promise<Goal[]> {
  const few = project(base, env, 1000);
  const many = path.join(base, 'many');
  time(['cp', '-a', few, many]);
  addCheckpoints(few, env, 10);
  addCheckpoints(many, env, 10_000);
  const tag = (dir: string) => (): number =>
    time([...devenv, 'checkpoint', '--no-verify'], { cwd: dir, env });
  const list = (dir: string) => (): number => time([...devenv, 'checkpoints'], { cwd: dir, env });
  const format = `--format=${rowFormat}`;
  const ask = (dir: string) => (): number =>
    time(['git', 'for-each-ref', format, 'refs/devenv/checkpoints'], { cwd: dir, env });
  const edit = (n: number): void => {
    dirty(few, 1000, n);
    dirty(many, 1000, n);
  };
  const node = (): number => time([process.execPath, '-e', '0'], { cwd: few, env });
  const goals: Goal[] = [];
  for (const packed of [false, true]) {
    if (packed) time(['git', 'pack-refs', '--all'], { cwd: many, env });
    const how = packed ? 'refs packed' : 'refs loose';
    const m = await compare(runs, edit, {
      node,
      few: tag(few),
      many: tag(many),
      list: list(many),
      git: ask(many),
    });
    const listed = m.list.wall - m.node.wall;
    const ratio = (m.many.wall - m.node.wall) / (m.few.wall - m.node.wall);
    goals.push(
      {
        name: `devenv checkpoints, 10,000 of them, ${how}`,
        goal: '<= bare node + 150 ms',
        figure: ms(m.list.wall),
        ratio: undefined,
        ok: listed <= 150,
        detail: { withoutNodeMs: round(listed) },
      },
      {
        name: `beside it: the git for-each-ref that reads them, ${how}`,
        goal: 'no goal (150 ms are allowed)',
        figure: ms(m.git.wall),
        ratio: undefined,
        ok: true,
        detail: { gitMs: round(m.git.wall) },
      },
      {
        name: `tagging among 10,000 and among 10, ${how}`,
        goal: '<= 1.2 x',
        figure: `${ratio.toFixed(2)} x`,
        ratio: round(ratio),
        ok: ratio <= 1.2,
        detail: { manyMs: round(m.many.wall), fewMs: round(m.few.wall) },
      },
    );
  }
  return goals;
}

/** Thirty snapshots while three processes write, create, rename and delete at full speed. */
async function writerGoal(base: string, env: Env): Promise<Goal> {
  const dir = project(base, env, 800);
  const script = path.join(root, 'tests/torture/fixtures/writer.ts');
  const writers: ChildProcess[] = [0, 1, 2].map((n) =>
    spawn(process.execPath, [script, dir, `${n}`, '3', `${n}`], { env, stdio: ['pipe', 'pipe', 'ignore'] }),
  );
  try {
    for (const writer of writers) await new Promise((resolve) => writer.stdout?.once('data', resolve));
    let done = 0;
    let added = 0;
    for (let n = 0; n < 30; n++) {
      const at = { cwd: dir, env, stdio: 'ignore' } as const;
      if (spawnSync(devenv[0], [devenv[1], 'checkpoint', '--no-verify'], at).status === 0) done++;
      const index = path.join(base, 'index');
      copyFileSync(path.join(dir, '.git/index'), index);
      const peer = spawnSync('git', ['add', '-A'], { ...at, env: { ...env, GIT_INDEX_FILE: index } });
      if (peer.status === 0) added++;
    }
    return {
      name: 'snapshots beside three writers, 800 files',
      goal: '30 of 30',
      figure: `${done} (git add -A: ${added})`,
      ratio: undefined,
      ok: done === 30,
      detail: { done, added },
    };
  } finally {
    for (const writer of writers) writer.kill('SIGKILL');
  }
}

/** A thousand checkpoints of twenty changed files, against the same as commits, both packed. */
async function diskGoal(bench: string, env: Env): Promise<Goal> {
  // Sizes are measured here, so that the time a disk takes for it is not of interest.
  const base = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/devenv-bench-') : bench;
  try {
    return await measureDisk(base, env);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

async function measureDisk(base: string, env: Env): Promise<Goal> {
  const dir = project(base, env, 1000);
  const plain = path.join(base, 'plain');
  time(['cp', '-a', dir, plain]);
  const repo = await openRepo({ cwd: dir, env });
  const now = Date.now();
  for (let n = 0; n < 1000; n++) {
    for (const top of [dir, plain])
      for (let i = 0; i < 20; i++) {
        const file = (n * 20 + i) % 1000;
        const name = path.join(top, 'src', `d${Math.floor(file / 100)}`, `f${file}.txt`);
        writeFileSync(name, `step ${n} of ${file}\n${`line of text ${n}\n`.repeat(20)}`);
      }
    await createCheckpoint(repo, {
      verdict: 'unverified',
      reason: 'timer',
      tags: 'all',
      now: now + n * 1000,
    });
    time(['git', ...who, 'commit', '-q', '-a', '-m', `Step ${n}`], { cwd: plain, env });
  }
  const [own = NaN, theirs = NaN] = [dir, plain].map((top) => {
    time(['git', 'gc', '-q'], { cwd: top, env });
    rmSync(path.join(top, '.git/gc.log'), { force: true });
    const packs = path.join(top, '.git/objects/pack');
    return readdirSync(packs).reduce((sum, name) => sum + readFileSync(path.join(packs, name)).length, 0);
  });
  const ratio = own / theirs;
  return {
    name: '1,000 checkpoints of 20 changed files, packed',
    goal: '<= 1.3 x the same as commits',
    figure: `${(own / 1e6).toFixed(2)} MB`,
    ratio: round(ratio),
    ok: ratio <= 1.3,
    detail: { ownBytes: own, commitBytes: theirs },
  };
}
