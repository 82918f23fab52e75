import { readFileSync } from 'node:fs';
import { replaceFile } from '../base/index.ts';
import { notesFile } from './own-dir.ts';
import type { Repo } from './repo.ts';

/** States whose notes are kept; the oldest go first. */
const mostKept = 200;

/**
 * Notes what no commit holds of a saved state that is left, for whoever goes back to it: in the file `name`, unless
 * something is noted there already (a step that was killed is noted when it begins).
 */
export function noteState(repo: Repo, name: string, state: string, notes: readonly unknown[]): void {
  if (notes.length === 0) return;
  const known = readNotes(repo, name);
  if (known[state]) return;
  const all = [...Object.entries(known), [state, notes] as const].slice(-mostKept);
  try {
    replaceFile(notesFile(repo, name), JSON.stringify(Object.fromEntries(all)));
  } catch {
    // A full disk must not stop a rollback that has room for its files.
  }
}

/** What was noted of a state, by whoever reads it. */
export const notedState = (repo: Repo, name: string, state: string): readonly never[] =>
  readNotes(repo, name)[state] ?? [];

function readNotes(repo: Repo, name: string): Readonly<Record<string, readonly never[]>> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file
    return JSON.parse(readFileSync(notesFile(repo, name), 'utf8')) as Record<string, readonly never[]>;
  } catch {
    return {}; // nothing noted yet, or damaged
  }
}
