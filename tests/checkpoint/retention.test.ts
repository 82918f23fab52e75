import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  orderForQuota,
  planRetention,
  type Retained,
  type RetentionPolicy,
} from '../../src/checkpoint/retention.ts';
import { planUndo, type RetainedUndo } from '../../src/checkpoint/retention-undo.ts';
import { keepDefaults } from '../support/keep.ts';

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 0, 1);

const none: RetentionPolicy = {
  last: 0,
  hourly: 0,
  daily: 0,
  weekly: 0,
  monthly: 0,
  yearly: 0,
  withinMs: { all: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
};

/** A checkpoint of so many milliseconds after the start; its name tells its place in time. */
function at(ms: number, facts: Partial<Retained> = {}): Retained {
  const iso = new Date(start + ms).toISOString();
  const tag = `checkpoint-${iso.slice(0, 10).replaceAll('-', '')}-${iso.slice(11, 19).replaceAll(':', '')}`;
  return {
    tag,
    commit: `commit of ${tag}`,
    verdict: 'passed',
    at: iso,
    branch: 'main',
    head: 'h1',
    worktree: 'main',
    project: null,
    ...facts,
  };
}

const tagsOf = (list: readonly { readonly checkpoint: Retained }[]): string[] =>
  list.map(({ checkpoint }) => checkpoint.tag);
const plan = (
  all: readonly Retained[],
  policy: Partial<RetentionPolicy> & { within?: Partial<RetentionPolicy['withinMs']> } = {},
  needs?: Parameters<typeof planRetention>[3],
) => {
  const { within, ...counts } = policy;
  const whole = { ...none, ...counts, withinMs: { ...none.withinMs, ...within } };
  return planRetention(all, whole, start + 400 * day, needs);
};

describe('the default', () => {
  const step = 5 * 60_000;
  const year = Array.from({ length: 105_120 }, (_, n) =>
    at(n * step, { verdict: n % 7 === 0 ? 'failed' : 'passed' }),
  );

  test('keeps at most 465 of a year of one every five minutes', () => {
    const { keep, drop } = planRetention(year, keepDefaults, start + 365 * day);
    expect(keep.length).toBeLessThanOrEqual(465);
    expect(keep.length).toBeGreaterThan(440);
    expect(keep.length + drop.length).toBe(105_120);
    const age = (tag: string): number =>
      start +
      104_999 * step -
      Date.parse(keep.find((one) => one.checkpoint.tag === tag)?.checkpoint.at ?? '');
    const ages = tagsOf(keep).map(age);
    // Everything of a day; then gaps of an hour, a day, a week at most, and of those the good ones.
    expect(ages.filter((ms) => ms < day - 120 * step).length).toBeGreaterThanOrEqual(168);
    const older = keep.filter(({ checkpoint }) => age(checkpoint.tag) > day);
    expect(older.every(({ checkpoint }) => checkpoint.verdict === 'passed')).toBe(true);
    for (const [from, to, gap] of [
      [1, 6, hour],
      [7, 29, day],
      [30, 83, 7 * day],
    ] as const) {
      const there = ages.filter((ms) => ms >= from * day && ms <= to * day);
      for (const [n, ms] of there.entries())
        if (n > 0) expect(ms - (there[n - 1] ?? 0)).toBeLessThanOrEqual(2 * gap);
    }
  });

  test('is the same whether it runs once or every day', () => {
    let left: Retained[] = [];
    let most = 0;
    for (let d = 0; d < 120; d++) {
      left = [...left, ...year.slice(d * 288, (d + 1) * 288)];
      left = planRetention(left, keepDefaults, start + (d + 1) * day).keep.map((one) => one.checkpoint);
      most = Math.max(most, left.length);
    }
    expect(most).toBeLessThanOrEqual(465);
    const once = planRetention(year.slice(0, 120 * 288), keepDefaults, start + 120 * day);
    expect(left.map(({ tag }) => tag).sort()).toEqual(tagsOf(once.keep).sort());
  });

  test('counts back from the newest: a holiday drops nothing', () => {
    const some = [at(0), at(hour), at(26 * hour), at(49 * hour)];
    const soon = planRetention(some, keepDefaults, start + 3 * day);
    const late = planRetention(some, keepDefaults, start + 300 * day);
    expect(tagsOf(late.keep)).toEqual(tagsOf(soon.keep));
  });

  test('one from the future (a wrong clock) ages nothing', () => {
    const some = [at(0, { verdict: 'failed' }), at(hour), at(2000 * day)];
    expect(planRetention(some, keepDefaults, start + 2 * hour).drop).toEqual([]);
  });
});

test.each<[string, readonly Retained[], Parameters<typeof plan>[1], readonly number[]]>([
  ['last n', [at(0), at(1000), at(2000), at(3000)], { last: 2 }, [3, 2]],
  [
    'hourly: the newest of each of the last n hours that have any',
    [at(0), at(hour), at(hour + 1000), at(9 * hour)],
    { hourly: 2 },
    [3, 2],
  ],
  [
    'a good one before a newer red one',
    [at(0), at(hour), at(hour + 1000, { verdict: 'failed' }), at(2 * hour)],
    { hourly: 9 },
    [3, 1, 0],
  ],
  [
    'the newest where none is good',
    [at(0, { verdict: 'failed' }), at(1000, { verdict: 'broken' }), at(hour)],
    { hourly: 9 },
    [2, 1],
  ],
  ['within', [at(0), at(hour), at(3 * hour)], { within: { all: 3 * hour } }, [2, 1]],
  [
    'within an hourly reach',
    [at(0), at(60_000), at(hour), at(3 * hour)],
    { within: { hourly: 2 * hour + 1 } },
    [3, 2],
  ],
  ['weeks begin on Monday', [at(3 * day), at(4 * day), at(10 * day)], { weekly: 9 }, [2, 0]],
  ['months and years', [at(0), at(30 * day), at(31 * day), at(364 * day)], { monthly: 2, yearly: 9 }, [3, 2]],
  ['nothing: the newest, which is the last good one', [at(0), at(1000), at(2000)], {}, [2]],
  ['the last good one beside newer red ones', [at(0), at(1000), at(2000, { verdict: 'failed' })], {}, [2, 1]],
  [
    'the last good one of each branch',
    [at(0, { branch: 'a' }), at(1000, { branch: 'b' }), at(2000)],
    {},
    [2, 1, 0],
  ],
  [
    'the last before each commit, good or not',
    [at(0, { head: 'h0', verdict: 'broken' }), at(1000), at(2000)],
    {},
    [2, 0],
  ],
  ['each work tree by itself', [at(0), at(1000, { worktree: 'linked' }), at(2000)], { last: 1 }, [2, 1]],
])('%s', (_name, all, policy, expected) => {
  const { keep } = plan(all, policy);
  expect(tagsOf(keep)).toEqual(expected.map((n) => all[n]?.tag));
});

test('what is needed stays, and each decision has its reason', () => {
  const all = [at(0), at(1000), at(2000)];
  const why = new Map([[all[0]?.commit ?? '', ['pinned']]]);
  const { keep, drop } = plan(all, { within: { hourly: day } }, { why });
  expect(keep.find((one) => one.checkpoint === all[0])?.reasons).toEqual(['pinned']);
  expect(drop).toEqual([
    { checkpoint: all[1], reasons: [`of this hour, ${all[2]?.tag} is kept`], always: false },
  ]);
});

test('the last good one of a work tree that is gone goes with it', () => {
  const all = [at(0, { worktree: 'gone' }), at(1000)];
  expect(tagsOf(plan(all, {}, { why: new Map(), worktrees: new Set(['main']) }).keep)).toEqual([all[1]?.tag]);
  expect(tagsOf(plan(all).keep)).toEqual([all[1]?.tag, all[0]?.tag]);
});

test('a short disk takes the oldest red one first, and never the protected', () => {
  const all = [at(0), at(1000, { verdict: 'failed' }), at(2000), at(3000, { verdict: 'broken' }), at(4000)];
  expect(tagsOf(orderForQuota(plan(all, { last: 9 })))).toEqual([1, 3, 0, 2].map((n) => all[n]?.tag));
});

const verdict = fc.constantFrom('passed', 'failed', 'unverified');
const history = fc
  .array(
    fc.record({
      gap: fc.oneof(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 1, max: 30 * 86_400 })),
      verdict,
      branch: fc.constantFrom('main', 'topic', null),
      head: fc.constantFrom('h1', 'h2', 'h3', null),
      worktree: fc.constantFrom('main', 'linked'),
      project: fc.constantFrom(null, '.', 'web'),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    let ms = 0;
    return steps.map(({ gap, ...facts }) => at((ms += gap * 1000), facts as Partial<Retained>));
  });
