import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../src/base/index.ts';
import { makePayload } from '../src/remote/bootstrap/payload.ts';
import { installDevenv, makeBox, type Box } from '../tests/support/box.ts';
import { makeProject } from '../tests/support/project.ts';
import { atMost, devenv, interleave, type Goal } from './measure.ts';
import { sixWindows } from './session.ts';

const hostCount = 20;

/** Like `time`, but the proxy between both sides runs in this process and must not stand still meanwhile. */
async function clocked(
  argv: readonly string[],
  at: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<number> {
  const from = performance.now();
  const result = await run(argv, at);
  const took = performance.now() - from;
  if (!result.ok) throw new Error(`${argv.join(' ')}: ${result.stderr}${result.stdout}`);
  return took;
}

interface Fixture {
  readonly box: Box;
  readonly project: string;
  readonly there: string;
}

async function fixture(delayMs: number): Promise<Fixture> {
  const box = await makeBox({ port: true, delayMs });
  installDevenv(box);
  const files = { 'devenv.yaml': sixWindows };
  const project = await makeProject(box.env, { files, name: 'bench' });
  await box.there(['cp', '-a', project, box.home]);
  return { box, project, there: path.join(box.home, 'bench') };
}

/** `--host` with round trips of 0 and 50 ms, and many hosts at once. */
export async function remoteGoals(): Promise<Goal[]> {
  const dir = mkdtempSync(path.join(tmpdir(), 'devenv-bench-'));
  process.env['DEVENV_TESTS_DIR'] = dir;
  try {
    return [...(await oneHost(0)), ...(await oneHost(50)), payloadGoal(), ...(await manyHosts())];
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** `ssh` with a connection that it keeps. */
const keptSsh = (config: string): readonly string[] => {
  const kept = ['ControlMaster=auto', 'ControlPersist=60', `ControlPath=${path.join(tmpdir(), 'devenv-%C')}`];
  return ['ssh', '-F', config, ...kept.flatMap((option) => ['-o', option])];
};

async function oneHost(rtt: number): Promise<Goal[]> {
  const { box, project, there } = await fixture(rtt / 2);
  const here = { cwd: project, env: box.env };
  const onBox = [...devenv, '--host', box.host];
  const local = async (...args: string[]): Promise<number> => {
    const from = performance.now();
    const result = await box.there([...devenv, ...args], there);
    if (!result.ok) throw new Error(result.stderr);
    return performance.now() - from;
  };
  const ssh = keptSsh(box.sshConfig);
  try {
    const status = await interleave({
      local: () => local('status'),
      remote: () => clocked([...onBox, 'status'], here),
      node: () => clocked([process.execPath, '-e', '0'], here),
      ssh: () => clocked([...ssh, box.host, 'true'], here),
    });
    const before = box.execs();
    let starts = 0;
    const start = await interleave({
      local: async () => {
        await local('stop');
        return local('start', '--detach', '--no-wait');
      },
      remote: async () => {
        await local('stop');
        starts += 1;
        return clocked([...onBox, 'start', '--detach', '--no-wait'], here);
      },
    });
    const execs = (box.execs() - before) / starts;
    const allowed = status.local + 2 * rtt + 60;
    return [
      atMost(
        `status --host, warm, round trip ${rtt} ms`,
        '<= 2 round trips + its own time + 60 ms',
        status.remote,
        allowed,
        status.local,
      ),
      // One after the other, as here Node must run before it can call ssh.
      atMost(
        `beside it: a bare Node and an ssh that does nothing, round trip ${rtt} ms`,
        'no goal (2 round trips + 60 ms are allowed)',
        status.node + status.ssh,
        Infinity,
        2 * rtt + 60,
      ),
      atMost(
        `start --host, 6 windows, round trip ${rtt} ms`,
        '<= 3 x local start + 6 round trips',
        start.remote,
        3 * start.local + 6 * rtt,
        start.local,
      ),
      {
        name: `execs of start --host, round trip ${rtt} ms`,
        goal: '<= 3',
        figure: String(execs),
        ratio: undefined,
        ok: execs <= 3,
        detail: { execs },
      },
    ];
  } finally {
    await run([...ssh, '-O', 'exit', box.host], { env: box.env });
    await box.end();
  }
}

async function manyHosts(): Promise<Goal[]> {
  const boxes = await Promise.all(Array.from({ length: hostCount }, () => fixture(0)));
  const [first] = boxes;
  if (!first) return [];
  const { project } = first;
  const config = path.join(project, 'all_ssh_config');
  writeFileSync(config, boxes.map(({ box }) => readFileSync(box.sshConfig, 'utf8')).join('\n'));
  const env = { ...first.box.env, DEVENV_SSH_CONFIG: config };
  const hosts = (some: readonly Fixture[]): string =>
    `hosts:\n${some.map(({ box }) => `  ${box.host}: { ssh: ${box.host}, path: ~/bench }\n`).join('')}`;
  const ask = (some: readonly Fixture[]) => async (): Promise<number> => {
    writeFileSync(path.join(project, 'devenv.local.yaml'), hosts(some));
    return clocked([...devenv, 'status', '--host', 'all'], { cwd: project, env });
  };
  // The boxes share this machine's processors, so this is what any program that runs on Node costs there.
  const ssh = keptSsh(config);
  const bare = (some: readonly Fixture[]) => async (): Promise<number> => {
    const node = `${process.execPath} -e 0`;
    const each = some.map(({ box }) => clocked([...ssh, box.host, node], { cwd: project, env }));
    return Math.max(...(await Promise.all(each)));
  };
  try {
    const m = await interleave({
      one: ask([first]),
      all: ask(boxes),
      node: bare([first]),
      nodes: bare(boxes),
    });
    return [
      atMost(`status --host all, ${hostCount} hosts`, '<= 3 x one host', m.all, 3 * m.one, m.one),
      atMost(
        `beside it: ${hostCount} bare Nodes by ssh`,
        'no goal, x one of them',
        m.nodes,
        Infinity,
        m.node,
      ),
    ];
  } finally {
    for (const { box } of boxes)
      for (const one of [ssh, ['ssh', '-F', config]]) await run([...one, '-O', 'exit', box.host], { env });
    for (const { box } of boxes) await box.end();
  }
}

function payloadGoal(): Goal {
  const cache = mkdtempSync(path.join(tmpdir(), 'devenv-bench-'));
  const { size } = statSync(makePayload('bench', { HOME: cache }));
  rmSync(cache, { recursive: true });
  return {
    name: 'bootstrap upload without the runtime',
    goal: '<= 300 kB',
    figure: `${(size / 1000).toFixed(0)} kB`,
    ratio: undefined,
    ok: size <= 300_000,
    detail: { bytes: size },
  };
}
