import { lstatSync } from 'node:fs';
import type { SavedState, Snapshot } from '../checkpoint/index.ts';
import { diffCommits, diskPath, ignoredHere, ignoredIn, isIgnoreFile, submoduleMode } from '../git/index.ts';
import type { DiffEntry, RawPath, Repo } from '../git/index.ts';
import { blockingParent } from './check.ts';
import { foldersOf, whyUncovered } from './plan.ts';

/** What is put back, and what is there. */
interface States {
  readonly saved: SavedState;
  readonly present: Snapshot;
  /** HEAD moves to where it was then. */
  readonly moves: boolean;
  /** What the step that is taken back had written: nothing was there before it, ignored or not. */
  readonly written: ReadonlySet<RawPath>;
}

/**
 * A state says nothing of what was ignored in it: a file that it lacks, that its rules ignore and that was not in
 * its index or HEAD need not have been missing then. It is not deleted. (Somebody takes `.env` out of `.gitignore`,
 * the tests fail, the last good state comes back: `.env` must stay, whether it was staged or not.)
 * `left` are those that HEAD has now, so that they go on to differ from the state. One process when something would
 * be deleted, some more when that is the question.
 */
export async function withoutIgnored(
  repo: Repo,
  diff: readonly DiffEntry[],
  states: States,
): Promise<{ readonly diff: readonly DiffEntry[]; readonly left: readonly RawPath[] }> {
  const { saved, present, written } = states;
  const leaving = diff
    .filter((entry) => entry.newMode === '000000' && !written.has(entry.path))
    .map((entry) => entry.path);
  if (leaving.length === 0) return { diff, left: [] };
  const free = leaving.filter(needsNoRoom(diff));
  const otherRules = diff.some((entry) => isIgnoreFile(entry.path));
  const ignored = await (otherRules ? ignoredIn(repo, saved.commit, free) : ignoredHere(repo, free));
  if (ignored.size === 0) return { diff, left: [] };
  const [unstaged, unknown, uncommitted] = await lackedBy(repo, present.commit, [
    saved.staged,
    saved.head,
    present.head,
  ]);
  const stays = new Set([...ignored].filter((path) => unstaged?.(path) && unknown?.(path)));
  return {
    diff: diff.filter((entry) => !stays.has(entry.path)),
    left: states.moves ? [] : [...stays].filter((path) => !uncommitted?.(path)),
  };
}

/** For each of some commits: whether it lacks a path that `commit` has. No commit (null) lacks all. */
async function lackedBy(
  repo: Repo,
  commit: string,
  others: readonly (string | null)[],
): Promise<readonly ((path: RawPath) => boolean)[]> {
  const pairs = others.flatMap((other) => (other === null ? [] : [{ from: other, to: commit }]));
  const diffs = await diffCommits(repo, pairs);
  let n = 0;
  return others.map((other) => {
    if (other === null) return () => true;
    const added = (diffs[n++] ?? []).filter((entry) => entry.oldMode === '000000');
    const paths = new Set(added.map((entry) => entry.path));
    return (path) => paths.has(path);
  });
}

/** Whether nothing that is to be written would stand where the path or a folder of it is. Pure. */
function needsNoRoom(diff: readonly DiffEntry[]): (path: RawPath) => boolean {
  const written = new Set(diff.filter((entry) => entry.newMode !== '000000').map((entry) => entry.path));
  const above = new Set([...written].flatMap(foldersOf));
  return (path) => !above.has(path) && !foldersOf(path).some((folder) => written.has(folder));
}

/**
 * What a step wrote where nothing was: what it put back has it, and the state before it (`saved`) lacks it, and not
 * because it could not be held. Nothing when that commit is gone.
 */
export async function writtenBy(
  repo: Repo,
  saved: SavedState,
  put: string | undefined,
): Promise<ReadonlySet<RawPath>> {
  if (put === undefined) return new Set();
  const skipped = new Map(saved.skipped.map((skip) => [skip.path, skip.reason]));
  try {
    const [diff = []] = await diffCommits(repo, [{ from: saved.commit, to: put }]);
    const created = diff.filter(({ oldMode, newMode }) => oldMode === '000000' && newMode !== submoduleMode);
    const paths = created.map((entry) => entry.path);
    return new Set(paths.filter((path) => whyUncovered(path, skipped) === undefined));
  } catch {
    // A checkpoint that was dropped since, with its objects: that must not keep anybody from going back.
    return new Set();
  }
}

/** Those of them that are there and that git ignores by now: no snapshot has them unless it is told to. */
export async function hiddenOf(
  repo: Repo,
  written: ReadonlySet<RawPath>,
  chosen: (path: RawPath) => boolean,
): Promise<readonly RawPath[]> {
  const there = [...written].filter((path) => {
    if (!chosen(path) || blockingParent(repo, path) !== undefined) return false;
    const stat = lstatSync(diskPath(repo.root, path), { throwIfNoEntry: false });
    return stat !== undefined && (stat.isFile() || stat.isSymbolicLink());
  });
  return [...(await ignoredHere(repo, there))];
}
