import { lstatSync, readFileSync, type BigIntStats } from 'node:fs';
import { replaceFile } from '../base/index.ts';
import { diskPath, notesFile, rawDir } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import type { Held } from './plan.ts';

/**
 * Permissions that git does not know, of files and folders that a rollback took away or changed; for when they come
 * back, also after somebody deleted them meanwhile.
 */
export type Modes = Readonly<Record<string, number>>;

// Of this very repository: another one at the same path has files of its own.
const modesFile = (repo: Repo): string => notesFile(repo, 'modes.json');

/** What is known of this work tree; nothing when the file is absent or damaged. */
export function readModes(repo: Repo): Modes {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file
    return JSON.parse(readFileSync(modesFile(repo), 'utf8')) as Modes;
  } catch {
    return {};
  }
}

/** Beside the permissions of a file: its executable bit is not what git says (`core.fileMode=false`). */
const ownBit = 0o10000;

/** A file that is about to go or to change; `stat` as it was looked at when the plan was made. */
interface Leaving {
  readonly path: RawPath;
  readonly before: Held | null;
  readonly stat: BigIntStats;
}

/** No more entries are kept than this; the oldest go first. */
const mostKept = 100_000;

/** Where the permissions of a folder stand: a file of that name may have come or gone as well. */
export const folderKey = (dir: RawPath): string => `${dir}/`;

/**
 * Notes the permissions of these files, and of the folders they are in, in place of older notes of them. Also usual
 * ones: whoever takes the step back may do so under another umask.
 */
export function noteModes(repo: Repo, leaving: readonly Leaving[]): void {
  const found: Record<string, number> = {};
  for (const { path: file, before, stat } of leaving) {
    if (stat.isFile()) {
      const bits = Number(stat.mode) & 0o777;
      const differs = before !== null && isExecutable(bits) !== (before.mode === '100755');
      found[file] = differs ? bits | ownBit : bits;
    }
    for (let dir = rawDir(file); dir !== '' && !(folderKey(dir) in found); dir = rawDir(dir)) {
      const own = lstatSync(diskPath(repo.root, dir), { throwIfNoEntry: false });
      if (own?.isDirectory() !== true) continue;
      // With the bit that hands the folder's group on: shared repositories live by it.
      found[folderKey(dir)] = own.mode & 0o7777;
    }
  }
  const known = readModes(repo);
  if (Object.keys(found).every((part) => found[part] === known[part])) return;
  const kept = Object.entries(known).filter(([part]) => !(part in found));
  const all = [...kept, ...Object.entries(found)].slice(-mostKept);
  try {
    replaceFile(modesFile(repo), JSON.stringify(Object.fromEntries(all)));
  } catch {
    // A full disk must not stop a rollback that has room for its files; the usual permissions are what git knows.
  }
}

const isExecutable = (bits: number): boolean => (bits & 0o100) !== 0;

/**
 * The permissions of a file that comes: those it has, or had when it went (`known`), with the executable bit that
 * git says. But where git saw the other one all along, the disk's own stays.
 */
export function modeToSet(known: number, mode: string, same: boolean): number {
  const wanted = mode === '100755';
  const noted = (known & ownBit) !== 0;
  if (same || noted || isExecutable(known) === wanted) return known & 0o777;
  const bits = known & 0o666;
  return wanted ? bits | ((bits & 0o444) >> 2) : bits;
}
