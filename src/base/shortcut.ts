import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from './errors.ts';
import { makeDir } from './paths.ts';
import { quickHash } from './world.ts';

/**
 * A file that only saves time: losing it costs nothing else. It is written over in place, for a new file and a rename
 * at each snapshot cost more than they save; so a reader may meet half of one, which its hash tells. Returns what
 * `writeShortcut` was given, or undefined where it is absent, damaged or half written.
 */
export function readShortcut(file: string): unknown {
  try {
    const text = readFileSync(file, 'utf8');
    const json = text.slice(text.indexOf(' ') + 1);
    return text === sealed(json) ? JSON.parse(json) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes one, readable for this user alone; where that does not work, nothing is said and nothing is lost. */
export function writeShortcut(file: string, value: object): void {
  const bytes = Buffer.from(sealed(JSON.stringify(value)));
  try {
    const fd = openOrMake(file);
    try {
      writeSync(fd, bytes, 0, bytes.length, 0);
      ftruncateSync(fd, bytes.length);
    } finally {
      closeSync(fd);
    }
  } catch {
    // A read-only or full state directory must not stop a checkpoint; the next one takes the long way.
  }
}

const sealed = (json: string): string => `${quickHash(json)} ${json}`;

function openOrMake(file: string): number {
  const open = (): number => openSync(file, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    return open();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeDir(path.dirname(file));
    return open();
  }
}
