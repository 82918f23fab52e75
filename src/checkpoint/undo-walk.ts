import type { UndoEntry } from './undo-entries.ts';

/** Where one stands among the states that rollbacks put away, like the history of an editor. */
export interface UndoWalk {
  /** What undo takes back, the next one last. */
  readonly undo: readonly UndoEntry[];
  /** What redo brings again, the next one last. */
  readonly redo: readonly UndoEntry[];
}

/**
 * Follows the entries from the oldest on: an undo takes away the one it took back and can be taken back itself
 * by a redo, and the other way round. A new rollback cuts off what could be redone; its states stay. Pure.
 */
export function walkEntries(entries: readonly UndoEntry[]): UndoWalk {
  let undo: UndoEntry[] = [];
  let redo: UndoEntry[] = [];
  for (const entry of entries) {
    const others = (all: UndoEntry[]): UndoEntry[] => all.filter((one) => one.n !== entry.undoes);
    if (entry.kind === 'undo') {
      undo = others(undo);
      redo.push(entry);
      continue;
    }
    redo = entry.kind === 'redo' ? others(redo) : [];
    undo.push(entry);
  }
  return { undo, redo };
}

/** What became of a step: undo takes it back, it is taken back and redo brings it again, or it is history. */
export type StepState = 'done' | 'taken-back' | 'past';

/**
 * The state of each entry by its number. A rollback is `done` while its effect is there (by itself or by a redo)
 * and `taken-back` while redo brings it again; undos, redos and what was cut off are `past`. Pure.
 */
export function stepStates(entries: readonly UndoEntry[]): ReadonlyMap<number, StepState> {
  const { undo, redo } = walkEntries(entries);
  const byNumber = new Map(entries.map((entry) => [entry.n, entry]));
  const rootOf = (entry: UndoEntry): UndoEntry => {
    let at = entry;
    for (
      let up = byNumber.get(at.undoes ?? 0);
      up !== undefined && up.n < at.n;
      up = byNumber.get(at.undoes ?? 0)
    )
      at = up;
    return at;
  };
  const states = new Map<number, StepState>(entries.map((entry) => [entry.n, 'past']));
  for (const entry of undo) states.set(rootOf(entry).n, 'done');
  for (const entry of redo) states.set(rootOf(entry).n, 'taken-back');
  return states;
}
