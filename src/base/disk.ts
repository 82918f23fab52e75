import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DevenvError, errnoOf, messageOf } from './errors.ts';
import { cacheDir, makeDir, stateDir } from './paths.ts';

/** What is left on the file system of a place. */
export interface Room {
  readonly freeBytes: number;
  /** Of the whole of it, 0 to 1. */
  readonly share: number;
}

/** How much room is left at a place that exists; endless where that cannot be told. */
export function roomAt(place: string): Room {
  try {
    const { bavail, blocks, bsize, files, ffree } = statfsSync(place);
    // File systems without a size of their own (overlays, network) tell zeroes.
    if (blocks === 0) return { freeBytes: Infinity, share: 1 };
    if (files > 0 && ffree === 0) return { freeBytes: 0, share: 0 };
    return { freeBytes: bavail * bsize, share: bavail / blocks };
  } catch {
    return { freeBytes: Infinity, share: 1 };
  }
}

/** With less than this a failed write is no wonder. */
const nothingLeftBytes = 1024 * 1024;
/** What was half written is removed by the time one looks. */
const littleLeft = 0.05;

/** The nearest folder that is there already. */
export function existingDir(dir: string): string {
  const stat = statSync(dir, { throwIfNoEntry: false });
  return stat?.isDirectory() || dir === path.dirname(dir) ? dir : existingDir(path.dirname(dir));
}

/** Where the file system of a place is mounted. */
export function mountOf(place: string): string {
  let at = existingDir(place);
  const { dev } = statSync(at);
  for (let up = path.dirname(at); up !== at && statSync(up).dev === dev; up = path.dirname(at)) at = up;
  return at;
}

/** Where, of all that devenv writes to, there is no room left; the places given come first. */
function fullDisks(places: readonly string[]): readonly string[] {
  const own = [stateDir, cacheDir].flatMap((find) => tried(() => find(process.env)) ?? []);
  const all = [...places, ...(tried(() => process.cwd()) ?? []), ...own, process.env['TMPDIR'] || tmpdir()];
  const disks = [...new Set(all.flatMap((place) => tried(() => mountOf(place)) ?? []))];
  const full = disks.filter((disk) => roomAt(disk).freeBytes < nothingLeftBytes);
  return full.length > 0 ? full : disks.filter((disk) => roomAt(disk).share < littleLeft);
}

function tried(look: () => string): readonly [string] | undefined {
  try {
    return [look()];
  } catch {
    return undefined; // no home, no current directory, or not ours to see
  }
}

/**
 * The error for a write that found no room. Systems seldom say where: it is asked of the places that were written
 * to, and of those where devenv keeps its own.
 */
export function diskFull(doing: string, cause?: unknown, places: readonly string[] = []): DevenvError {
  const [first, ...more] = fullDisks(places);
  const state = tried(() => mountOf(stateDir(process.env)))?.[0];
  const elsewhere =
    first !== undefined && first === state && tried(() => mountOf(process.cwd()))?.[0] !== first
      ? ', or set XDG_STATE_HOME to a folder on another one,'
      : '';
  return new DevenvError(
    'disk-full',
    `no space left on ${first === undefined ? 'the disk' : [first, ...more].join(' and ')} while ${doing}`,
    `free some space ${first === undefined ? '(df shows where)' : 'there'}${elsewhere} and run the command again; nothing was lost`,
    cause,
  );
}

const isNoSpace = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '');

/** Makes a directory only this user may read; an unusable one is an error that names it. */
export function ensureDir(dir: string): string {
  try {
    makeDir(dir);
    accessSync(dir, constants.W_OK);
    return dir;
  } catch (error) {
    if (isNoSpace(error)) throw diskFull(`making ${dir}`, error, [dir]);
    throw new DevenvError(
      'state-dir',
      `cannot write to ${dir}: ${messageOf(error)}`,
      'make it writable, or set XDG_STATE_HOME to a directory that is',
      error,
    );
  }
}

/** The path that a file system error is about, where it says so. */
function pathOf(error: unknown): string | undefined {
  const named = typeof error === 'object' && error !== null && 'path' in error ? error.path : undefined;
  return typeof named === 'string' ? named : undefined;
}

/** Turns a file system error into the one line a user can act on; other errors pass through unchanged. */
export function explainFsError(error: unknown, doing: string): unknown {
  const file = pathOf(error);
  if (isNoSpace(error)) {
    const what = file === undefined || doing.includes(file) ? doing : `${doing} ${file}`;
    return diskFull(what, error, file === undefined ? [] : [path.resolve(file)]);
  }
  switch (errnoOf(error)) {
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return new DevenvError(
        'environment',
        `not allowed: ${doing} (${messageOf(error)})`,
        'check the permissions of that path',
        error,
      );
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return new DevenvError(
        'environment',
        `that path cannot be: ${doing} (${messageOf(error)})`,
        messageOf(error).includes('/refs/devenv')
          ? 'a ref stands where devenv keeps its own: devenv doctor --fix puts it aside'
          : 'a part of it is no folder, or it is too long',
        error,
      );
    default:
      return error;
  }
}
