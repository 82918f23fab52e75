import { listUndoEntries } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import { git, type Repo } from '../git/index.ts';
import { codeDifference } from '../verify/index.ts';

/** With reports in the tree, equal code may be in trees that differ: so many are compared, newest first. */
const comparedAtMost = 20;

/**
 * Whether a tree is here because the user wants it: a rollback or reset has put it away before (then an undo
 * brought it back), or the user's last rollback put it here.
 */
export async function wasBroughtBack(
  repo: Repo,
  project: Project,
  tree: string,
  ignored: (path: string) => boolean,
): Promise<boolean> {
  const trees = [...(await putHere(repo)), ...(await putAway(repo))];
  if (trees.includes(tree)) return true;
  for (const from of trees.slice(0, comparedAtMost))
    if ((await codeDifference(repo, project, { from, to: tree }, ignored)).length === 0) return true;
  return false;
}

/** The trees that rollbacks and resets have put away, newest first. */
async function putAway(repo: Repo): Promise<readonly string[]> {
  const format = ['--sort=-committerdate', '--format=%(tree)'];
  const result = await git(repo, ['for-each-ref', ...format, 'refs/devenv/undo/']);
  return result.stdout.toString('latin1').split('\n').filter(Boolean);
}

/** The tree that the last rollback by hand put in place, if the last one was by hand. */
async function putHere(repo: Repo): Promise<readonly string[]> {
  const last = (await listUndoEntries(repo)).toSorted((a, b) => b.n - a.n)[0];
  if (last?.reason !== 'user') return [];
  const name = last.target.startsWith('refs/') ? last.target : `refs/devenv/checkpoints/${last.target}`;
  const found = await git(repo, ['rev-parse', '--verify', '--quiet', `${name}^{tree}`]);
  return found.ok ? [found.stdout.toString('latin1').trim()] : [];
}
