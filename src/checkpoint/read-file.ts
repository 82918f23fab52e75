import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, readlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { errnoOf, formatSize, systemClock } from '../base/index.ts';

/** What one path holds on the disk, as git would store it raw. */
export type DiskFile =
  | {
      readonly kind: 'file' | 'link';
      readonly content: Buffer;
      readonly executable: boolean;
      readonly stat: BigIntStats;
    }
  | { readonly kind: 'absent' }
  | { readonly kind: 'folder' }
  | { readonly kind: 'unreadable' | 'special' | 'large' | 'changing'; readonly why: string };

const attempts = 20;

/**
 * Reads a file or link as it was at one moment: it is read again when it changed meanwhile. Never blocks
 * on a pipe, never follows a link.
 */
export function readDiskFile(file: Buffer, maxBytes: number): DiskFile {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = readOnce(file, maxBytes);
    if (found !== undefined) return found;
  }
  return { kind: 'changing', why: 'changed all the time while it was read' };
}

/** undefined: it changed, read it again. */
function readOnce(file: Buffer, maxBytes: number): DiskFile | undefined {
  try {
    const stat = statOf(file);
    if (stat === undefined) return { kind: 'absent' };
    if (stat.isDirectory()) return { kind: 'folder' };
    if (stat.isSymbolicLink())
      return { kind: 'link', content: readlinkSync(file, { encoding: 'buffer' }), executable: false, stat };
    if (!stat.isFile()) return { kind: 'special', why: 'not a regular file' };
    if (stat.size > maxBytes) return { kind: 'large', why: `larger than ${formatSize(maxBytes)}` };
    if (Math.abs(systemClock.now() - Number(stat.ctimeMs)) < longestWriteMs) waitForWriter(file);
    return readRegular(file);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    if (code === 'ELOOP' || code === 'EINVAL') return undefined; // became a link, or is one no longer
    return { kind: 'unreadable', why: `cannot be read (${code ?? 'unknown error'})` };
  }
}

/** A file that changed longer ago is not in the middle of a write. */
const longestWriteMs = 5000;
const farBehindTheEnd = 2 ** 42;
const oneByte = Buffer.alloc(1);

/**
 * A write of a few pages is no single moment: its writer may lose the processor in the middle of it, for a tenth of a
 * second on a busy machine, and neither size nor times tell. A direct read has to wait for it, also one behind the end
 * of the file, which reads nothing. Where the disk knows no such read, nobody waits.
 */
function waitForWriter(file: Buffer): void {
  if (constants.O_DIRECT === undefined) return;
  try {
    const fd = openSync(
      file,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_DIRECT,
    );
    try {
      readSync(fd, oneByte, 0, 1, farBehindTheEnd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // What it is that stands there now, the read that follows will find out.
  }
}

// A folder on the way may have become a link that leads round in a circle: then nothing is at this path.
function statOf(file: Buffer): BigIntStats | undefined {
  try {
    return lstatSync(file, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ELOOP') return undefined;
    throw error;
  }
}

function readRegular(file: Buffer): DiskFile | undefined {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const before = fstatSync(fd, { bigint: true });
    if (!before.isFile()) return undefined;
    const content = readBytes(fd, Number(before.size));
    const after = fstatSync(fd, { bigint: true });
    const same = sameStat(before, after) && BigInt(content.length) === after.size;
    return same
      ? { kind: 'file', content, executable: (after.mode & 0o100n) !== 0n, stat: after }
      : undefined;
  } finally {
    closeSync(fd);
  }
}

// As `readFileSync`, without asking for the size once more, and without a piece of memory of its own for each small file.
function readBytes(fd: number, size: number): Buffer {
  const room = Buffer.allocUnsafe(size + 1);
  let length = 0;
  for (let n = -1; n !== 0 && length !== size && length <= size; length += n)
    n = readSync(fd, room, length, room.length - length, null);
  return room.subarray(0, length);
}

/** Whether two looks at a path saw the same file in the same state. */
export function sameStat(a: BigIntStats, b: BigIntStats): boolean {
  return (
    a.ino === b.ino &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.mode === b.mode
  );
}

/** The id git gives a blob of these bytes. */
export function blobId(content: Buffer, format: 'sha1' | 'sha256'): string {
  return createHash(format).update(`blob ${content.length}\0`).update(content).digest('hex');
}
