import type { Clock } from '../base/index.ts';
import { readSaved, type SavedState } from '../checkpoint/index.ts';
import type { Repo } from '../git/index.ts';
import type { HeadTarget } from './head.ts';
import { refuseInTheMiddle } from './in-the-middle.ts';
import { putBack } from './put-back.ts';
import { recover, type Recovery } from './recover.ts';
import { beginLook, finishOutcome, type RollbackDeps, type RollbackOutcome } from './rollback.ts';

/** A state that came from somewhere else, as a commit made by devenv, and what people call it. */
export interface PutStateInput {
  readonly commit: string;
  readonly name: string;
  readonly maxFileBytes: number;
  /** Refs of branches that make room for the one that comes. */
  readonly without: readonly string[];
}

/** Finishes what was killed here; throws 'refused' while git is in the middle of something. */
export async function settleBefore(repo: Repo): Promise<Recovery | undefined> {
  refuseInTheMiddle(repo);
  const recovered = await recover(repo);
  refuseInTheMiddle(repo);
  return recovered;
}

/**
 * Makes files, staged state, branch and HEAD what that commit says, as a rollback with `--head` does: the present is
 * saved first, and undo takes it back. However much it deletes: whoever sent it deleted that. Throws 'refused'.
 */
export async function putState(
  deps: RollbackDeps,
  repo: Repo,
  input: PutStateInput,
): Promise<RollbackOutcome> {
  const recovered = await settleBefore(repo);
  const look = beginLook(repo);
  const saved = await readSaved(repo, input.commit);
  const result = await putBack(repo, {
    saved,
    kind: 'rollback',
    target: input.name,
    reason: 'user',
    moveTo: placeOf(saved, input.without),
    look,
    now: deps.clock.now(),
    maxFileBytes: input.maxFileBytes,
    dryRun: false,
    yes: true,
  });
  return finishOutcome(deps, result, { kind: 'rollback', to: input.name, recovered, unfinished: undefined });
}

/** Where a state had branch and HEAD, also before the first commit. */
function placeOf({ branch, head }: SavedState, without: readonly string[]): HeadTarget {
  const gone = Object.fromEntries(without.map((ref) => [ref, null]));
  const refs = branch === null || head === null ? {} : { [`refs/heads/${branch}`]: head };
  return { branch, head, refs: { ...gone, ...refs } };
}

/** How the present differs from a state, whatever HEAD is at; nothing is changed. */
export interface StateDifference {
  /** Paths as people read them, sorted. */
  readonly files: readonly string[];
  /** Something else is staged. */
  readonly staged: boolean;
}

/** Compares the work tree with a commit made by devenv, by what putting that one back would do. */
export async function compareWithState(
  repo: Repo,
  clock: Clock,
  input: { readonly saved: SavedState; readonly maxFileBytes: number },
): Promise<StateDifference> {
  const { written, deleted, staged } = await putBack(repo, {
    saved: input.saved,
    kind: 'rollback',
    target: 'what was received',
    reason: 'user',
    moveTo: undefined,
    now: clock.now(),
    maxFileBytes: input.maxFileBytes,
    dryRun: true,
    tryOut: false,
    yes: true,
  });
  return { files: [...written, ...deleted].toSorted(), staged };
}
