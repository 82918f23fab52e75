import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { errnoOf, type Clock } from '../base/index.ts';
import { parseLine, readBytes, splitLines, type LogLine } from './lines.ts';
import { openSegments, type LogSource, type Segment } from './sources.ts';

/** How far a log has been read. `segment` stays open, so that a rotated file can be read to its end. */
export interface Position {
  readonly source: LogSource;
  segment: Segment | undefined;
  offset: number;
  /** Bytes of a line that is not ended yet. */
  rest: Buffer;
  at: number;
}

/** Lines longer than this are passed on in pieces, as the logger itself does. */
const longest = 1024 * 1024;
const chunkBytes = 1024 * 1024;

/** What was added to a log since it was last looked at, also when it was rotated or cut short meanwhile. */
export async function readNew(position: Position): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  const current = await stat(position.source.file).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (position.segment) await readToEnd(position, lines);
  const inode = current && `${current.dev}:${current.ino}`;
  if (inode === undefined || inode === position.segment?.inode) return lines;
  for (const next of await newerThan(position)) {
    await position.segment?.handle.close();
    Object.assign(position, { segment: next, offset: 0, rest: Buffer.alloc(0) });
    await readToEnd(position, lines);
  }
  return lines;
}

/** The files that came after the one being read, oldest first, open. */
async function newerThan({ source, segment, at }: Position): Promise<readonly Segment[]> {
  const all = await openSegments(source.file);
  const known = all.findIndex((candidate) => candidate.inode === segment?.inode);
  // The one being read is gone altogether (many rotations, or somebody removed it): then time tells.
  const fresh = all.filter((candidate, i) => (known >= 0 ? i > known : candidate.modifiedMs >= at));
  await Promise.all(all.filter((other) => !fresh.includes(other)).map((other) => other.handle.close()));
  return fresh;
}

async function readToEnd(position: Position, lines: LogLine[]): Promise<void> {
  const { segment, source } = position;
  if (!segment) return;
  const { size } = await segment.handle.stat();
  if (size < position.offset) Object.assign(position, { offset: 0, rest: Buffer.alloc(0) });
  while (position.offset < size) {
    const bytes = await readBytes(segment, position.offset, Math.min(size, position.offset + chunkBytes));
    if (bytes.length === 0) return;
    position.offset += bytes.length;
    const split = splitLines(Buffer.concat([position.rest, bytes]));
    position.rest = Buffer.from(split.rest);
    const ended = [...split.lines];
    if (position.rest.length > longest) {
      ended.push(position.rest.toString('utf8'));
      position.rest = Buffer.alloc(0);
    }
    for (const text of ended) {
      const line = parseLine(source, text, position.at);
      position.at = line.at;
      lines.push(line);
    }
  }
}

/** A position at the end of what is there now: the open line at the end will be read when it is ended. */
export async function positionAtEnd(
  source: LogSource,
  segment: Segment | undefined,
  at: number,
): Promise<Position> {
  if (!segment) return { source, segment, offset: 0, rest: Buffer.alloc(0), at };
  const tail = await readBytes(segment, Math.max(0, segment.size - longest), segment.size);
  const rest = Buffer.from(tail.subarray(tail.lastIndexOf(0x0a) + 1));
  return { source, segment, offset: segment.size, rest, at };
}

/** Tells when something in a folder may have changed: by file events, and every second besides. */
export interface Wake {
  readonly next: (signal: AbortSignal) => Promise<void>;
  readonly close: () => void;
}

/** Opens it; a folder that cannot be watched (none yet, no inotify left) is looked at every 150 ms. */
export function openWake(dir: string, clock: Clock): Wake {
  let changed = false;
  let ring: (() => void) | undefined;
  const onChange = (): void => {
    changed = true;
    ring?.();
  };
  let watcher: ReturnType<typeof watch> | undefined;
  try {
    watcher = watch(dir, onChange);
    watcher.on('error', () => (watcher = undefined));
  } catch {
    watcher = undefined; // polling alone serves too
  }
  return {
    next: async (signal) => {
      // Events of a busy service are taken together.
      await clock.sleep(25, signal);
      if (!changed && !signal.aborted) {
        const woken = new AbortController();
        ring = () => woken.abort();
        await clock.sleep(watcher ? 1000 : 150, AbortSignal.any([signal, woken.signal]));
        ring = undefined;
      }
      changed = false;
    },
    close: () => watcher?.close(),
  };
}
