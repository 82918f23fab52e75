import { listUndoEntries, stepStates, walkEntries } from '../checkpoint/index.ts';
import type { StepState, UndoEntry } from '../checkpoint/index.ts';
import { diffCommits } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { selects } from './paths.ts';

/** A rollback, undo or redo that was done, and what became of it. */
export interface UndoStep extends Omit<UndoEntry, 'files'> {
  /** How many files it changed; null when what it put back is no longer there. */
  readonly files: number | null;
  readonly state: StepState;
}

/** All steps of a work tree, and the number of the one that undo or redo would go next. */
export interface UndoSteps {
  /** Newest first. */
  readonly steps: readonly UndoStep[];
  readonly undo: number | null;
  readonly redo: number | null;
}

/** Every step that was done in this work tree, and where it stands. */
export async function listSteps(repo: Repo): Promise<UndoSteps> {
  const entries = await listUndoEntries(repo);
  const { undo, redo } = walkEntries(entries);
  const states = stepStates(entries);
  const files = await countFiles(repo, entries);
  const steps = entries.map((entry, i) => ({
    ...entry,
    files: files[i] ?? null,
    state: states.get(entry.n) ?? 'past',
  }));
  return { steps: steps.toReversed(), undo: undo.at(-1)?.n ?? null, redo: redo.at(-1)?.n ?? null };
}

async function countFiles(repo: Repo, entries: readonly UndoEntry[]): Promise<(number | null)[]> {
  const counts = Array.from(entries, ({ files }): number | null => files ?? null);
  const pairs = entries.flatMap(({ commit, to, files }, i) =>
    to === undefined || files !== undefined ? [] : [{ i, from: commit, to }],
  );
  const count = async (some: typeof pairs): Promise<void> => {
    const diffs = await diffCommits(repo, some);
    some.forEach(({ i }, at) => {
      const chosen = selects(entries[i]?.paths);
      counts[i] = diffs[at]?.filter((entry) => chosen(entry.path)).length ?? null;
    });
  };
  if (pairs.length === 0) return counts;
  try {
    await count(pairs);
  } catch {
    // One of them is gone: the others are counted one by one.
    for (const pair of pairs) await count([pair]).catch(() => {});
  }
  return counts;
}
