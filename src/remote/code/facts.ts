import { receivedRefs, worktreeId, type Snapshot } from '../../checkpoint/index.ts';
import { mustGit, type Repo } from '../../git/index.ts';
import type { StateFacts } from './types.ts';

/** The refs that say what was received in this work tree, the newest first. */
export const receivedNames = (repo: Repo): Readonly<Record<'last' | 'next' | 'previous', string>> => {
  const base = `${receivedRefs}${worktreeId(repo)}`;
  return { last: `${base}/last`, next: `${base}/next`, previous: `${base}/previous` };
};

/** What tells a saved state from another one, also of another repository. One process. */
export async function stateFacts(
  repo: Repo,
  saved: Pick<Snapshot, 'commit' | 'tree' | 'staged' | 'head' | 'branch' | 'intended' | 'intendedModes'>,
): Promise<StateFacts> {
  const { commit, tree, head, branch, intendedModes } = saved;
  const out = await mustGit(repo, 'reading what is staged', ['rev-parse', `${saved.staged}^{tree}`]);
  const intended = saved.intended.map((path) => `${intendedModes[path] ?? ''}${path}`).toSorted();
  return { commit, tree, staged: out.toString('latin1').trim(), head, branch, intended };
}

/** Whether two states are one: the same files, staged alike, on the same branch and commit. Pure. */
export function isSame(a: StateFacts | null, b: StateFacts): boolean {
  const told = (one: StateFacts): string =>
    JSON.stringify([one.tree, one.staged, one.head, one.branch, one.intended]);
  return a !== null && told(a) === told(b);
}
