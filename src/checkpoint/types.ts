import type { RawPath } from '../git/index.ts';
import type { IntendedModes } from './announced.ts';

/** What a judgement of one tree can be; `unverified` was not judged. */
export type CheckpointVerdict = 'passed' | 'failed' | 'flaky' | 'broken' | 'stale' | 'unverified';

/** A path that a snapshot could not hold, and why. */
export interface Skipped {
  readonly path: string;
  readonly reason: string;
}

/** The whole work tree at one moment, as objects in git, kept by a ref. */
export interface Snapshot {
  /** git tree of tracked and untracked files, without ignored ones. */
  readonly tree: string;
  /** The commit of that tree: parents HEAD and the staged tree. */
  readonly commit: string;
  /** The commit of the staged tree. */
  readonly staged: string;
  readonly head: string | null;
  /** null when HEAD is detached. */
  readonly branch: string | null;
  /** Paths that differ from HEAD. */
  readonly files: readonly string[];
  /** Something could not be read: the tree lacks it, and nothing may be deleted on its word. */
  readonly partial: boolean;
  readonly skipped: readonly Skipped[];
  /** Of these the tracked ones that changed: what was tested is not what the tree holds. */
  readonly lacking?: readonly string[];
  /** Equal keys are equal work trees; cheaper to compare than to write a tree. */
  readonly key: string;
  /** The index waits for the decision of a merge. */
  readonly unmerged: boolean;
  /** Paths announced with `git add -N`. */
  readonly intended: readonly RawPath[];
  readonly intendedModes: IntendedModes;
  /** Files with the very bytes that HEAD holds, which a checkout might convert: those of which that is known. */
  readonly raw: readonly RawPath[];
}

/** A named snapshot with its verdict. */
export interface Checkpoint {
  readonly tag: string;
  readonly commit: string;
  readonly tree: string;
  readonly verdict: CheckpointVerdict;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly branch: string | null;
  readonly head: string | null;
  readonly message: string;
  /** Paths that differ from the checkpoint before; from HEAD for the first one. */
  readonly filesChanged: number;
  readonly reason: string;
  readonly suites: readonly string[];
  readonly session: string | null;
  /** The work tree it was taken in: `main`, or the name of a linked one. */
  readonly worktree: string;
  /** Tells it from an earlier work tree of that name; null for the main one. */
  readonly worktreeMark: string | null;
  /** The folder of the repository (`.`: its top) whose devenv.yaml judged it; null where nobody noted it. */
  readonly project: string | null;
  readonly partial: boolean;
  readonly skipped: readonly Skipped[];
}

/** What one path holds: mode as git writes it and the blob's id, `''` when it is absent. */
export interface Entry {
  readonly path: RawPath;
  readonly mode: string;
  readonly oid: string;
}
