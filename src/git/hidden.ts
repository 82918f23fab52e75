import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { readShortcut, shortHash, stateDir, writeShortcut } from '../base/index.ts';
import { git } from './exec.ts';
import { diskPath, rawDir } from './names.ts';
import type { RawPath } from './names.ts';
import type { Repo } from './repo.ts';

/** A path whose changes `git status` does not look for, because the user told git so. */
export interface HiddenEntry {
  readonly path: RawPath;
  readonly mode: string;
  readonly oid: string;
  /** What the user told git: any of them, or both. */
  readonly flags: readonly HidingFlag[];
  /** Only announced (`git add -N`), which `git status` then does not tell either. */
  readonly intent?: boolean;
}

export type HidingFlag = 'assume-unchanged' | 'skip-worktree';

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
  const entries =
    scanIndex(readIndex(file), repo.objectFormat === 'sha256' ? 32 : 20) ?? (await askGit(repo));
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

const mostKept = 32 * 1024 * 1024;
let room = Buffer.alloc(0);

/** The index, until the next one is read: megabytes of new memory for each snapshot would keep the collector busy. */
function readIndex(file: string): Buffer {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    if (size > mostKept) return readFileSync(fd);
    if (room.length < size) room = Buffer.allocUnsafeSlow(size + (size >> 3));
    let length = 0;
    for (let n = -1; n !== 0 && length < size; length += n)
      n = readSync(fd, room, length, size - length, length);
    return room.subarray(0, length);
  } finally {
    closeSync(fd);
  }
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

/** Flagged entries of an index of version 2 to 4; undefined when it is split or of an unknown form. */
export function scanIndex(index: Buffer, oidLength: number): HiddenEntry[] | undefined {
  if (index.length < 12 || index.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = index.readUInt32BE(4);
  if (version < 2 || version > 4) return undefined;
  const found: HiddenEntry[] = [];
  let at = 12;
  let name = '';
  for (let left = index.readUInt32BE(8); left > 0; left--) {
    const flagsAt = at + 40 + oidLength;
    if (flagsAt + 2 > index.length) return undefined;
    // Single bytes, not readUInt16BE: this runs once for each of many thousand entries.
    const flags = ((index[flagsAt] ?? 0) << 8) | (index[flagsAt + 1] ?? 0);
    const extended = (flags & 0x4000) !== 0 ? (index[flagsAt + 2] ?? 0) << 8 : 0;
    const assumed = (flags & 0x8000) !== 0;
    const skipped = (extended & 0x4000) !== 0;
    const hidden = assumed || skipped;
    let nameAt = flagsAt + ((flags & 0x4000) !== 0 ? 4 : 2);
    if (version === 4) {
      const [strip, next] = readVarint(index, nameAt);
      const end = index.indexOf(0, next);
      name = name.slice(0, name.length - strip) + index.toString('latin1', next, end);
      nameAt = end + 1;
    } else {
      const length = flags & 0xfff;
      const end = length < 0xfff ? nameAt + length : index.indexOf(0, nameAt);
      if (hidden) name = index.toString('latin1', nameAt, end);
      nameAt = at + ((end - at + 8) & ~7);
    }
    if (hidden && !name.endsWith('/')) {
      found.push({
        path: name,
        mode: index
          .readUInt32BE(at + 24)
          .toString(8)
          .padStart(6, '0'),
        oid: index.toString('hex', at + 40, at + 40 + oidLength),
        flags: flagList(assumed, skipped),
        intent: (extended & 0x2000) !== 0,
      });
    }
    at = nameAt;
  }
  return isSplit(index, at, oidLength) ? undefined : found;
}

const flagList = (assumed: boolean, skipped: boolean): readonly HidingFlag[] => [
  ...(assumed ? ['assume-unchanged' as const] : []),
  ...(skipped ? ['skip-worktree' as const] : []),
];

// After the entries: extensions of a name, a length and data. `link` points at a second, shared index.
function isSplit(index: Buffer, start: number, oidLength: number): boolean {
  for (let at = start; at + 8 <= index.length - oidLength; at += 8 + index.readUInt32BE(at + 4)) {
    if (index.toString('latin1', at, at + 4) === 'link') return true;
  }
  return false;
}

function readVarint(buffer: Buffer, start: number): [number, number] {
  let at = start;
  let byte = buffer[at++] ?? 0;
  let value = byte & 127;
  while (byte & 128) {
    byte = buffer[at++] ?? 0;
    value = ((value + 1) << 7) | (byte & 127);
  }
  return [value, at];
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
