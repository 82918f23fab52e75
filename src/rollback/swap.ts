import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { errnoOf, randomId } from '../base/index.ts';

/** Not every file system has hard links, not every file may be linked, and none across two of them. */
const noLink = new Set(['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/** How a path looks now; null when nothing is there. */
export function lookAt(file: string | Buffer): BigIntStats | null {
  try {
    return lstatSync(file, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return null; // a file stands where its folder would be
    throw error;
  }
}

/** Whether it is the same file with the same content; another name of it changes nothing of that. */
export function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.mode === b.mode;
}

/**
 * Replaces a file in one rename. Before, the old one gets a second name, `aside`: who has it open and writes
 * to it later writes to a file that is still there. Returns false, and does nothing, when the file is no longer
 * `then`; else the name of the old one (undefined where it could get none).
 */
export function replaceFile(
  target: Buffer,
  source: string,
  then: BigIntStats,
  aside: string,
): { readonly aside: string | undefined } | false {
  const kept = linkTo(target, aside);
  const now = lookAt(target);
  if (now === null || !sameFile(then, now)) {
    if (kept) rmSync(aside, { force: true });
    return false;
  }
  try {
    renameSync(source, target);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    renameSync(copyBeside(source, target), target);
    unlinkSync(source);
  }
  if (!kept) return { aside: undefined };
  // Where a link is followed when it is linked, this is some other file.
  const same = !then.isSymbolicLink() || lookAt(aside)?.ino === then.ino;
  return { aside: same ? aside : undefined };
}

/** Puts a file where none is; false when there is one by now. */
export function createFile(target: Buffer, source: string): boolean {
  try {
    if (lstatSync(source).isSymbolicLink()) symlinkSync(readlinkSync(source, { encoding: 'buffer' }), target);
    else if (!linkTo(source, target)) return createByCopy(target, source);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  unlinkSync(source);
  return true;
}

// Another file system: the copy is whole before it gets its name.
function createByCopy(target: Buffer, source: string): boolean {
  const beside = copyBeside(source, target);
  try {
    if (!linkTo(beside, target)) {
      if (lookAt(target) !== null) return false;
      renameSync(beside, target);
    }
  } finally {
    rmSync(beside, { force: true });
  }
  unlinkSync(source);
  return true;
}

/**
 * Takes a file away by giving it another name. Returns false when it turned out not to be `then`: it is back
 * in its place, or beside it when that was taken meanwhile.
 */
export function takeAway(
  target: Buffer,
  then: BigIntStats,
  aside: string,
): { readonly aside: string | undefined } | false {
  try {
    renameSync(target, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { aside: undefined };
    if (errnoOf(error) !== 'EXDEV') throw error;
    const now = lookAt(target);
    if (now === null || !sameFile(then, now)) return false;
    unlinkSync(target);
    return { aside: undefined };
  }
  const moved = lookAt(aside);
  if (moved !== null && sameFile(then, moved)) return { aside };
  if (!createFile(target, aside)) rescue(aside, target);
  return false;
}

/** Keeps a file that nothing else holds beside its place, under a name of its own. Returns that name. */
export function rescue(aside: string, target: Buffer): Buffer {
  const beside = Buffer.concat([target, Buffer.from(`.devenv-kept-${randomId()}`)]);
  try {
    renameSync(aside, beside);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    renameSync(copyBeside(aside, target), beside);
    unlinkSync(aside);
  }
  return beside;
}

function linkTo(file: string | Buffer, name: string | Buffer): boolean {
  try {
    linkSync(file, name);
    return true;
  } catch (error) {
    if (noLink.has(errnoOf(error) ?? '')) return false;
    if (errnoOf(error) === 'ENOENT') return false; // gone: the look that follows says so
    throw error;
  }
}

function copyBeside(source: string, target: Buffer): Buffer {
  const beside = Buffer.concat([target, Buffer.from(`.devenv-${randomId()}`)]);
  const stat = lstatSync(source);
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source, { encoding: 'buffer' }), beside);
  else {
    copyFileSync(source, beside, constants.COPYFILE_EXCL);
    chmodSync(beside, stat.mode & 0o7777);
  }
  return beside;
}
