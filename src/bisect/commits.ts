import { git, mustGit, type Repo } from '../git/index.ts';
import type { Candidate } from './types.ts';

/** The commit that a revision names, or undefined. */
export async function findCommit(repo: Repo, revision: string): Promise<string | undefined> {
  if (revision.startsWith('-') || revision === '') return undefined;
  const result = await git(repo, ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`]);
  return result.ok ? result.stdout.toString('latin1').trim() : undefined;
}

/** Whether `older` is `newer` or one that it was made from. */
export async function isAncestor(repo: Repo, older: string, newer: string): Promise<boolean> {
  return (await git(repo, ['merge-base', '--is-ancestor', older, newer])).ok;
}

/** Where two commits part. */
export async function mergeBase(repo: Repo, a: string, b: string): Promise<string | undefined> {
  const result = await git(repo, ['merge-base', a, b]);
  return result.ok ? result.stdout.toString('latin1').trim().split('\n')[0] : undefined;
}

/** The commits from `good` to `bad` along first parents, both included: what came in by a merge is one step. */
export async function firstParents(repo: Repo, good: string, bad: string): Promise<Candidate[]> {
  const flags = ['--no-show-signature', '--no-color', '--no-decorate', '-z', '--format=%H%n%T%n%ct%n%s'];
  const [start, line] = await Promise.all([
    mustGit(repo, 'reading commits', ['log', ...flags, '-1', good, '--']),
    mustGit(repo, 'reading commits', [
      'log',
      ...flags,
      '--first-parent',
      '--reverse',
      `${good}..${bad}`,
      '--',
    ]),
  ]);
  return `${start.toString('utf8')}\0${line.toString('utf8')}`.split('\0').flatMap((record) => {
    const [commit = '', tree = '', seconds = '', message = ''] = record.split('\n');
    const at = new Date(Number(seconds) * 1000).toISOString();
    return tree === '' ? [] : [{ name: commit.slice(0, 12), tag: null, commit, tree, at, message }];
  });
}

/** The merged-in side of a merge commit: where it parts from the main line, and its end. undefined for others. */
export async function mergedSide(
  repo: Repo,
  commit: string,
): Promise<{ readonly from: string; readonly to: string } | undefined> {
  const result = await git(repo, ['rev-parse', '--verify', '--quiet', `${commit}^2`]);
  const to = result.ok ? result.stdout.toString('latin1').trim() : undefined;
  const from = to === undefined ? undefined : await mergeBase(repo, `${commit}^1`, to);
  return to === undefined || from === undefined ? undefined : { from, to };
}
