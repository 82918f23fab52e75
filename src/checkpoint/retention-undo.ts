import { dayMs, isThere, noNeeds, type Needs } from './retention.ts';

/** What of an undo entry decides whether it is kept. */
export interface RetainedUndo {
  readonly n: number;
  readonly ref: string;
  readonly commit: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly worktree: string;
  /** What was done after it was saved: `rollback`, `undo`, ... */
  readonly kind: string;
  /** The entry that it took back. */
  readonly undoes: number | undefined;
}

export interface DecidedUndo {
  readonly entry: RetainedUndo;
  readonly reasons: readonly string[];
}

export const undoDays = 30;

/**
 * Which undo entries are kept: all of 30 days, the newest of each work tree (so that no number comes twice), the
 * newest that was not taken back, what is needed, and whatever took a kept one back (else it would count as open again).
 */
export function planUndo(
  entries: readonly RetainedUndo[],
  now: number,
  needs: Needs = noNeeds,
): { readonly keep: readonly DecidedUndo[]; readonly drop: readonly DecidedUndo[] } {
  const undone = new Set(entries.flatMap(({ undoes }) => undoes ?? []));
  const highest = Math.max(...entries.map(({ n }) => n));
  const seen = new Set<string>();
  const first = (key: string): boolean => !seen.has(key) && seen.add(key).size > 0;
  const reasons = new Map<number, string[]>();
  for (const entry of entries.toSorted((a, b) => b.n - a.n)) {
    const here = isThere(entry.worktree, needs);
    const newest = first(`newest ${entry.worktree}`) && here;
    const open = entry.kind !== 'undo' && !undone.has(entry.n) && first(`open ${entry.worktree}`) && here;
    const why = [
      ...(needs.why.get(entry.commit) ?? []),
      ...(needs.why.get(entry.ref) ?? []),
      ...(now - entry.at < undoDays * dayMs ? [`within ${undoDays}d`] : []),
      ...(newest || entry.n === highest ? ['the newest'] : []),
      ...(open ? ['the next that devenv undo takes back'] : []),
    ];
    if (why.length > 0) reasons.set(entry.n, why);
  }
  // From the oldest on: what took it back is newer.
  for (const { n, undoes } of entries.toSorted((a, b) => a.n - b.n))
    if (undoes !== undefined && reasons.has(undoes) && !reasons.has(n))
      reasons.set(n, [`took undo/${undoes} back`]);
  const decide = (entry: RetainedUndo): DecidedUndo => ({
    entry,
    reasons: reasons.get(entry.n) ?? [`older than ${undoDays} days`],
  });
  return {
    keep: entries.filter(({ n }) => reasons.has(n)).map(decide),
    drop: entries.filter(({ n }) => !reasons.has(n)).map(decide),
  };
}
