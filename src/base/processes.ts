import { readdirSync, readFileSync } from 'node:fs';
import { run } from './process.ts';
import { systemClock } from './world.ts';
import type { Clock } from './world.ts';

/** One process of this machine. */
export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  /** Process group and session; a tmux pane's process leads a session of its own. */
  readonly pgid: number;
  readonly sid: number;
  readonly command: string;
}

/** Every process this user can see. Linux reads /proc (no procps needed); elsewhere `ps` is asked. */
export async function listProcesses(): Promise<readonly ProcessInfo[]> {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readProcess(Number(name)));
  } catch {
    return psProcesses();
  }
}

function readProcess(pid: number): ProcessInfo[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold anything, so fields are counted from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return [];
    const [ppid = 0, pgid = 0, sid = 0] = fields.slice(1, 4).map(Number);
    return [
      {
        pid,
        ppid,
        pgid,
        sid,
        command: readCommand(pid) ?? stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      },
    ];
  } catch {
    return []; // it ended while the list was read
  }
}

function readCommand(pid: number): string | undefined {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ') || undefined;
}

async function psProcesses(): Promise<readonly ProcessInfo[]> {
  const result = await run(['ps', '-axo', 'pid=,ppid=,pgid=,sess=,command=']);
  return result.stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (!match) return [];
    return [
      {
        pid: Number(match[1]),
        ppid: Number(match[2]),
        pgid: Number(match[3]),
        sid: Number(match[4]) || 0,
        command: match[5] ?? '',
      },
    ];
  });
}

/**
 * Whether a process was started with `NAME=value` in its environment. A mark in the environment is
 * inherited by every child, also by one that left its group or lost its parent.
 */
export function hasMark(pid: number, mark: string): boolean {
  return environOf(pid).includes(Buffer.from(mark).toString('latin1'));
}

/** The environment a process was started with, `NAME=value` each; empty where it cannot be known. */
export function environOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return []; // another user's process, or gone
  }
}

/** The descendants of some processes, themselves included. */
export function withDescendants(
  all: readonly ProcessInfo[],
  roots: ReadonlySet<number>,
): readonly ProcessInfo[] {
  const found = new Set(roots);
  for (let grew = true; grew;) {
    const before = found.size;
    for (const p of all) if (found.has(p.ppid)) found.add(p.pid);
    grew = found.size > before;
  }
  return all.filter((p) => found.has(p.pid));
}

/** Whether a process with that id runs; one that has ended but was not fetched by its parent does not. */
export function isAlive(pid: number): boolean {
  return sendSignal(pid, 0) && !isZombie(pid);
}

/** File times, the time since the start of the machine and clocks that are set right differ by less. */
const slackMs = 10_000;

/**
 * Whether a process with that id runs, and ran at that time already (milliseconds since 1970): after a start of the
 * machine, or in another container, the number of a dead one is soon somebody else's.
 */
export function isAliveSince(pid: number, atMs: number): boolean {
  return isAlive(pid) && (startedAt(pid) ?? atMs) <= atMs + slackMs;
}

/** When a process was started, milliseconds since 1970; undefined where that cannot be known. */
function startedAt(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const upSeconds = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
    // A tick is a hundredth of a second for every Linux that we run on.
    return systemClock.now() - (upSeconds - ticks / 100) * 1000;
  } catch {
    return undefined;
  }
}

// Ended, but not yet fetched by its parent: in a container the first process may take long to do so, or never does.
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] === 'Z';
  } catch {
    return false; // no /proc here, or gone since
  }
}

/** Sends a signal; false when the process (or group, for a negative id) is gone or not ours. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * Ends processes for good: the signal to all, then SIGKILL to what is left after the grace.
 * `find` is asked again until it finds nothing, so children forked meanwhile end too.
 * Returns what had to be killed.
 */
export async function endProcesses(
  clock: Clock,
  find: () => Promise<readonly ProcessInfo[]>,
  how: { readonly signal: NodeJS.Signals; readonly graceMs: number },
): Promise<readonly ProcessInfo[]> {
  const deadline = clock.monotonic() + how.graceMs;
  const told = new Set<number>();
  let left = await find();
  while (left.length > 0 && clock.monotonic() < deadline) {
    for (const p of left) if (!told.has(p.pid)) sendSignal(p.pid, how.signal);
    left.forEach((p) => told.add(p.pid));
    await clock.sleep(20);
    left = await find();
  }
  const killed = left;
  for (let round = 0; left.length > 0 && round < 100; round++) {
    for (const p of left) sendSignal(p.pid, 'SIGKILL');
    await clock.sleep(20);
    left = await find();
  }
  return killed;
}

/** Ends whatever was started with `NAME=value` in its environment and still runs. Returns what had to be killed. */
export function endMarked(clock: Clock, mark: string, graceMs = 2000): Promise<readonly ProcessInfo[]> {
  const find = async (): Promise<readonly ProcessInfo[]> =>
    (await listProcesses()).filter(({ pid }) => hasMark(pid, mark));
  return endProcesses(clock, find, { signal: 'SIGTERM', graceMs });
}
