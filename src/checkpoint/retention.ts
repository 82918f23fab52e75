import type { KeepConfig, KeepPeriod } from '../config/index.ts';
import { compareNames } from './names.ts';
import type { Checkpoint } from './types.ts';

/** What of a checkpoint decides whether it is kept. */
export type Retained = Pick<
  Checkpoint,
  'tag' | 'commit' | 'verdict' | 'at' | 'branch' | 'head' | 'worktree' | 'project'
>;

/** Which rules keep how many: `checkpoint.keep` of the configuration. */
export type RetentionPolicy = Pick<KeepConfig, 'last' | KeepPeriod | 'withinMs'>;

/** One checkpoint, and why it is kept or not. */
export interface Decided<T> {
  readonly checkpoint: T;
  readonly reasons: readonly string[];
  /** Kept whatever the policy and the disk say. */
  readonly always: boolean;
}

export interface RetentionPlan<T> {
  /** Newest first, as `drop`. */
  readonly keep: readonly Decided<T>[];
  readonly drop: readonly Decided<T>[];
}

/** What something else needs, and the work trees that there are. */
export interface Needs {
  /** Why, by commit or by tag. */
  readonly why: ReadonlyMap<string, readonly string[]>;
  /** Names as in `Checkpoint.worktree`; undefined: all that are named still exist. */
  readonly worktrees?: ReadonlySet<string> | undefined;
}

export const noNeeds: Needs = { why: new Map() };

const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** The hour, day, ... (UTC) that a moment lies in; weeks begin on Monday. */
const periodOf: Readonly<Record<KeepPeriod, (at: number) => string | number>> = {
  hourly: (at) => Math.floor(at / hourMs),
  daily: (at) => Math.floor(at / dayMs),
  // 1 January 1970 was a Thursday.
  weekly: (at) => Math.floor((at / dayMs + 3) / 7),
  monthly: (at) => new Date(at).toISOString().slice(0, 7),
  yearly: (at) => new Date(at).getUTCFullYear(),
};

const units = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month', yearly: 'year' } as const;
const periods = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const satisfies readonly KeepPeriod[];

interface Dated<T> {
  readonly checkpoint: T;
  readonly at: number;
}

type Note = (checkpoint: Retained, reason: string, always?: boolean) => void;

/**
 * Which checkpoints are kept. A rule of the policy keeps some, as restic's `forget` does: the last n, one of each of
 * the last n hours (days, ...) that have any, all or one an hour (a day, ...) of a time that ends with the newest
 * checkpoint. "One" is the newest good one, or the newest where none is good. Each work tree is looked at by itself.
 * Kept in any case: the last good one of each branch, the last one before each commit, and what is needed.
 */
export function planRetention<T extends Retained>(
  checkpoints: readonly T[],
  policy: RetentionPolicy,
  now: number,
  needs: Needs = noNeeds,
): RetentionPlan<T> {
  const all = checkpoints
    .map((checkpoint): Dated<T> => ({ checkpoint, at: Date.parse(checkpoint.at) }))
    .sort((a, b) => compareNames(b.checkpoint.tag, a.checkpoint.tag));
  // As in restic, a time is counted back from the newest: nothing is dropped only because nobody was here.
  const until = all.reduce((latest, { at }) => (at <= now ? Math.max(latest, at) : latest), -Infinity);
  const reasons = new Map<string, string[]>();
  const protectedOnes = new Set<string>();
  const note: Note = ({ tag }, reason, always = false) => {
    reasons.set(tag, [...(reasons.get(tag) ?? []), reason]);
    if (always) protectedOnes.add(tag);
  };
  for (const { checkpoint } of all) {
    const needed = [checkpoint.commit, checkpoint.tag].flatMap((key) => needs.why.get(key) ?? []);
    for (const reason of new Set(needed)) note(checkpoint, reason, true);
  }
  noteAlways(all, needs, note);
  const winners = new Map<string, string>();
  for (const group of groupBy(all, ({ checkpoint }) => checkpoint.worktree).values())
    applyPolicy(group, policy, until, note, winners);
  const decide = ({ checkpoint, at }: Dated<T>): Decided<T> => {
    const why = reasons.get(checkpoint.tag);
    if (why) return { checkpoint, reasons: why, always: protectedOnes.has(checkpoint.tag) };
    return { checkpoint, reasons: [whyNot(checkpoint, at, policy, until, winners)], always: false };
  };
  const decided = all.map(decide);
  return {
    keep: decided.filter(({ checkpoint }) => reasons.has(checkpoint.tag)),
    drop: decided.filter(({ checkpoint }) => !reasons.has(checkpoint.tag)),
  };
}

