import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Repo } from './repo.ts';

export type RepoState =
  | 'clean'
  | 'merging'
  | 'rebasing'
  | 'cherry-picking'
  | 'reverting'
  | 'bisecting'
  | 'unmerged';

const marks: readonly (readonly [string, RepoState])[] = [
  ['rebase-merge', 'rebasing'],
  ['rebase-apply', 'rebasing'],
  ['MERGE_HEAD', 'merging'],
  ['CHERRY_PICK_HEAD', 'cherry-picking'],
  ['REVERT_HEAD', 'reverting'],
  ['sequencer', 'cherry-picking'],
  ['BISECT_LOG', 'bisecting'],
];

/** Whether git is in the middle of something, by the files it leaves in its directory; no process. */
export function repoState(repo: Repo): RepoState {
  return marks.find(([file]) => existsSync(path.join(repo.gitDir, file)))?.[1] ?? 'clean';
}
