import { git, gitError } from './exec.ts';
import { waitForOwnRef } from './locks.ts';
import { readRef } from './refs.ts';
import type { Repo } from './repo.ts';

/** A commit's ref, and the tag that names it for people: git moves one after the other, so a kill may come between. */
export interface RefPair {
  readonly ref: string;
  readonly tag?: string | undefined;
  readonly commit: string;
  /** Both may exist, and are moved. */
  readonly force?: boolean;
}

/**
 * Makes both names agree after an import that may have moved only one of them, or have lost the race for the ref:
 * whoever has the ref has the name, and the tag follows it. Returns whether the ref is at the commit; throws a
 * DevenvError when a name could not be moved.
 */
export async function settlePair(repo: Repo, { ref, tag, commit, force }: RefPair): Promise<boolean> {
  const kept = await readRef(repo, ref);
  if (tag === undefined) return kept === commit;
  const named = await readRef(repo, tag);
  // Another tag of that name is the user's, or that of somebody who lost the race and will see to it.
  if (kept === commit && (named === undefined || force)) await move(repo, tag, commit, named);
  if (kept === commit || named !== commit) return kept === commit;
  if (kept === undefined || force) {
    await move(repo, ref, commit, kept);
    return true;
  }
  await move(repo, tag, kept, commit);
  return false;
}

async function move(repo: Repo, ref: string, to: string, from: string | undefined): Promise<void> {
  if (from === to) return;
  await waitForOwnRef(repo, ref);
  const none = '0'.repeat(to.length);
  const result = await git(repo, ['update-ref', ref, to, from ?? none]);
  // Two may settle the same one.
  if (!result.ok && (await readRef(repo, ref)) !== to)
    throw gitError('giving a checkpoint its name', result.stderr);
}
