import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { readShortcut, shortHash, stateDir, writeShortcut } from '../base/index.ts';
import { git } from './exec.ts';
import { flagList, scanIndex, type HiddenEntry } from './index-scan.ts';
import { diskPath, rawDir } from './names.ts';
import type { RawPath } from './names.ts';
import type { Repo } from './repo.ts';

/** An entry to be looked at; `keptOff`: a sparse checkout may keep it off the disk, so its absence says nothing. */
export type LookedAt = HiddenEntry & { readonly keptOff: boolean };

/**
 * The assume-unchanged and skip-worktree entries that lie on the disk, or were deleted there. Status hides edits in
 * them, so a snapshot looks by itself. The index is read as a file (no process) while `git status` works.
 */
export async function hiddenEntries(repo: Repo): Promise<readonly LookedAt[]> {
  const flagged = await flaggedEntries(repo);
  if (flagged.length === 0) return [];
  const dirs = new Map<string, boolean>();
  const sparse = mayBeSparse(repo);
  return flagged
    .map((entry) => ({ ...entry, keptOff: sparse && entry.flags.includes('skip-worktree') }))
    .filter((entry) => !entry.keptOff || onDisk(repo.root, entry.path, dirs));
}

/** Without a process; a doubt counts as yes. */
function mayBeSparse(repo: Repo): boolean {
  if (existsSync(path.join(repo.gitDir, 'info/sparse-checkout'))) return true;
  const configs = [path.join(repo.commonDir, 'config'), path.join(repo.gitDir, 'config.worktree')];
  return configs.some(
    (file) => existsSync(file) && /sparse|virtualfilesystem/i.test(readFileSync(file, 'utf8')),
  );
}

/** All assume-unchanged and skip-worktree entries, also those that a sparse checkout keeps off the disk. */
export async function flaggedEntries(repo: Repo): Promise<readonly HiddenEntry[]> {
  const file = path.join(repo.gitDir, 'index');
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return [];
  const stamp = `${file} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
  const before = readKnown(repo);
  if (before?.stamp === stamp) return before.entries;
  const entries = scanIndex(file, repo.objectFormat === 'sha256' ? 32 : 20) ?? (await askGit(repo));
  const known: Known = { stamp, entries };
  writeShortcut(knownFile(repo), known);
  return entries;
}

/** What the index held when it was last looked through: most snapshots find it as it was. */
interface Known {
  readonly stamp: string;
  readonly entries: readonly HiddenEntry[];
}

function knownFile(repo: Repo): string {
  return path.join(stateDir(repo.env), 'checkpoints', `${shortHash(repo.gitDir)}.hidden.v4.json`);
}

function readKnown(repo: Repo): Known | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file; the version in its name changes with its shape
  return readShortcut(knownFile(repo)) as Known | undefined;
}

// Thousands of entries outside a sparse cone share a few folders that do not exist.
function onDisk(root: string, file: RawPath, dirs: Map<string, boolean>, asFolder = false): boolean {
  const dir = rawDir(file);
  if (dir !== '') {
    const known = dirs.get(dir) ?? onDisk(root, dir, dirs, true);
    dirs.set(dir, known);
    if (!known) return false;
  }
  const stat = lstatSync(diskPath(root, file), { throwIfNoEntry: false });
  return stat !== undefined && (!asFolder || stat.isDirectory());
}

// `--debug` is the one place where git tells which names are only announced (in-memory flag 29, as in git's cache.h).
async function askGit(repo: Repo): Promise<HiddenEntry[]> {
  const [tags, stages] = await Promise.all([
    git(repo, ['ls-files', '-v', '-z']),
    git(repo, ['ls-files', '-s', '--debug', '-z']),
  ]);
  // A small letter is an entry that is assumed unchanged, an s one that is skipped.
  const hidden = new Map(
    tags.stdout
      .toString('latin1')
      .split('\0')
      .filter((line) => /^[a-zS] /.test(line))
      .map((line) => [line.slice(2), flagList(/^[a-z]/.test(line), /^s/i.test(line))] as const),
  );
  if (hidden.size === 0) return [];
  const entries = stages.stdout
    .toString('latin1')
    .matchAll(/(?:^|\n)(\d+) (\S+) \d\t([^\0]*)\0[^\0]*?\tflags: ([0-9a-f]+)(?=\n)/g);
  return [...entries].flatMap(([, mode = '', oid = '', name = '', bits = '']) => {
    const flags = hidden.get(name);
    const intent = (Number.parseInt(bits, 16) & (1 << 29)) !== 0;
    return flags === undefined ? [] : [{ path: name, mode, oid, flags, intent }];
  });
}
