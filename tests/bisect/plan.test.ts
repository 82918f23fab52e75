import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planBisect, type BisectPlan, type StepVerdict } from '../../src/bisect/plan.ts';

const verdicts: Readonly<Record<string, StepVerdict>> = { g: 'good', b: 'bad', s: 'skip' };

/** `g..sb`: what is known of each of a line of trees. */
function planFor(line: string): BisectPlan {
  const letters = line.split('');
  const trees = letters.map((_, index) => `tree ${index}`);
  const results = letters.flatMap((letter, index): [string, StepVerdict][] => {
    const verdict = verdicts[letter];
    return verdict ? [[trees[index] ?? '', verdict]] : [];
  });
  return planBisect(trees, new Map(results));
}

describe('what is next', () => {
  test.each<[string, string, Partial<BisectPlan>]>([
    ['the bad end is made sure of first', '....', { kind: 'next', index: 3, end: 'bad' }],
    ['then the good one', '...b', { kind: 'next', index: 0, end: 'good', left: 3, runs: 3 }],
    ['a bad end that passes', '...g', { kind: 'wrong-end', end: 'bad', verdict: 'good' }],
    ['a bad end that cannot be judged', '...s', { kind: 'wrong-end', end: 'bad', verdict: 'skip' }],
    ['a good end that fails', 'b..b', { kind: 'wrong-end', end: 'good', verdict: 'bad' }],
    ['a good end that cannot be judged', 's..b', { kind: 'wrong-end', end: 'good', verdict: 'skip' }],
    ['two that follow each other', 'gb', { kind: 'found', index: 1 }],
    ['the middle', 'g...b', { kind: 'next', index: 2, left: 4, runs: 2, end: undefined }],
    ['the middle of what is left', 'g.g...bb', { kind: 'next', index: 4, left: 4, runs: 2 }],
    ['found', 'ggbb', { kind: 'found', index: 2 }],
    ['only skips between', 'gssb', { kind: 'cannot-tell', from: 1, to: 3 }],
    ['skips after the last good one', 'ggsbb', { kind: 'cannot-tell', from: 2, to: 3 }],
    ['a skip before the answer does no harm', 'gsgb', { kind: 'found', index: 3 }],
    ['back and forth: the last change counts', 'gbgb', { kind: 'found', index: 3 }],
    ['away from what was skipped', 'g.....s.....b', { kind: 'next', index: 3 }],
  ])('%s (%s)', (_, line, expected) => {
    expect(planFor(line)).toMatchObject(expected);
  });

  test('equal trees share a verdict', () => {
    expect(
      planBisect(
        ['a', 'x', 'b', 'x', 'c'],
        new Map([
          ['a', 'good'],
          ['c', 'bad'],
          ['x', 'bad'],
        ]),
      ),
    ).toEqual({
      kind: 'found',
      index: 1,
    });
  });
});

/** Judges by an oracle until the plan has an answer. */
function search(count: number, oracle: (index: number) => StepVerdict): { plan: BisectPlan; ran: number[] } {
  const trees = Array.from({ length: count }, (_, index) => String(index));
  const results = new Map<string, StepVerdict>([
    ['0', 'good'],
    [String(count - 1), 'bad'],
  ]);
  const ran: number[] = [];
  for (;;) {
    const plan = planBisect(trees, results);
    if (plan.kind !== 'next') return { plan, ran };
    expect(results.has(String(plan.index)), 'nothing is run twice').toBe(false);
    results.set(String(plan.index), oracle(plan.index));
    ran.push(plan.index);
  }
}

const line = fc.integer({ min: 1, max: 300 }).chain((suspects) =>
  fc.record({
    suspects: fc.constant(suspects),
    firstBad: fc.integer({ min: 1, max: suspects }),
    // Single ones, and runs of them as a time in which nothing could be built.
    skipped: fc.array(
      fc.record({ at: fc.integer({ min: 1, max: suspects }), length: fc.integer({ min: 1, max: 60 }) }),
      { maxLength: 6 },
    ),
  }),
);

test('finds the first bad one, or a range that holds it, in ceil(log2 n) runs, one for each skip, and one for three of these', () => {
  fc.assert(
    fc.property(line, ({ suspects, firstBad, skipped }) => {
      const skips = (index: number): boolean =>
        index !== suspects && skipped.some(({ at, length }) => index >= at && index < at + length);
      const { plan, ran } = search(suspects + 1, (index) =>
        skips(index) ? 'skip' : index >= firstBad ? 'bad' : 'good',
      );
      const skippedRuns = ran.filter(skips).length;
      expect(ran.length - skippedRuns).toBeLessThanOrEqual(
        Math.ceil(Math.log2(suspects)) + Math.floor(skippedRuns / 3),
      );
      if (plan.kind === 'found') {
        expect(plan.index).toBe(firstBad);
        return;
      }
      if (plan.kind !== 'cannot-tell') throw new Error(plan.kind);
      expect(plan.from <= firstBad && firstBad <= plan.to).toBe(true);
      // It is no wider than it must be: all but its last one were skipped.
      for (let index = plan.from; index < plan.to; index++) expect(skips(index)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test.each([
  { suspects: 1000, from: 300, to: 700, firstBad: 800 },
  { suspects: 600, from: 100, to: 500, firstBad: 560 },
  { suspects: 128, from: 40, to: 90, firstBad: 20 },
])(
  'gets out of a long stretch of skips without walking through it: %j',
  ({ suspects, from, to, firstBad }) => {
    const { plan, ran } = search(suspects + 1, (index) =>
      index >= from && index < to ? 'skip' : index >= firstBad ? 'bad' : 'good',
    );
    expect(plan).toEqual({ kind: 'found', index: firstBad });
    expect(ran.length).toBeLessThan(20);
  },
);
