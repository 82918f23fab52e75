import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { devenv, median, time } from './measure.ts';

/** Milliseconds of one run: by the clock, and of all processors (user and system, with all its processes). */
export interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

type Env = NodeJS.ProcessEnv;

type Case = () => number | Promise<number>;

/**
 * What all processes that this one started and waited for have used so far, and what `also` and those it waited for
 * have; in ticks of 10 ms, so only sums count.
 */
function usedMs(also: readonly (number | undefined)[]): number {
  const ticks = (pid: number | 'self', first: number, last: number): number => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(first, last).reduce((sum, field) => sum + Number(field), 0);
  };
  const others = also.map((pid) => (pid === undefined ? 0 : ticks(pid, 11, 15)));
  return others.reduce((sum, one) => sum + one, ticks('self', 13, 15)) * 10;
}

async function cost(run: Case, also: readonly (number | undefined)[]): Promise<Cost> {
  const before = usedMs(also);
  const wall = await run();
  return { wall, cpu: usedMs(also) - before };
}

/** A process that makes checkpoints when it is told to, as the watcher does. */
export interface Engine extends Disposable {
  readonly pid: number | undefined;
  readonly checkpoint: () => Promise<number>;
}

/** Starts one of devenv's, or one that does nothing but to call the same two gits. */
export function startEngine(dir: string, env: Env, kind: 'devenv' | 'bare' = 'devenv'): Engine {
  const argv = kind === 'bare' ? ['bare-checkpoint.mjs', 'engine'] : ['engine.ts', dir];
  const [script = '', ...args] = argv;
  const child = spawn(process.execPath, [path.join(import.meta.dirname, script), ...args], {
    cwd: dir,
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid,
    checkpoint: async () => {
      child.stdin.write('go\n');
      const { value } = await lines.next();
      return Number(String(value).split(' ')[0]);
    },
    [Symbol.dispose]: () => void child.kill(),
  };
}

/** Runs the cases in turn, each after its own edits; the median by the clock, the mean of the processors. */
export async function compare<K extends string>(
  rounds: number,
  before: (round: number) => void,
  cases: Readonly<Record<K, Case>>,
  also: readonly (number | undefined)[] = [],
): Promise<Record<K, Cost>> {
  const names = Object.keys(cases) as K[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Cost[]])) as Record<K, Cost[]>;
  let n = 0;
  for (let round = -1; round < rounds; round++)
    for (const name of names) {
      before(n++);
      const one = await cost(cases[name], also);
      if (round >= 0) samples[name].push(one);
    }
  return Object.fromEntries(
    names.map((name) => {
      const all = samples[name];
      const cpu = all.reduce((sum, one) => sum + one.cpu, 0) / all.length;
      return [name, { wall: median(all.map((one) => one.wall)), cpu }];
    }),
  ) as Record<K, Cost>;
}

/** Ten files edited (always the same), ten new, seven deleted; what came before is as in HEAD again. */
export function dirty(dir: string, count: number, round: number): void {
  const file = (n: number): string =>
    path.join(dir, 'src', `d${Math.floor((n % count) / 100)}`, `f${n % count}.txt`);
  for (let i = 0; i < 10; i++) {
    writeFileSync(file(i * 137), `round ${round} of ${i}\n${'line of text\n'.repeat(20)}`);
    rmSync(path.join(dir, 'src/d0', `new-${round - 1}-${i}`), { force: true });
    writeFileSync(path.join(dir, 'src/d0', `new-${round}-${i}`), `new ${round} ${i}\n`);
  }
  for (let i = 0; i < 7; i++) {
    const n = 71 + i * 131;
    const back = n + round - 1;
    writeFileSync(file(back), `file ${back % count}\n${'line of text\n'.repeat(20)}`);
    rmSync(file(n + round), { force: true });
  }
  // What is as in HEAD again must not be looked into by every git that follows.
  spawnSync('git', ['update-index', '-q', '--refresh'], { cwd: dir });
}

const who = ['-c', 'user.name=Bench', '-c', 'user.email=bench@localhost'];

/** The whole of devenv, and how other tools keep a work tree, each as one timed run. */
export function snapshotters(dir: string, base: string, env: Env): Record<string, () => number> {
  const git = (args: readonly string[], more: Env = {}): number =>
    time(['git', ...who, ...args], { cwd: dir, env: { ...env, ...more } });
  const sh = (script: string, more: Env): number =>
    time(['sh', '-ec', script], { cwd: dir, env: { ...env, ...more } });
  const index = path.join(base, 'index');
  const identity = {
    GIT_AUTHOR_NAME: 'Bench',
    GIT_AUTHOR_EMAIL: 'bench@localhost',
    GIT_COMMITTER_NAME: 'Bench',
    GIT_COMMITTER_EMAIL: 'bench@localhost',
  };
  const keep = 'git update-ref refs/bench/x $(git commit-tree $(git write-tree) -p HEAD -m x)';
  const shadow = { GIT_DIR: path.join(base, 'shadow'), GIT_WORK_TREE: dir };
  git(['init', '-q', '--bare', shadow.GIT_DIR]);
  git(['config', 'core.bare', 'false'], shadow);
  git(['add', '.', '--ignore-errors'], shadow);
  git(['commit', '-q', '-m', 'first'], shadow);
  return {
    node: () => time([process.execPath, '-e', '0'], { cwd: dir, env }),
    status: () => git(['--no-optional-locks', 'status', '--porcelain=v2', '-z', '-uall']),
    devenv: () => time([...devenv, 'checkpoint', '--no-verify'], { cwd: dir, env }),
    stash: () => {
      const ms = sh('git stash push -q -u && git stash apply -q', identity);
      git(['stash', 'drop', '-q']);
      return ms;
    },
    'copied index': () => {
      copyFileSync(path.join(dir, '.git/index'), index);
      return sh(`git add -A && ${keep}`, { ...identity, GIT_INDEX_FILE: index });
    },
    'empty index': () => {
      rmSync(index, { force: true });
      return sh(`git read-tree HEAD && git add -A && ${keep}`, { ...identity, GIT_INDEX_FILE: index });
    },
    'shadow repository': () =>
      sh('git add . --ignore-errors && git commit -q -m x', { ...identity, ...shadow }),
  };
}
