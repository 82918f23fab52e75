import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { randomId, replaceFile } from '../base/index.ts';
import { notesFile, type Repo } from '../git/index.ts';
import type { Checkpoint } from './types.ts';

/** The name of this work tree within its repository: linked ones differ. */
export function worktreeId(repo: Repo): string {
  return isLinked(repo) ? linkedId(path.basename(repo.gitDir)) : 'main';
}

/** The name of a linked work tree, by that of its folder in `.git/worktrees`: none is called as the main one is. */
export const linkedId = (folder: string): string => (folder === 'main' ? 'main.linked' : folder);

const isLinked = (repo: Repo): boolean => repo.gitDir !== repo.commonDir;

/** What tells a work tree from an earlier one of the same name, in its commits. */
export interface OfWorktree {
  readonly worktree: string;
  /** null for the main one, and where an older devenv made it. */
  readonly worktreeMark: string | null;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/**
 * The mark of this linked work tree, made where there is none yet; null for the main one, which cannot be made anew
 * without its refs. It lies beside its index, so it goes when the work tree is removed, and moves and is copied with it.
 */
export function markWorktree(repo: Repo): string | null {
  if (!isLinked(repo)) return null;
  const known = readMark(repo);
  if (known !== undefined) return known;
  const mark = randomId();
  try {
    replaceFile(markFile(repo), mark);
    return mark;
  } catch {
    return null; // a full disk; its time tells it as well
  }
}

const markFile = (repo: Repo): string => notesFile(repo, 'worktree-mark');

function readMark(repo: Repo): string | undefined {
  try {
    return readFileSync(markFile(repo), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether something was made in this very work tree, and not in a removed one of the same name, whose files are none
 * of its past. Its mark says so, or that it is younger than the work tree: the mark may be lost, and clocks be set back.
 */
export function isOfWorktree(repo: Repo): (one: OfWorktree) => boolean {
  const name = worktreeId(repo);
  if (!isLinked(repo)) return ({ worktree }) => worktree === name;
  const mark = readMark(repo);
  const born = bornAt(repo);
  return ({ worktree, worktreeMark, at }) => {
    if (worktree !== name) return false;
    if (worktreeMark !== null && worktreeMark === mark) return true;
    // A commit's time is cut to whole seconds: without a mark the second counts as a whole.
    return Date.parse(at) >= (worktreeMark === null ? Math.floor(born / 1000) * 1000 : born);
  };
}

// git writes this file when it makes the work tree, and never again.
function bornAt(repo: Repo): number {
  return statSync(path.join(repo.gitDir, 'commondir'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
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
