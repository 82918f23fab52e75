import { realpathSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, showName } from '../base/index.ts';
import type { Repo } from './repo.ts';

/**
 * A path as a person wrote it in the folder `cwd`, from the top of the work tree; '' is all of it. Throws 'usage'
 * for one outside of it, and for an empty one: whoever left a variable empty did not mean everything.
 */
export function pathFromTop(repo: Repo, cwd: string, given: string): string {
  if (given === '')
    throw new DevenvError(
      'usage',
      'a path is empty',
      'leave it out, or name a file or folder; . is all of this one',
    );
  const full = path.resolve(realpathSync(cwd), given);
  // The last part may be a link of the work tree's own; the way to it is written as the disk has it.
  const real = isInside(repo.root, full) ? full : path.join(realDir(path.dirname(full)), path.basename(full));
  if (!isInside(repo.root, real))
    throw new DevenvError('usage', `${showName(given)} is not in the work tree ${repo.root}`);
  return path.relative(repo.root, real);
}

/** Throws 'usage' for a path, as git takes them, that is empty or outside of the work tree. */
export function checkPathspecs(repo: Repo, cwd: string, given: readonly string[]): void {
  // What begins with a colon is git's own to read.
  for (const one of given) if (!one.startsWith(':')) pathFromTop(repo, cwd, one);
}

function isInside(root: string, file: string): boolean {
  return file === root || file.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
}

function realDir(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return dir; // not on the disk: the name itself is all there is
  }
}
