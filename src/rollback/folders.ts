import { chmodSync, closeSync, constants, existsSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { errnoOf } from '../base/index.ts';
import { diskPath, rawDir } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import { blockingParent } from './check.ts';
import { folderKey, type Modes } from './modes.ts';
import { lookAt } from './swap.ts';

/**
 * The way to files of the work tree, never through a link: a folder is opened step by step and then held, so that
 * putting a link in its place a moment later leads nowhere else. A path that was given is for the very next act.
 */
export interface Folders extends Disposable {
  /** Where a file is, or would be; undefined when its folder is missing, or a link or a file stands on the way. */
  reach(file: RawPath): Buffer | undefined;
  /** Makes the folders on the way that are missing; false when something else stands there. */
  make(dir: RawPath, modes: Modes): boolean;
  /** All is in place: folders that were made closed to their owner (`r-x`) are closed again. */
  close(): void;
}

/** Folders that were made with more rights than they shall have, and those. */
type Opened = Map<RawPath, number>;

function closeAll(opened: Opened, at: (dir: RawPath) => Buffer | undefined): void {
  // From the inside out: one that is closed leads nowhere.
  for (const [dir, mode] of [...opened].toReversed()) {
    const own = at(dir);
    if (own !== undefined) chmodSync(own, mode);
  }
  opened.clear();
}

/** Opens a path only to go through it: needs no right to read the folder. */
const pathOnly = 0o10000000;
const flags = pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Opens the folders of a work tree; where the system cannot hold a folder, each part of the way is looked at instead. */
export function openFolders(repo: Repo): Folders {
  // Only Linux has it.
  return existsSync('/proc/self/fd') ? heldFolders(repo) : lookedAtFolders(repo);
}

interface Held {
  readonly dir: RawPath;
  readonly fd: number;
  readonly stat: BigIntStats;
}

function heldFolders(repo: Repo): Folders {
  let held: Held | undefined;
  const opened: Opened = new Map();
  const drop = (): void => {
    if (held) closeSync(held.fd);
    held = undefined;
  };
  const hold = (dir: RawPath, missing?: Modes): Held | undefined => {
    if (held?.dir === dir && isThere(repo, held)) return held;
    drop();
    const fd = openWay(repo, dir, missing && { modes: missing, opened });
    if (fd === undefined) return undefined;
    held = { dir, fd, stat: lstatSync(`/proc/self/fd/${fd}/.`, { bigint: true }) };
    return held;
  };
  const reach = (file: RawPath): Buffer | undefined => {
    const dir = rawDir(file);
    const found = hold(dir);
    return found && inside(found.fd, dir === '' ? file : file.slice(dir.length + 1));
  };
  return {
    reach,
    make: (dir, modes) => hold(dir, modes) !== undefined,
    close: () => closeAll(opened, (dir) => reach(`${dir}/.`)),
    [Symbol.dispose]: drop,
  };
}

// Moved away or replaced meanwhile: what is held is no longer the folder of that name.
function isThere(repo: Repo, held: Held): boolean {
  const now = lookAt(diskPath(repo.root, held.dir));
  return now !== null && now.ino === held.stat.ino && now.dev === held.stat.dev;
}

function inside(fd: number, name: RawPath): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}/${name}`, 'latin1');
}

interface Missing {
  readonly modes: Modes;
  readonly opened: Opened;
}

/** With `missing`, folders that are not there are made, with these permissions. */
function openWay(repo: Repo, dir: RawPath, missing: Missing | undefined): number | undefined {
  let fd = openSync(repo.root, pathOnly | constants.O_DIRECTORY);
  let done = '';
  for (const part of dir === '' ? [] : dir.split('/')) {
    const at = inside(fd, part);
    done = done === '' ? part : `${done}/${part}`;
    const next = openNext(at) ?? (missing && makeNext(at, done, missing));
    closeSync(fd);
    if (next === undefined) return undefined;
    fd = next;
  }
  return fd;
}

function openNext(at: Buffer): number | undefined {
  try {
    return openSync(at, flags);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

function makeNext(at: Buffer, dir: RawPath, { modes, opened }: Missing): number | undefined {
  const mode = modes[folderKey(dir)];
  const made = makeUnlessThere(() => mkdirSync(at, { mode: firstMode(mode) }));
  const fd = openNext(at);
  // What the umask holds back; by the folder that is held, not by its name.
  if (made && fd !== undefined && mode !== undefined) chmodSync(inside(fd, '.'), forOwner(mode));
  if (made) noteOpened(opened, dir, mode);
  return fd;
}

/** Never less than its owner needs to put files in. */
const forOwner = (mode: number): number => mode | 0o700;

function noteOpened(opened: Opened, dir: RawPath, mode: number | undefined): void {
  if (mode !== undefined && forOwner(mode) !== mode) opened.set(dir, mode);
}

const firstMode = (mode: number | undefined): number => (mode === undefined ? 0o777 : forOwner(mode) & 0o777);

/** Whether it was made. */
function makeUnlessThere(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (!['EEXIST', 'ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
    return false;
  }
}

function lookedAtFolders(repo: Repo): Folders {
  const isReal = (dir: RawPath): boolean => lookAt(diskPath(repo.root, dir))?.isDirectory() === true;
  const opened: Opened = new Map();
  const make = (dir: RawPath, modes: Modes): boolean => {
    if (dir === '' || isReal(dir)) return true;
    if (blockingParent(repo, dir) !== undefined || !make(rawDir(dir), modes)) return false;
    const [at, mode] = [diskPath(repo.root, dir), modes[folderKey(dir)]];
    const made = makeUnlessThere(() => mkdirSync(at, { mode: firstMode(mode) }));
    if (made && mode !== undefined && isReal(dir)) chmodSync(at, forOwner(mode));
    if (made) noteOpened(opened, dir, mode);
    return isReal(dir);
  };
  return {
    reach: (file) =>
      blockingParent(repo, file) === undefined && (rawDir(file) === '' || isReal(rawDir(file)))
        ? diskPath(repo.root, file)
        : undefined,
    make,
    close: () => closeAll(opened, (dir) => (isReal(dir) ? diskPath(repo.root, dir) : undefined)),
    [Symbol.dispose]: () => {},
  };
}
