import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { Repo } from '../git/index.ts';
import type { Checkpoint } from './types.ts';

/** The name of this work tree within its repository: linked ones differ. */
export function worktreeId(repo: Repo): string {
  return repo.gitDir === repo.commonDir ? 'main' : path.basename(repo.gitDir);
}

/** Where a project lies in the repository: its own suites and gates say what is good for it. */
export function projectPath(repo: Repo, root: string): string {
  return path.relative(repo.root, realpathSync(root)) || '.';
}

/** Whether what is known of a checkpoint was said by this project, and not by another one of the repository. */
export function isOfProject(
  repo: Repo,
  root: string | undefined,
): (one: Pick<Checkpoint, 'project'>) => boolean {
  const own = root === undefined ? null : projectPath(repo, root);
  return ({ project }) => own === null || project === null || project === own;
}
