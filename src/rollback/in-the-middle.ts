import { existsSync } from 'node:fs';
import path from 'node:path';
import { DevenvError } from '../base/index.ts';
import { repoState, type Repo, type RepoState } from '../git/index.ts';

const wayOut: Readonly<Record<Exclude<RepoState, 'clean'>, readonly [what: string, how: string]>> = {
  merging: ['a merge is in progress', 'finish it with git commit, or give it up with git merge --abort'],
  rebasing: [
    'a rebase is in progress',
    'finish it with git rebase --continue, or give it up with git rebase --abort',
  ],
  'cherry-picking': [
    'a cherry-pick is in progress',
    'finish it with git cherry-pick --continue, or give it up with git cherry-pick --abort',
  ],
  reverting: [
    'a revert is in progress',
    'finish it with git revert --continue, or give it up with git revert --abort',
  ],
  bisecting: ['a bisect is in progress', 'end it with git bisect reset'],
  unmerged: ['files are unmerged', 'resolve them and git add them'],
};

/** Throws 'refused', with the way out, while git is in the middle of something. */
export function refuseInTheMiddle(repo: Repo): void {
  const state = repoState(repo);
  if (state === 'clean') return;
  const applying = state === 'rebasing' && existsSync(path.join(repo.gitDir, 'rebase-apply/applying'));
  const [what, how] = applying
    ? ['a git am is in progress', 'finish it with git am --continue, or give it up with git am --abort']
    : wayOut[state];
  throw new DevenvError(
    'refused',
    `${what}: putting files back now would mix two states`,
    `${how}, then try again (devenv diff shows what would change)`,
  );
}
