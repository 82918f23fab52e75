import type { SavedState, Snapshot } from '../checkpoint/index.ts';
import { diffCommits, ignoredIn, isIgnoreFile } from '../git/index.ts';
import type { DiffEntry, RawPath, Repo } from '../git/index.ts';

/**
 * A state says nothing of what was ignored in it: an untracked file that it lacks, and ignores, need not have been
 * missing then. It is no part of the difference, and so is not deleted: it is ignored again when the rules are back.
 * (Somebody takes `.env` out of `.gitignore`, the tests fail, the last good state comes back: `.env` must stay.)
 * Costs nothing unless a `.gitignore` differs and something would be deleted.
 */
export async function withoutIgnored(
  repo: Repo,
  diff: readonly DiffEntry[],
  states: { readonly saved: SavedState; readonly present: Snapshot },
): Promise<readonly DiffEntry[]> {
  const leaving = diff.filter((entry) => entry.newMode === '000000');
  if (leaving.length === 0 || !diff.some((entry) => isIgnoreFile(entry.path))) return diff;
  const { staged, commit } = states.present;
  const [unstaged = []] = await diffCommits(repo, [{ from: staged, to: commit }]);
  const untracked = new Set(
    unstaged.filter((entry) => entry.oldMode === '000000').map((entry) => entry.path),
  );
  const isFree = needsNoRoom(diff);
  const asked = leaving.map((entry) => entry.path).filter((path) => untracked.has(path) && isFree(path));
  if (asked.length === 0) return diff;
  const ignored = await ignoredIn(repo, states.saved.commit, asked);
  return diff.filter((entry) => !ignored.has(entry.path));
}

/** Whether nothing that is to be written would stand where the path or a folder of it is. Pure. */
function needsNoRoom(diff: readonly DiffEntry[]): (path: RawPath) => boolean {
  const written = new Set(diff.filter((entry) => entry.newMode !== '000000').map((entry) => entry.path));
  const above = new Set([...written].flatMap(parents));
  return (path) => !above.has(path) && !parents(path).some((parent) => written.has(parent));
}

function parents(path: RawPath): readonly RawPath[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, n) => parts.slice(0, n + 1).join('/'));
}
