import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { RawPath } from './names.ts';

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

/** No entry is longer, but for names that no disk takes. */
const longestEntry = 8 * 1024;

/**
 * A piece of the index that is read piece by piece, always into the same memory: after each process that Node starts,
 * every page of memory that is written to is copied first, which for a whole index takes longer than to read it.
 */
const room = Buffer.allocUnsafeSlow(64 * 1024);

interface Piece {
  readonly fd: number;
  /** Of the whole file. */
  readonly size: number;
  /** Where in the file the room begins, and how much of it is filled. */
  from: number;
  filled: number;
}

/** Reads on, so that the next entry is whole; returns where that is now. */
function readOn(piece: Piece, at: number): number {
  room.copyWithin(0, at, piece.filled);
  piece.from += at;
  piece.filled -= at;
  for (let n = -1; n !== 0 && piece.filled < room.length; piece.filled += n)
    n = readSync(piece.fd, room, piece.filled, room.length - piece.filled, piece.from + piece.filled);
  return 0;
}

/**
 * The assume-unchanged and skip-worktree entries of an index of version 2 to 4, as
 * https://git-scm.com/docs/index-format has it; undefined when it is split or of an unknown form.
 */
export function scanIndex(file: string, oidLength: number): HiddenEntry[] | undefined {
  const fd = openSync(file, 'r');
  try {
    return scanOpen({ fd, size: fstatSync(fd).size, from: 0, filled: 0 }, oidLength);
  } finally {
    closeSync(fd);
  }
}

function scanOpen(piece: Piece, oidLength: number): HiddenEntry[] | undefined {
  let at = readOn(piece, 0);
  if (piece.filled < 12 || room.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = room.readUInt32BE(4);
  if (version < 2 || version > 4) return undefined;
  const found: HiddenEntry[] = [];
  let name = '';
  let left = room.readUInt32BE(8);
  for (at = 12; left > 0; left--) {
    if (at + longestEntry > piece.filled && piece.from + piece.filled < piece.size) at = readOn(piece, at);
    const flagsAt = at + 40 + oidLength;
    // Single bytes, not readUInt16BE: this runs once for each of many thousand entries.
    const flags = ((room[flagsAt] ?? 0) << 8) | (room[flagsAt + 1] ?? 0);
    const extended = (flags & 0x4000) !== 0 ? (room[flagsAt + 2] ?? 0) << 8 : 0;
    const assumed = (flags & 0x8000) !== 0;
    const skipped = (extended & 0x4000) !== 0;
    const hidden = assumed || skipped;
    let nameAt = flagsAt + ((flags & 0x4000) !== 0 ? 4 : 2);
    let end: number;
    if (version === 4) {
      const [strip, next] = readVarint(room, nameAt);
      end = room.indexOf(0, next);
      name = name.slice(0, name.length - strip) + room.toString('latin1', next, end);
      nameAt = end + 1;
    } else {
      const length = flags & 0xfff;
      end = length < 0xfff ? nameAt + length : room.indexOf(0, nameAt);
      if (hidden) name = room.toString('latin1', nameAt, end);
      nameAt = at + ((end - at + 8) & ~7);
    }
    // Cut short, or longer than the room.
    if (end < 0 || nameAt > piece.filled) return undefined;
    if (hidden && !name.endsWith('/')) {
      found.push({
        path: name,
        mode: room
          .readUInt32BE(at + 24)
          .toString(8)
          .padStart(6, '0'),
        oid: room.toString('hex', at + 40, at + 40 + oidLength),
        flags: flagList(assumed, skipped),
        intent: (extended & 0x2000) !== 0,
      });
    }
    at = nameAt;
  }
  return isSplit(piece, piece.from + at, oidLength) ? undefined : found;
}

/** What a flagged entry is flagged with. */
export const flagList = (assumed: boolean, skipped: boolean): readonly HidingFlag[] => [
  ...(assumed ? ['assume-unchanged' as const] : []),
  ...(skipped ? ['skip-worktree' as const] : []),
];

// After the entries: extensions of a name, a length and data. `link` points at a second, shared index.
function isSplit({ fd, size }: Piece, start: number, oidLength: number): boolean {
  const head = Buffer.alloc(8);
  for (let at = start; at + 8 <= size - oidLength; at += 8 + head.readUInt32BE(4)) {
    if (readSync(fd, head, 0, 8, at) < 8) return true;
    if (head.toString('latin1', 0, 4) === 'link') return true;
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
