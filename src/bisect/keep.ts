import { worktreeId } from '../checkpoint/index.ts';
import { git, type Repo } from '../git/index.ts';

/** Keeps the present, as it was when the bisect of this work tree began. */
export function bisectRef(repo: Repo): string {
  return `refs/devenv/bisect/${worktreeId(repo)}`;
}

/** Lets go of it. */
export async function dropBisectRef(repo: Repo): Promise<void> {
  await git(repo, ['update-ref', '-d', bisectRef(repo)]);
}