const policy = fc.record({ last: fc.nat(1), hourly: fc.nat(1), daily: fc.nat(1), weekly: fc.nat(1) });

/** What `lastGood` answers on a branch (null: detached) whose history holds these commits. */
function lastGoodOf(
  all: readonly Retained[],
  { worktree, project, branch }: Pick<Retained, 'worktree' | 'project' | 'branch'>,
  held: readonly string[],
) {
  return all
    .toSorted((a, b) => (a.tag < b.tag ? 1 : -1))
    .find(
      (one) =>
        one.verdict === 'passed' &&
        one.worktree === worktree &&
        (one.project === null || one.project === project) &&
        ((branch !== null && one.branch === branch) || (one.head !== null && held.includes(one.head))),
    )?.tag;
}

test('[invariant 38] whatever the policy, the last good one stays the last good one, from everywhere', () => {
  fc.assert(
    fc.property(history, policy, fc.subarray(['h1', 'h2', 'h3']), (all, counts, held) => {
      const kept = plan(all, counts).keep.map((one) => one.checkpoint);
      for (const worktree of ['main', 'linked'])
        for (const project of ['.', 'web'])
          for (const branch of ['main', 'topic', null]) {
            const from = { worktree, project, branch };
            expect(lastGoodOf(kept, from, held)).toBe(lastGoodOf(all, from, held));
          }
      const newest = all.at(-1)?.tag;
      if (newest) expect(kept.map(({ tag }) => tag)).toContain(newest);
      // A second time there is nothing left to drop.
      expect(plan(kept, counts).drop).toEqual([]);
      for (const head of new Set(all.map((one) => one.head)))
        expect(kept).toContain(all.findLast((one) => one.head === head));
    }),
    { numRuns: 500 },
  );
});

