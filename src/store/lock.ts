import { closeSync, existsSync, openSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ensureDir, existingDir, messageOf, mountOf, roomAt, stateDir } from '../base/index.ts';

/** Why a lock is `unavailable`, for people. */
export function whyNoLock(env: NodeJS.ProcessEnv): string {
  const dir = path.join(stateDir(env), 'locks');
  const { freeBytes } = roomAt(existingDir(dir));
  return `no lock can be taken in ${dir}${freeBytes < smallestBytes ? `: no space left on ${mountOf(dir)}` : ''}`;
}

/** A lock is a database of some pages. */
const smallestBytes = 65_536;

/**
 * Takes a lock that is held until it is disposed of or this process ends, however it ends: the kernel keeps it,
 * through a database file opened for this alone. `taken`: another process has it; `unavailable`: the state
 * directory cannot be written. Never throws, never waits.
 */
export function takeLock(env: NodeJS.ProcessEnv, name: string): Disposable | 'taken' | 'unavailable' {
  let db: DatabaseSync;
  try {
    const file = path.join(ensureDir(path.join(stateDir(env), 'locks')), `${name}.lock`);
    // Closing a file gives back every lock that this very process has on it, so one that is there is not opened.
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    db = new DatabaseSync(file, { timeout: 0 });
  } catch {
    return 'unavailable'; // read-only or full: nobody can be kept out, and that must not stop the work
  }
  try {
    db.exec('BEGIN EXCLUSIVE');
    return { [Symbol.dispose]: () => db.close() };
  } catch (error) {
    db.close();
    return /locked|busy/i.test(messageOf(error)) ? 'taken' : 'unavailable';
  }
}
