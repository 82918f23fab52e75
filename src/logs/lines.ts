import type { LogSource, Segment } from './sources.ts';

/** One line of a log. */
export interface LogLine {
  readonly window: string;
  readonly pane: number;
  /** Milliseconds since 1970 UTC. */
  readonly at: number;
  /** As the program wrote it, colours and all. */
  readonly text: string;
}

const chunkBytes = 256 * 1024;
const newline = 0x0a;
const stampLength = '2026-11-20T19:01:02.345Z'.length;

/** Reads `2026-11-20T19:01:02.345Z text`. A line without a time (foreign text) gets the one given. */
export function parseLine(source: LogSource, line: string, elseAt: number): LogLine {
  const { window, pane } = source;
  const at = line.charCodeAt(stampLength - 1) === 0x5a ? Date.parse(line.slice(0, stampLength)) : Number.NaN;
  return Number.isNaN(at)
    ? { window, pane, at: elseAt, text: line }
    : { window, pane, at, text: line.slice(stampLength + 1) };
}

/** Splits bytes into lines; what follows the last newline is the rest. */
export function splitLines(bytes: Buffer): { readonly lines: readonly string[]; readonly rest: Buffer } {
  const end = bytes.lastIndexOf(newline);
  if (end < 0) return { lines: [], rest: bytes };
  return { lines: bytes.toString('utf8', 0, end).split('\n'), rest: bytes.subarray(end + 1) };
}

/** Bytes of a segment; fewer than asked for when it was cut short meanwhile. */
export async function readBytes(segment: Segment, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
  let got = 0;
  while (got < buffer.length) {
    const { bytesRead } = await segment.handle.read(buffer, got, buffer.length - got, from + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return buffer.subarray(0, got);
}

/** The lines of a log's files, oldest first, in batches; only those not older than `sinceMs`, the last one perhaps not ended yet. */
export async function* forward(
  source: LogSource,
  segments: readonly Segment[],
  { sinceMs, withOpenLine }: { readonly sinceMs: number; readonly withOpenLine: boolean },
): AsyncGenerator<readonly LogLine[]> {
  let at = 0;
  for (const segment of segments) {
    if (segment.modifiedMs < sinceMs) continue;
    let rest: Buffer = Buffer.alloc(0);
    let position = await findTime(source, segment, sinceMs);
    while (position < segment.size) {
      const bytes = await readBytes(segment, position, Math.min(segment.size, position + chunkBytes));
      if (bytes.length === 0) break;
      position += bytes.length;
      const split = splitLines(Buffer.concat([rest, bytes]));
      rest = split.rest;
      const batch = split.lines.map((line) => {
        const parsed = parseLine(source, line, at);
        at = parsed.at;
        return parsed;
      });
      yield batch.filter((line) => line.at >= sinceMs);
    }
    if (rest.length === 0 || (!withOpenLine && segment === segments.at(-1))) continue;
    yield [parseLine(source, rest.toString('utf8'), at)].filter((line) => line.at >= sinceMs);
  }
}

/** The start of a line from which reading finds everything not older than `sinceMs`: by halving. */
async function findTime(source: LogSource, segment: Segment, sinceMs: number): Promise<number> {
  let low = 0;
  let high = sinceMs > 0 ? segment.size : 0;
  while (high - low > chunkBytes) {
    const middle = Math.floor((low + high) / 2);
    const bytes = await readBytes(segment, middle, Math.min(segment.size, middle + chunkBytes));
    const start = bytes.indexOf(newline) + 1;
    const end = bytes.indexOf(newline, start);
    const line = start > 0 && end > 0 ? parseLine(source, bytes.toString('utf8', start, end), -1) : undefined;
    // A stretch without a time tells nothing: be safe and look earlier.
    if (line && line.at >= 0 && line.at < sinceMs) low = middle + start;
    else high = middle;
  }
  return low;
}

/** The lines of a log's files, newest first, in batches, so that the last lines of a big log cost little. */
export async function* backward(
  source: LogSource,
  segments: readonly Segment[],
  withOpenLine: boolean,
): AsyncGenerator<readonly LogLine[]> {
  for (const segment of segments.toReversed()) {
    let carry: Buffer = Buffer.alloc(0);
    let position = segment.size;
    let first = !withOpenLine && segment === segments.at(-1);
    while (position > 0) {
      const from = Math.max(0, position - chunkBytes);
      let bytes = Buffer.concat([await readBytes(segment, from, position), carry]);
      position = from;
      if (first) bytes = bytes.subarray(0, bytes.lastIndexOf(newline) + 1);
      if (bytes.length > 0) first = false;
      // The first line of the chunk may begin before it, unless the chunk begins the file.
      const start = from === 0 ? 0 : bytes.indexOf(newline) + 1;
      if (from > 0 && start === 0) {
        carry = bytes;
        continue;
      }
      carry = bytes.subarray(0, start);
      yield parseBatch(source, bytes.subarray(start), segment.modifiedMs).reverse();
    }
  }
}

function parseBatch(source: LogSource, bytes: Buffer, elseAt: number): LogLine[] {
  const { lines, rest } = splitLines(bytes);
  const all = rest.length > 0 ? [...lines, rest.toString('utf8')] : [...lines];
  let at = elseAt;
  return all.map((line) => {
    const parsed = parseLine(source, line, at);
    at = parsed.at;
    return parsed;
  });
}