describe('undo entries', () => {
  const entry = (n: number, days: number, more: Partial<RetainedUndo> = {}): RetainedUndo => ({
    n,
    ref: `refs/devenv/undo/${n}`,
    commit: `commit ${n}`,
    at: start - days * day,
    worktree: 'main',
    kind: more.undoes === undefined ? 'rollback' : 'undo',
    undoes: undefined,
    ...more,
  });
  const kept = (...entries: readonly RetainedUndo[]) =>
    planUndo(entries, start).keep.map(({ entry: one }) => one.n);

  test('[invariant 38] none younger than 30 days goes', () => {
    expect(kept(entry(1, 29), entry(2, 28), entry(3, 1))).toEqual([1, 2, 3]);
    expect(kept(entry(1, 31), entry(2, 29))).toEqual([2]);
  });

  test('the newest stays, and the next that undo takes back', () => {
    expect(kept(entry(1, 90), entry(2, 80), entry(3, 70))).toEqual([3]);
    expect(kept(entry(1, 90), entry(2, 80), entry(3, 70, { undoes: 2 }))).toEqual([1, 3]);
    // What was done again is what undo takes back next.
    const again = entry(3, 70, { undoes: 2, kind: 'redo' });
    expect(
      kept(entry(1, 90), entry(2, 80, { undoes: 1 }), again, entry(4, 60), entry(5, 50, { undoes: 4 })),
    ).toEqual([3, 5]);
    expect(kept(entry(1, 90, { worktree: 'linked' }), entry(2, 80))).toEqual([1, 2]);
  });

  test('one that was taken back does not become open again', () => {
    // A clock that went back: the entry that took it back seems older.
    expect(kept(entry(1, 5), entry(2, 50, { undoes: 1 }), entry(3, 1))).toEqual([1, 2, 3]);
  });

  test('what is needed stays', () => {
    const why = new Map([['commit 1', ['a rollback under way']]]);
    expect(planUndo([entry(1, 90), entry(2, 1)], start, { why }).drop).toEqual([]);
  });
});
