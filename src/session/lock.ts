import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, ensureDir, isAlive, makeLockFile, projectId, self, stateDir } from '../base/index.ts';
import type { SessionDeps } from './types.ts';

/** What can hold the lock: a command, or what does the same in another one. */
const holders = ['start', 'stop', 'restart'] as const;

export interface LockOptions {
  readonly as: (typeof holders)[number];
  readonly root: string;
  readonly signal?: AbortSignal | undefined;
  /** Told what is waited for, when that takes a moment. */
  readonly note?: ((line: string) => void) | undefined;
}

const patienceMs = 30_000;
const silentMs = 1000;

/**
 * Does one thing to a project's session at a time: two starts would fight over its ports, and one that comes while
 * services are ended would find them running. A start needs the lock. A stop or a restart waits for a start only, and
 * goes on without the lock where it cannot be had: it must work on a full disk too.
 */
export async function withLock<T>(
  deps: SessionDeps,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const unlock = await take(deps, options).catch((error: unknown) => {
    if (options.as === 'start' || options.signal?.aborted) throw error;
  });
  try {
    return await work();
  } finally {
    unlock?.();
  }
}

/** Takes the lock for a start if nobody has it; returns what gives it back. */
export function takeLockNow(env: NodeJS.ProcessEnv, root: string): (() => void) | undefined {
  const file = lockFile(env, root);
  return makeLockFile(file) ? () => giveBack(file) : undefined;
}

const lockFile = (env: NodeJS.ProcessEnv, root: string): string =>
  path.join(ensureDir(path.join(stateDir(env), 'locks')), `start-${projectId(root)}`);

function giveBack(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Read-only by now: the next one finds that its holder is gone.
  }
}

/** Returns what gives the lock back; undefined where it is to be done without. */
async function take(
  deps: SessionDeps,
  { as, root, signal, note }: LockOptions,
): Promise<(() => void) | undefined> {
  const file = lockFile(deps.env, root);
  const began = deps.clock.monotonic();
  for (let told = false; !makeLockFile(file, written(as)); await deps.clock.sleep(20, signal)) {
    const { what, pid } = readHolder(file);
    const who = `devenv ${what} (process ${pid ?? 'unknown'})`;
    if (signal?.aborted)
      throw new DevenvError('interrupted', `interrupted while waiting for ${who} to end; nothing was done`);
    const isDead = pid !== undefined && !isAlive(pid);
    if (isDead) bury(file, pid);
    const waitedMs = deps.clock.monotonic() - began;
    if (as !== 'start' && (waitedMs > patienceMs || (!isDead && what !== 'start'))) return undefined;
    if (waitedMs > patienceMs)
      throw new DevenvError(
        'refused',
        `${who} is still at work on this project`,
        `wait until it has ended; if there is no such process, remove ${file}`,
      );
    if (told || waitedMs < silentMs) continue;
    told = true;
    note?.(`waiting for ${who} to end`);
  }
  return () => giveBack(file);
}

/**
 * Removes the lock of a dead process. Only who has a lock on that very one may, and looks again: else one of two that
 * wait would remove the new lock of the other.
 */
function bury(file: string, dead: number): void {
  const claim = `${file}.${dead}`;
  if (makeLockFile(claim)) {
    if (readHolder(file).pid === dead) rmSync(file);
    rmSync(claim);
    return;
  }
  const { pid } = readHolder(claim);
  if (pid !== undefined && !isAlive(pid)) bury(claim, pid);
}

// Builds stand side by side, and the older ones read the whole as a number: what holds it is how many line ends follow.
const written = (as: LockOptions['as']): string => `${self.pid}${'\n'.repeat(holders.indexOf(as))}`;

/** No id while the holder has not written it yet. */
function readHolder(file: string): {
  readonly what: LockOptions['as'];
  readonly pid: number | undefined;
} {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // Given back meanwhile.
  }
  return { what: holders[text.length - text.trimEnd().length] ?? 'start', pid: Number(text) || undefined };
}
