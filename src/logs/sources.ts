import { open, readdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../base/index.ts';

/** The log of one pane: its current file; older ones are `<file>.1`, `<file>.2`, ... */
export interface LogSource {
  readonly window: string;
  readonly pane: number;
  readonly file: string;
}

/** The logs that lie in a folder, by window and pane; none when there is no such folder. */
export async function listSources(dir: string): Promise<readonly LogSource[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  });
  const files = new Set(names.map((name) => name.replace(/\.log\.\d+$/, '.log')));
  return [...files]
    .flatMap((name): LogSource[] => {
      const match = /^(.+?)(?:\.(\d+))?\.log$/.exec(name);
      if (!match) return [];
      return [{ window: match[1] ?? '', pane: Number(match[2] ?? 0), file: path.join(dir, name) }];
    })
    .sort((a, b) => a.window.localeCompare(b.window) || a.pane - b.pane);
}

/** An opened file of a log, with the size it had then: what is written later is not part of it. */
export interface Segment {
  readonly handle: FileHandle;
  readonly inode: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Opens one file; undefined when it is not there. */
async function openSegment(file: string): Promise<Segment | undefined> {
  try {
    const handle = await open(file, 'r');
    const { dev, ino, size, mtimeMs } = await handle.stat();
    return { handle, inode: `${dev}:${ino}`, size, modifiedMs: mtimeMs };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Opens all files of a log, oldest first. The newest is opened first, so when the log is rotated
 * meanwhile a file can be met twice (and is kept once) but none can be missed.
 */
export async function openSegments(file: string): Promise<readonly Segment[]> {
  const segments: Segment[] = [];
  const seen = new Set<string>();
  // A file can be missing for a moment while it is being renamed; two in a row are the end.
  for (let number = 0, missing = 0; missing < 2; number++) {
    const segment = await openSegment(number === 0 ? file : `${file}.${number}`);
    missing = segment ? 0 : missing + 1;
    if (!segment) continue;
    if (seen.has(segment.inode)) await segment.handle.close();
    else segments.unshift(segment);
    seen.add(segment.inode);
  }
  return segments;
}
