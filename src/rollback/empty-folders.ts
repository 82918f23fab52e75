import { readdirSync } from 'node:fs';
import { diskPath, notedState, noteState, rawDir } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';

const notes = 'folders.json';

/** Notes of a state that is left the folders without a file that new files get into, or take the place of. */
export function noteEmpty(repo: Repo, state: string, comes: readonly RawPath[]): void {
  const seen = new Set<RawPath>();
  const found: RawPath[] = [];
  for (const file of comes)
    for (let dir = file; dir !== '' && !seen.has(dir); dir = rawDir(dir)) {
      seen.add(dir);
      if (hasNoFile(diskPath(repo.root, dir))) found.push(dir);
    }
  noteState(repo, notes, state, found);
}

/** The folders without a file that a state had, as far as they were noted. */
export const notedEmpty = (repo: Repo, state: string): readonly RawPath[] => notedState(repo, notes, state);

function hasNoFile(dir: Buffer): boolean {
  try {
    return readdirSync(dir, { withFileTypes: true }).every((entry) => entry.isDirectory());
  } catch {
    return false; // not there, or no folder
  }
}
