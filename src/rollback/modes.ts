import { lstatSync, readFileSync, renameSync, writeFileSync, type BigIntStats } from 'node:fs';
import path from 'node:path';
import { makeDir, self, shortHash, stateDir } from '../base/index.ts';
import { diskPath, rawDir } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import type { Held } from './plan.ts';

/** What a file, a program or a folder gets when it is made anew. */
function usualModes(): readonly number[] {
  const mask = self.umask();
  return [0o666 & ~mask, 0o777 & ~mask];
}

/**
 * Permissions that git does not know, of files and folders that a rollback took away or changed; for when they come
 * back, also after somebody deleted them meanwhile.
 */
export type Modes = Readonly<Record<RawPath, number>>;

function modesFile(repo: Repo): string {
  return path.join(stateDir(repo.env), 'checkpoints', `${shortHash(repo.gitDir)}.modes.v1.json`);
}

/** What is known of this work tree; nothing when the file is absent or damaged. */
export function readModes(repo: Repo): Modes {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file; the version in its name changes with its shape
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

/** Notes the unusual permissions of these files, and of the folders they are in; forgets older notes of them. */
export function noteModes(repo: Repo, leaving: readonly Leaving[]): void {
  const found: Record<RawPath, number | undefined> = {};
  const usual = usualModes();
  const looked = new Set<RawPath>();
  for (const { path: file, before, stat } of leaving) {
    if (stat.isFile()) {
      const bits = Number(stat.mode) & 0o777;
      const differs = before !== null && isExecutable(bits) !== (before.mode === '100755');
      found[file] = differs ? bits | ownBit : usual.includes(bits) ? undefined : bits;
    }
    for (let dir = rawDir(file); dir !== '' && !looked.has(dir); dir = rawDir(dir)) {
      looked.add(dir);
      const own = lstatSync(diskPath(repo.root, dir), { throwIfNoEntry: false });
      if (own?.isDirectory() !== true) continue;
      // With the bit that hands the folder's group on: shared repositories live by it.
      const bits = own.mode & 0o7777;
      found[dir] = usual.includes(bits) ? undefined : bits;
    }
  }
  const known = readModes(repo);
  if (Object.keys(found).every((part) => found[part] === known[part])) return;
  const file = modesFile(repo);
  try {
    makeDir(path.dirname(file));
    const temporary = `${file}.${self.pid}`;
    writeFileSync(temporary, JSON.stringify({ ...known, ...found }), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    // A read-only or full state directory must not stop a rollback; the usual permissions are what git knows.
  }
}

const isExecutable = (bits: number): boolean => (bits & 0o100) !== 0;

/**
 * The permissions of a file that comes: those it has, or had when it went (`known`), with the executable bit that
 * git says. But where git saw the other one all along, the disk's own stays.
 */
export function modeToSet(known: number, mode: string, same: boolean): number {
  const wanted = mode === '100755';
  const noted = (known & ownBit) !== 0 && isExecutable(known) !== wanted;
  if (same || noted) return known & 0o777;
  const bits = known & 0o666;
  return wanted ? bits | ((bits & 0o444) >> 2) : bits;
}
