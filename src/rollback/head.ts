import { DevenvError } from '../base/index.ts';
import type { SavedState, Snapshot } from '../checkpoint/index.ts';
import { setRef } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import type { HeadMove } from './journal.ts';

/** How branch and HEAD get to where they were; null when they are there. Pure. Throws 'refused' on another branch. */
export function planHead(present: Snapshot, saved: SavedState): HeadMove | null {
  if (saved.head === present.head) return null;
  if (saved.head === null || present.head === null)
    throw new DevenvError(
      'refused',
      'there was no commit yet, then or now: HEAD cannot be moved',
      'leave --head out',
    );
  if (saved.branch !== present.branch) {
    const then = saved.branch === null ? 'with HEAD detached' : `on branch ${saved.branch}`;
    throw new DevenvError(
      'refused',
      `that state was saved ${then}`,
      saved.branch === null
        ? `git switch --detach ${saved.head} first, or leave --head out`
        : `git switch ${saved.branch} first, or leave --head out`,
    );
  }
  return {
    ref: present.branch === null ? 'HEAD' : `refs/heads/${present.branch}`,
    from: present.head,
    to: saved.head,
  };
}

/** Moves the branch, with a line in its reflog; there already is fine. */
export async function moveHead(repo: Repo, move: HeadMove, name: string): Promise<void> {
  await setRef(repo, { ...move, doing: 'moving the branch back', log: `devenv: back to ${name}` });
}
