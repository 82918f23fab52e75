import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Repo } from './repo.ts';

const known = new Map<string, boolean>();

/**
 * Whether the disk takes `notes` and `Notes` for one file. `core.ignorecase` only says what somebody believed: it
 * comes along with a copied repository, and where it is wrong, git puts the content of one file under the name of
 * the other. Looked up once for each work tree, by another spelling of a name that is there.
 */
export function foldsCase(repo: Pick<Repo, 'root' | 'gitDir'>): boolean {
  const found = known.get(repo.root) ?? look(repo);
  known.set(repo.root, found);
  return found;
}

function look({ root, gitDir }: Pick<Repo, 'root' | 'gitDir'>): boolean {
  const atHome = gitDir === path.join(root, '.git');
  return (
    sameUnderBoth(root, '.git', atHome) ??
    // A work tree whose repository is elsewhere (core.worktree): any other name with letters in it.
    readdirSync(root)
      .map((name) => sameUnderBoth(root, name, true))
      .find((same) => same !== undefined) ??
    sameUnderBoth(gitDir, 'HEAD', true) ??
    false
  );
}

/** undefined: the name tells nothing. `isThere` saves a look. */
function sameUnderBoth(dir: string, name: string, isThere: boolean): boolean | undefined {
  const other = name.replaceAll(/[a-z]/gi, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase()));
  if (other === name) return undefined;
  const seen = lstatSync(path.join(dir, other), { throwIfNoEntry: false });
  if (seen === undefined && isThere) return false;
  const itself = lstatSync(path.join(dir, name), { throwIfNoEntry: false });
  if (itself === undefined) return undefined;
  return seen !== undefined && seen.ino === itself.ino && seen.dev === itself.dev;
}
