import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { benchEnv, endEnv, devenv, median, ms, round, runs, time, type Goal } from './measure.ts';
import { makeRepo } from './repo.ts';

const debounceMs = 50;

/** From a save to the first instruction of the tests, and what waiting costs, on 5,000 files. */
export async function watchGoals(): Promise<Goal[]> {
  const { env, dir, socket } = benchEnv();
  const project = path.join(dir, 'project');
  const marks = path.join(dir, 'started');
  mkdirSync(project);
  const config = `name: bench
suites: { unit: { command: "date +%s%N >> '${marks}'" } }
watch: { suites: [unit], debounce: ${debounceMs}ms }
checkpoint: { every: 1h }
`;
  makeRepo(project, 5000, env, config);
  // As in a session: `start` has read the configuration, so that the watcher finds it parsed and loads no parser.
  time([...devenv, 'config', 'show'], { cwd: project, env });
  const child = spawn(devenv[0], [devenv[1], 'watch'], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    await until(() => starts(marks).length > 0);
    await settle(child);
    const latencies: number[] = [];
    for (let i = 0; i < runs; i++) latencies.push(await saveOnce(project, marks, i, child));
    const idle = await measureIdle(child);
    const latency = median(latencies);
    return [
      {
        name: 'save to tests started, 5,000 files',
        goal: `<= debounce (${debounceMs} ms) + 40 ms`,
        figure: ms(latency),
        ratio: round(latency / debounceMs),
        ok: latency <= debounceMs + 40,
        detail: { medianMs: round(latency), worstMs: round(Math.max(...latencies)) },
      },
      {
        name: 'idle devenv watch, 5,000 files: memory',
        goal: '<= 150 MB RSS',
        figure: `${Math.round(idle.rssMb)} MB`,
        ratio: undefined,
        ok: idle.rssMb <= 150,
        detail: { rssMb: round(idle.rssMb) },
      },
      {
        name: 'idle devenv watch, 5,000 files: CPU',
        goal: 'about 0 % (<= 0.5 %)',
        figure: `${idle.cpuPercent.toFixed(2)} %`,
        ratio: undefined,
        ok: idle.cpuPercent <= 0.5,
        detail: { cpuPercent: round(idle.cpuPercent) },
      },
    ];
  } finally {
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    await ended;
    endEnv({ dir, socket });
  }
}

function starts(file: string): number[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((ns) => Number(BigInt(ns) / 1000n) / 1000);
}

async function saveOnce(project: string, marks: string, i: number, child: ChildProcess): Promise<number> {
  const before = starts(marks).length;
  const saved = performance.timeOrigin + performance.now();
  writeFileSync(path.join(project, 'src', `d${i % 50}`, `f${(i % 50) * 100}.txt`), `saved ${i}\n`);
  await until(() => starts(marks).length > before);
  const latency = (starts(marks)[before] ?? NaN) - saved;
  await settle(child);
  return latency;
}

/** Until the program has been asleep for a while: its verdict is told and its books are closed. */
async function settle(child: ChildProcess): Promise<void> {
  let quiet = 0;
  let last = cpuTicks(child.pid ?? 0);
  while (quiet < 5) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = cpuTicks(child.pid ?? 0);
    quiet = now === last ? quiet + 1 : 0;
    last = now;
  }
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** Memory of the program and its children, and its CPU over ten seconds of nothing. */
async function measureIdle(child: ChildProcess): Promise<{ rssMb: number; cpuPercent: number }> {
  const pids = family(child.pid ?? 0);
  const before = pids.reduce((sum, pid) => sum + cpuTicks(pid), 0);
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const ticks = pids.reduce((sum, pid) => sum + cpuTicks(pid), 0) - before;
  const rssKb = pids.reduce(
    (sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0),
    0,
  );
  return { rssMb: rssKb / 1024, cpuPercent: (ticks / 100 / 10) * 100 };
}

function family(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [
          [
            Number(name),
            Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]),
          ] as const,
        ];
      } catch {
        return []; // ended meanwhile
      }
    });
  return [pid, ...parents.filter(([, parent]) => parent === pid).flatMap(([child]) => family(child))];
}

async function until(check: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!check()) {
    if (performance.now() > deadline) throw new Error('the watcher did not start the tests within a minute');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
