import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** One measured goal, as it is printed and kept in results.json. */
export interface Goal {
  readonly name: string;
  /** What is allowed, in words. */
  readonly goal: string;
  /** What was measured, with its unit. */
  readonly figure: string;
  /** Measured / allowed floor, where the goal is a ratio. */
  readonly ratio: number | undefined;
  readonly ok: boolean;
  readonly detail: Readonly<Record<string, number | string>>;
}

export const runs = Math.max(15, Number(process.env['BENCH_RUNS'] ?? 15));
export const root = path.resolve(import.meta.dirname, '..');
export const devenv = [process.execPath, path.join(root, 'bin/devenv.js')] as const;

/** Wall milliseconds of one command; a failure ends the bench, because a wrong answer is no fast answer. */
export function time(
  argv: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): number {
  const [file = '', ...args] = argv;
  const from = process.hrtime.bigint();
  const result = spawnSync(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  const ms = Number(process.hrtime.bigint() - from) / 1e6;
  if (result.status !== 0)
    throw new Error(`${argv.join(' ')}: ${result.error?.message ?? ''}${result.stderr}${result.stdout}`);
  return ms;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Runs the cases in turn, round after round, so that a noisy moment hits all of them; gives each one's median. */
export async function interleave<K extends string>(
  cases: Readonly<Record<K, (round: number) => number | Promise<number>>>,
  rounds = runs,
): Promise<Record<K, number>> {
  const names = Object.keys(cases) as K[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (const name of names) await cases[name](-1); // warm-up
  for (let round = 0; round < rounds; round++)
    for (const name of names) samples[name].push(await cases[name](round));
  return Object.fromEntries(names.map((name) => [name, median(samples[name])])) as Record<K, number>;
}

/** An environment with a state of its own and a private tmux server. */
export function benchEnv(): { env: NodeJS.ProcessEnv; dir: string; socket: string } {
  const dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'devenv-bench-')));
  const socket = path.basename(dir);
  const inherited = Object.entries(process.env).filter(([name]) => !/^(GIT_|DEVENV_|TMUX|XDG_)/.test(name));
  const env = {
    ...Object.fromEntries(inherited),
    HOME: dir,
    XDG_STATE_HOME: path.join(dir, 'state'),
    XDG_CACHE_HOME: path.join(dir, 'cache'),
    DEVENV_TMUX_SOCKET: socket,
    SHELL: '/bin/sh',
  };
  return { env, dir, socket };
}

/** Takes away what `benchEnv` made, the server's socket included. */
export function endEnv({ dir, socket }: { dir: string; socket: string }): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  rmSync(path.join('/tmp', `tmux-${process.getuid?.() ?? 0}`, socket), { force: true });
}

export const ms = (value: number): string => `${value.toFixed(1)} ms`;
export const round = (value: number): number => Math.round(value * 100) / 100;

/** A goal of the form: `measured` at most `allowed`. */
export function atMost(name: string, goal: string, measured: number, allowed: number, floor: number): Goal {
  return {
    name,
    goal,
    figure: ms(measured),
    ratio: round(measured / floor),
    ok: measured <= allowed,
    detail: { measuredMs: round(measured), allowedMs: round(allowed), floorMs: round(floor) },
  };
}
