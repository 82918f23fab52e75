import { readFileSync } from 'node:fs';
import { replaceFile } from '../base/index.ts';
import type { HiddenEntry } from './hidden.ts';
import { notesFile } from './own-dir.ts';
import type { Repo } from './repo.ts';

type Noted = Pick<HiddenEntry, 'path' | 'flags'>;

/** States whose notes are kept; the oldest go first. */
const mostKept = 200;

const hiddenFile = (repo: Repo): string => notesFile(repo, 'hidden.json');

/**
 * Notes which entries, hidden from git, leave the index when a saved state is left: no commit holds these flags, and
 * whoever goes back to that state wants them.
 */
export function noteHidden(repo: Repo, state: string, entries: readonly Noted[]): void {
  if (entries.length === 0) return;
  const { [state]: _, ...others } = readNotes(repo);
  const notes = entries.map(({ path: name, flags }) => ({ path: name, flags }));
  const all = [...Object.entries(others), [state, notes] as const].slice(-mostKept);
  try {
    replaceFile(hiddenFile(repo), JSON.stringify(Object.fromEntries(all)));
  } catch {
    // A full disk must not stop a rollback that has room for its files.
  }
}

/** What was noted of a state. */
export function notedHidden(repo: Repo, state: string): readonly Noted[] {
  return readNotes(repo)[state] ?? [];
}

function readNotes(repo: Repo): Readonly<Record<string, readonly Noted[]>> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file
    return JSON.parse(readFileSync(hiddenFile(repo), 'utf8')) as Record<string, readonly Noted[]>;
  } catch {
    return {}; // nothing noted yet, or damaged
  }
}
