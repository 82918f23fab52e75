import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { diskPath, displayPath, git } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';

/** What tells one state of a file from another without reading it; '' when nothing is there. */
export function fileMark(file: Buffer): string {
  try {
    const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.mode}`;
  } catch {
    return ''; // no longer a folder on the way to it, or one that may not be entered
  }
}

/** So many repositories inside this one are looked into; with more of them only their pointers count. */
export const mostInner = 20;

/**
 * What tells one state of a repository inside this one from another: its commit, and the files in it that
 * differ, by their marks. One process.
 */
export async function innerMark(repo: Repo, dir: RawPath): Promise<string> {
  const result = await git(repo, [
    '-C',
    displayPath(dir),
    '-c',
    'core.fsmonitor=false',
    'status',
    '--porcelain=v2',
    '-z',
    '-uall',
    '--branch',
    '--no-renames',
    '--no-ahead-behind',
  ]);
  const text = result.stdout.toString('latin1');
  const hash = createHash('sha256').update(text);
  for (const record of text.split('\0')) {
    const name = /^(?:1(?: \S+){7}|u(?: \S+){9}|\?) (.+)$/s.exec(record)?.[1];
    if (name !== undefined) hash.update(`\0${fileMark(diskPath(repo.root, `${dir}/${name}`))}`);
  }
  return hash.digest('hex');
}
