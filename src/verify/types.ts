import type { Clock } from '../base/index.ts';
import type { Skipped, Snapshot } from '../checkpoint/index.ts';
import type { GateResult } from '../gates/index.ts';
import type { Repo } from '../git/index.ts';
import type { Store } from '../store/index.ts';
import type { SuiteResult } from '../suites/index.ts';

/** What verifying touches. */
export interface VerifyDeps {
  /** The environment of the user's shell; the project's variables are put over it. */
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly store: Store;
}

/** What all suites and gates together came to, on one tree. `stopped`: it was cancelled. */
export type Verdict = 'passed' | 'failed' | 'flaky' | 'broken' | 'stale' | 'stopped';

/** A judgement of exactly one tree. */
export interface Verification {
  readonly verdict: Verdict;
  /** The tree that was measured; null where no git repository names it, or some files are `untold`. */
  readonly tree: string | null;
  /** The snapshot of that tree, to be promoted to a checkpoint. */
  readonly snapshot: Snapshot | undefined;
  readonly suites: readonly SuiteResult[];
  readonly gates: readonly GateResult[];
  /** Why it is broken or stale, in one line. */
  readonly why?: string;
  /** Files that changed while it ran, when it is stale. */
  readonly changed: readonly string[];
  /**
   * Tracked files that the snapshot could not take as they are (too large, changed inside a submodule). What
   * ran, ran on them: then the verdict is of no tree that git can name.
   */
  readonly untold: readonly Skipped[];
  /** Where it was measured. */
  readonly in: 'place' | 'worktree';
  readonly durationMs: number;
}

export interface VerifyInput {
  /** Suites to run, besides those the gates need. */
  readonly suites?: readonly string[];
  /** Gates to evaluate. */
  readonly gates?: readonly string[];
  /** Who asks: `test`, `watch`, `timer`, `checkpoint`, ... */
  readonly reason: string;
  /** How often what failed is run again, at most. A pass makes it flaky. Default 2. */
  readonly reruns?: number;
  /** Also many failures are run again: more than chance explains, but a service may have been down. */
  readonly rerunMany?: boolean;
  /**
   * `worktree`: in a scratch work tree of the snapshot. Then the verdict belongs to the snapshot's tree whatever
   * is edited meanwhile, and is never stale. Default `place`.
   */
  readonly in?: 'place' | 'worktree';
  /** Run only the tests that depend on what changed since HEAD, where that can be told. Such runs are no verdict of the tree and are not recorded. */
  readonly affected?: boolean;
  readonly signal?: AbortSignal;
  /** The present, when it was just looked at. */
  readonly before?: Present;
  /** Results already measured on this very tree: those suites do not run again. */
  readonly known?: readonly SuiteResult[];
  /** Paths (relative to the repository) whose change does not make another program: `watch.ignore`. */
  readonly ignored?: (path: string) => boolean;
  readonly on?: VerifyEvents;
}

/** What a screen wants to know while it runs. */
export interface VerifyEvents {
  readonly start?: (suite: string) => void;
  readonly output?: (suite: string, chunk: string) => void;
  /** What failed is being run again; the first result may still turn out flaky. */
  readonly rerun?: (result: SuiteResult, attempt: number) => void;
  readonly result?: (result: SuiteResult) => void;
}

/** The work tree at one moment; all undefined or null outside of a repository. */
export interface Present {
  readonly repo: Repo | undefined;
  readonly snapshot: Snapshot | undefined;
  readonly tree: string | null;
}
