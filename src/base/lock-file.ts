import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { errnoOf } from './errors.ts';
import { self } from './world.ts';

/**
 * Makes a file that holds this process's id, or a text with it; false when there is one already. On a full disk no empty one is left,
 * which nobody would hold and everybody would wait for.
 */
export function makeLockFile(file: string, text = String(self.pid)): boolean {
  let fd: number;
  try {
    fd = openSync(file, 'wx', 0o600);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(fd, text);
    return true;
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}
