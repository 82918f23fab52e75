import { statSync } from 'node:fs';
import path from 'node:path';
import { shortHash } from '../base/index.ts';
import { git, type Repo } from '../git/index.ts';
import type { Present } from '../verify/index.ts';

/** Separates the tree in a key from what the tree does not tell. */
const separator = '+';

/** The tree in a key. */
export const treeOf = (key: string): string => key.split(separator, 1)[0] ?? key;

/** The rest of a key. */
export const marksOf = (key: string): string => key.slice(treeOf(key).length);

/**
 * The key of a work tree: its tree, and where the tree could not hold all files (too large ones, dirty
 * submodules) marks by which a change of those shows.
 */
export async function keyOf({ repo, snapshot }: Present): Promise<string> {
  if (!repo || !snapshot) return '';
  const marks: string[] = [];
  for (const { path: name, reason } of snapshot.skipped)
    if (reason !== 'a git repository of its own') marks.push(...(await marksAt(repo, name)));
  return marks.length === 0 ? snapshot.tree : snapshot.tree + separator + shortHash(marks.join('\0'));
}

async function marksAt(repo: Repo, name: string): Promise<readonly string[]> {
  const file = path.join(repo.root, name);
  const info = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (info?.isDirectory() !== true || name === '.') return [mark(file)];
  // A submodule: what differs inside, and the times of those files.
  const { stdout } = await git(repo, ['-C', file, 'status', '--porcelain', '-z', '-uall', '--no-renames']);
  const lines = stdout.toString('utf8').split('\0');
  return [name, ...lines.map((line) => `${line} ${mark(path.join(file, line.slice(3)))}`)];
}

function mark(file: string): string {
  const info = statSync(file, { bigint: true, throwIfNoEntry: false });
  return info?.isFile() === true ? `${file} ${info.ino} ${info.ctimeNs} ${info.size}` : file;
}
