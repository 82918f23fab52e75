import type { Clock } from '../base/index.ts';
import { openWake, positionAtEnd, readNew, type Position } from './follow.ts';
import { backward, forward, type LogLine } from './lines.ts';
import { merge } from './merge.ts';
import { listSources, openSegments, type LogSource, type Segment } from './sources.ts';

/** Which lines are wanted. */
export interface ReadLogsInput {
  readonly dir: string;
  /** Which windows; default: all. */
  readonly wants?: (window: string) => boolean;
  /** Only lines not older than this (milliseconds since 1970). */
  readonly sinceMs?: number | undefined;
  /** Only the last so many, after `match`. */
  readonly lines?: number | undefined;
  readonly match?: ((line: LogLine) => boolean) | undefined;
  /** Goes on with what is added, until the signal is aborted. */
  readonly follow?: boolean;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

interface Opened {
  readonly source: LogSource;
  readonly segments: readonly Segment[];
}

/**
 * The lines of several logs as one, in order of time, in batches. Rotated files are read too; while
 * following, rotation, truncation and logs that come into being are noticed.
 */
export async function* readLogs(input: ReadLogsInput): AsyncGenerator<readonly LogLine[]> {
  const sources = await wanted(input);
  const opened = await Promise.all(
    sources.map(async (source) => ({ source, segments: await openSegments(source.file) })),
  );
  const positions = new Map<string, Position>();
  try {
    yield* input.lines === undefined ? fromOldest(input, opened) : fromNewest(input, opened, input.lines);
    if (input.follow)
      for (const { source, segments } of opened)
        positions.set(source.file, await positionAtEnd(source, segments.at(-1), input.clock.now()));
  } finally {
    const kept = new Set([...positions.values()].map(({ segment }) => segment));
    const done = opened.flatMap(({ segments }) => segments).filter((segment) => !kept.has(segment));
    await Promise.all(done.map(({ handle }) => handle.close()));
  }
  if (input.follow) yield* follow(input, positions);
}

async function wanted({ dir, wants = () => true }: ReadLogsInput): Promise<readonly LogSource[]> {
  return (await listSources(dir)).filter(({ window }) => wants(window));
}

const batchLines = 500;

async function* fromOldest(
  input: ReadLogsInput,
  opened: readonly Opened[],
): AsyncGenerator<readonly LogLine[]> {
  const all = opened.map(({ source, segments }) =>
    forward(source, segments, { sinceMs: input.sinceMs ?? 0, withOpenLine: !input.follow }),
  );
  let batch: LogLine[] = [];
  for await (const line of merge(all, (a, b) => a.at < b.at)) {
    if (input.signal.aborted) return;
    if (input.match?.(line) ?? true) batch.push(line);
    if (batch.length < batchLines) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

async function* fromNewest(
  input: ReadLogsInput,
  opened: readonly Opened[],
  count: number,
): AsyncGenerator<readonly LogLine[]> {
  const all = opened.map(({ source, segments }) => backward(source, segments, !input.follow));
  const found: LogLine[] = [];
  if (count > 0) {
    for await (const line of merge(all, (a, b) => a.at > b.at, true)) {
      if (input.signal.aborted || line.at < (input.sinceMs ?? 0)) break;
      if (input.match?.(line) ?? true) found.push(line);
      if (found.length === count) break;
    }
  }
  yield found.reverse();
}

async function* follow(
  input: ReadLogsInput,
  positions: Map<string, Position>,
): AsyncGenerator<readonly LogLine[]> {
  let wake = openWake(input.dir, input.clock);
  try {
    while (!input.signal.aborted) {
      for (const source of await wanted(input)) {
        if (positions.has(source.file)) continue;
        positions.set(source.file, await positionAtEnd(source, undefined, 0));
        // The folder may have come into being with it.
        wake.close();
        wake = openWake(input.dir, input.clock);
      }
      const fresh = (await Promise.all([...positions.values()].map(readNew))).flat();
      const lines = fresh.sort((a, b) => a.at - b.at).filter((line) => input.match?.(line) ?? true);
      if (lines.length > 0) yield lines;
      await wake.next(input.signal);
    }
  } finally {
    wake.close();
    await Promise.all([...positions.values()].map(async ({ segment }) => segment?.handle.close()));
  }
}