// What `lastGood` can answer, wherever it is asked: by branch, or by the commit that was checked out.
function noteAlways<T extends Retained>(all: readonly Dated<T>[], needs: Needs, note: Note): void {
  const seen = new Set<string>();
  const first = (key: string): boolean => !seen.has(key) && seen.add(key).size > 0;
  for (const { checkpoint } of all) {
    const { verdict, worktree, branch, head } = checkpoint;
    const judge = `${worktree} ${checkpoint.project}`;
    if (first(`newest ${worktree}`) && isThere(worktree, needs)) note(checkpoint, 'the newest', true);
    if (first(`commit ${head}`))
      note(
        checkpoint,
        head === null ? 'the last before the first commit' : `the last on ${short(head)}`,
        true,
      );
    if (verdict !== 'passed' || !isThere(worktree, needs)) continue;
    if (branch !== null && first(`good ${judge} ${branch}`))
      note(checkpoint, `the last good one of ${branch}`, true);
    if (first(`good ${judge} @${head}`))
      note(checkpoint, `the last good one on ${head === null ? 'no commit' : short(head)}`, true);
  }
}

/** Whether a work tree still exists. */
export const isThere = (worktree: string, { worktrees }: Needs): boolean => worktrees?.has(worktree) ?? true;
const short = (commit: string): string => commit.slice(0, 7);

function applyPolicy<T extends Retained>(
  group: readonly Dated<T>[],
  policy: RetentionPolicy,
  until: number,
  note: Note,
  winners: Map<string, string>,
): void {
  for (const { checkpoint } of group.slice(0, policy.last)) note(checkpoint, `last ${policy.last}`);
  for (const { checkpoint, at } of group)
    // One from the future: the clock was wrong then or is now, so its age says nothing.
    if (at > until || until - at < policy.withinMs.all)
      note(checkpoint, `within ${inWords(policy.withinMs.all)}`);
  for (const period of periods) {
    const [count, reach] = [policy[period], policy.withinMs[period]];
    if (count === 0 && reach === 0) continue;
    const inPeriod = groupBy(group, ({ at }) => periodOf[period](at));
    let n = 0;
    for (const [key, members] of inPeriod) {
      const best = members.find(({ checkpoint }) => checkpoint.verdict === 'passed') ?? members[0];
      if (!best) continue;
      winners.set(`${best.checkpoint.worktree} ${period} ${key}`, best.checkpoint.tag);
      if (n++ < count) note(best.checkpoint, `${period} ${count}`);
      if (until - best.at < reach) note(best.checkpoint, `${period} within ${inWords(reach)}`);
    }
  }
}

function whyNot(
  { worktree }: Retained,
  at: number,
  policy: RetentionPolicy,
  until: number,
  winners: ReadonlyMap<string, string>,
): string {
  const age = until - at;
  const period = periods.find((one) => age < policy.withinMs[one] && policy.withinMs[one] > 0);
  const other = period && winners.get(`${worktree} ${period} ${periodOf[period](at)}`);
  if (period && other) return `of this ${units[period]}, ${other} is kept`;
  return 'older than any rule reaches';
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function inWords(ms: number): string {
  return ms > dayMs && ms % dayMs === 0
    ? `${ms / dayMs}d`
    : ms % hourMs === 0
      ? `${ms / hourMs}h`
      : `${ms / 60_000}m`;
}

/** What may go when the disk is short, the first to go first: the oldest that are not good, then the oldest good ones. */
export function orderForQuota<T extends Retained>(plan: RetentionPlan<T>): readonly Decided<T>[] {
  const oldestFirst = plan.keep.filter(({ always }) => !always).toReversed();
  const isGood = ({ checkpoint }: Decided<T>): boolean => checkpoint.verdict === 'passed';
  return [...oldestFirst.filter((one) => !isGood(one)), ...oldestFirst.filter(isGood)];
}
