import { realpathSync } from 'node:fs';
import { DevenvError, findHome } from '../base/index.ts';
import type { Repo } from '../git/index.ts';

/** Throws 'refused' for a repository that is a whole home directory, or the whole disk. */
export function refuseHome(repo: Pick<Repo, 'root' | 'env'>): void {
  const home = findHome(repo.env);
  if (repo.root !== '/' && (home === undefined || repo.root !== realpath(home))) return;
  throw new DevenvError(
    'refused',
    `${repo.root} as a whole is not a project: devenv does not copy a home directory`,
    'run devenv in a repository of its own',
  );
}

function realpath(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return dir; // a HOME that does not exist holds no work tree
  }
}
