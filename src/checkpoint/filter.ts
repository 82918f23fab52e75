import { DevenvError, parseDuration } from '../base/index.ts';
import { diffCommits, type Repo } from '../git/index.ts';
import type { Checkpoint } from './types.ts';
import { emptyTree } from './write.ts';

/** Which checkpoints are wanted; moments are milliseconds since 1970. */
export interface CheckpointFilter {
  readonly good?: boolean;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Those that changed one of these, as git takes paths, seen from `dir`. */
  readonly touching?: readonly string[];
  readonly dir?: string;
  readonly limit?: number | undefined;
}

/**
 * Those of a list (newest first) that are wanted, in the same order. At most one process. `isOurs`: whose verdict
 * counts for `good`.
 */
export async function filterCheckpoints(
  repo: Repo,
  all: readonly Checkpoint[],
  filter: CheckpointFilter,
  isOurs: (checkpoint: Checkpoint) => boolean,
): Promise<readonly Checkpoint[]> {
  const isMeant = (one: Checkpoint): boolean => filter.good !== true || isOurs(one);
  const wanted = all.filter((checkpoint) => isWanted(checkpoint, filter) && isMeant(checkpoint));
  const touching = filter.touching ?? [];
  const found =
    touching.length === 0 ? wanted : await onlyTouching(repo, all, wanted, { ...filter, touching });
  return filter.limit === undefined ? found : found.slice(0, filter.limit);
}

function isWanted({ verdict, at }: Checkpoint, { good, since, until }: CheckpointFilter): boolean {
  if (good === true && verdict !== 'passed') return false;
  const moment = since === undefined && until === undefined ? 0 : Date.parse(at);
  return (since === undefined || moment >= since) && (until === undefined || moment <= until);
}

async function onlyTouching(
  repo: Repo,
  all: readonly Checkpoint[],
  wanted: readonly Checkpoint[],
  { touching, dir }: { readonly touching: readonly string[]; readonly dir?: string },
): Promise<readonly Checkpoint[]> {
  if (wanted.length === 0) return [];
  const before = checkpointsBefore(all);
  const pairs = wanted.map((one) => {
    const from = before.get(one.tag)?.commit ?? one.head;
    // The first one, before the first commit: all that is in it is new.
    return from === null
      ? { from: emptyTree[repo.objectFormat], to: one.tree, trees: true }
      : { from, to: one.commit };
  });
  const changes = await diffCommits(repo, pairs, { paths: touching, dir: dir ?? repo.root });
  return wanted.filter((_, i) => (changes[i] ?? []).length > 0);
}

/** The checkpoint before each one (a list, newest first), of the same work tree: another one's is no predecessor. */
export function checkpointsBefore(
  all: readonly Pick<Checkpoint, 'tag' | 'worktree' | 'commit'>[],
): ReadonlyMap<string, { readonly tag: string; readonly commit: string }> {
  const before = new Map<string, { readonly tag: string; readonly commit: string }>();
  const newest = new Map<string, { readonly tag: string; readonly commit: string }>();
  for (const one of all.toReversed()) {
    const previous = newest.get(one.worktree);
    if (previous) before.set(one.tag, previous);
    newest.set(one.worktree, one);
  }
  return before;
}

const clockTime = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;
const dayOnly = /^(\d{4})-(\d{2})-(\d{2})$/;
const dateAndTime = /^(\d{4})-(\d{2})-(\d{2})[T ]([01]?\d|2[0-3]):[0-5]\d/;

/**
 * A moment as a person writes it: how long ago (`2h`, `3d`), a day, a day and a time, a time of today,
 * `today`, `yesterday`; local time unless it says another zone. Of a whole day, `end` takes the last moment.
 * Throws 'usage'.
 */
export function readMoment(option: string, text: string, now: number, edge: 'start' | 'end'): number {
  const given = text.trim();
  const ago = /[a-z]$/.test(given) ? parseDuration(given.replace(/\s*ago$/, '')) : undefined;
  if (ago !== undefined) return now - ago;
  const today = new Date(now);
  const dayAt = (year: number, month: number, day: number): number =>
    edge === 'start' ? new Date(year, month, day).getTime() : new Date(year, month, day + 1).getTime() - 1;
  if (given === 'today') return dayAt(today.getFullYear(), today.getMonth(), today.getDate());
  if (given === 'yesterday') return dayAt(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  const [, hours, minutes, seconds = 0] = clockTime.exec(given) ?? [];
  if (hours !== undefined) return new Date(now).setHours(Number(hours), Number(minutes), Number(seconds), 0);
  const [, year, month, day] = dayOnly.exec(given) ?? [];
  if (year !== undefined && isDay(Number(year), Number(month) - 1, Number(day)))
    return dayAt(Number(year), Number(month) - 1, Number(day));
  const [, ofYear, ofMonth, ofDay] = dateAndTime.exec(given) ?? [];
  const isReal = isDay(Number(ofYear), Number(ofMonth) - 1, Number(ofDay));
  const moment = isReal ? Date.parse(given) : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  throw new DevenvError(
    'usage',
    `${option}: neither a time nor a day: ${text}`,
    'for example 2h, 3d, yesterday, 14:30, 2026-01-31 or "2026-01-31 14:30"',
  );
}

// new Date(2026, 1, 31) is the third of March.
function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(year, month, day);
  return date.getMonth() === month && date.getDate() === day;
}
