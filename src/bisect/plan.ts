/** `skip`: it cannot be built or judged, and says nothing. */
export type StepVerdict = 'good' | 'bad' | 'skip';

export type BisectPlan =
  | {
      readonly kind: 'next';
      readonly index: number;
      /** So many can still be the first bad one. */
      readonly left: number;
      /** So many runs are still needed, if none is skipped. */
      readonly runs: number;
      /** It is one of the two ends, which are made sure of first. */
      readonly end: 'good' | 'bad' | undefined;
    }
  | { readonly kind: 'found'; readonly index: number }
  /** Because of skips it can be any of these, both included. */
  | { readonly kind: 'cannot-tell'; readonly from: number; readonly to: number }
  | { readonly kind: 'wrong-end'; readonly end: 'good' | 'bad'; readonly verdict: StepVerdict };

const skipsPerExtraRun = 3;

/**
 * What to do next to find the first bad one of a line of trees, the first of which is said to be good and the
 * last bad. The ends are judged first. It takes at most ceil(log2(n)) runs for n suspects, one for each that is
 * skipped, and one more for every three of these. Where verdicts go back and forth, the last change from good to bad is looked for.
 */
export function planBisect(trees: readonly string[], results: ReadonlyMap<string, StepVerdict>): BisectPlan {
  const last = trees.length - 1;
  const verdict = (index: number): StepVerdict | undefined => results.get(trees[index] ?? '');
  const runsFor = (count: number): number => Math.ceil(Math.log2(count + 1));
  for (const end of ['bad', 'good'] as const) {
    const index = end === 'bad' ? last : 0;
    const found = verdict(index);
    if (found === undefined)
      return { kind: 'next', index, left: last, runs: runsFor(last - 1) + (end === 'bad' ? 2 : 1), end };
    if (found !== end) return { kind: 'wrong-end', end, verdict: found };
  }
  const all = trees.map((_, index) => verdict(index));
  const good = all.lastIndexOf('good');
  const bad = all.indexOf('bad', good);
  const open = range(good + 1, bad).filter((index) => all[index] === undefined);
  if (bad - good === 1) return { kind: 'found', index: bad };
  if (open.length === 0) return { kind: 'cannot-tell', from: good + 1, to: bad };
  const judged = range(1, last).filter((index) => all[index] === 'good' || all[index] === 'bad').length;
  const skips = all.filter((one) => one === 'skip').length;
  // A stretch that cannot be built would be walked through one by one if getting out of it might cost nothing.
  const budget = runsFor(last - 1) + Math.floor(skips / skipsPerExtraRun);
  const most = 2 ** (budget - judged - 1) - 1;
  const skipped = range(good + 1, bad).filter((index) => all[index] === 'skip');
  return {
    kind: 'next',
    index: choose(open, skipped, most),
    left: bad - good,
    runs: runsFor(open.length),
    end: undefined,
  };
}

/**
 * The middle one; but one beside or among those that were skipped is likely to be skipped too. Then the one half
 * way from them to the farther end, as near to it as the runs that are left allow (`most` on either side).
 */
function choose(open: readonly number[], skipped: readonly number[], most: number): number {
  const count = open.length;
  const middle = open[Math.floor((count - 1) / 2)] ?? 0;
  const below = Math.max(-Infinity, ...skipped.filter((index) => index < middle));
  const above = Math.min(Infinity, ...skipped.filter((index) => index > middle));
  const among = above - below < count / 2;
  if (!among && Math.min(middle - below, above - middle) > 1) return middle;
  const before = open.filter((index) => index < Math.min(...skipped)).length;
  const after = open.filter((index) => index > Math.max(...skipped)).length;
  const wanted = before >= after ? Math.floor((before - 1) / 2) : count - 1 - Math.floor((after - 1) / 2);
  const allowed = Math.max(Math.min(most, count - 1), Math.floor(count / 2));
  return open[Math.min(allowed, Math.max(count - 1 - allowed, wanted))] ?? middle;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
