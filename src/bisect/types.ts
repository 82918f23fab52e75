import type { Clock } from '../base/index.ts';
import type { Store } from '../store/index.ts';
import type { StepVerdict } from './plan.ts';

/** What a bisect touches. */
export interface BisectDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly store: Store;
}

/** One state that may be the first bad one; the oldest of them is the good end, the newest the bad end. */
export interface Candidate {
  /** As people call it: a checkpoint's tag, `now`, or the short id of a commit. */
  readonly name: string;
  /** The checkpoint it is; null for a commit and for the present. */
  readonly tag: string | null;
  readonly commit: string;
  readonly tree: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The first line of its message. */
  readonly message: string;
}

/** What was asked for on the command line; the same words continue the same bisect. */
export interface Asked {
  readonly good: string | null;
  readonly bad: string | null;
  readonly commits: boolean;
  readonly suite: string | null;
  readonly run: string | null;
  readonly fresh: boolean;
}

/** What one tree came to. */
export interface StepResult {
  readonly tree: string;
  readonly verdict: StepVerdict;
  /** `record`: it had been judged before, in the work tree itself. */
  readonly by: 'run' | 'record';
  /** It failed, and passed when it was run again. */
  readonly flaky: boolean;
  /** What failed, or why it could not be judged. */
  readonly why: string;
  readonly durationMs: number;
}

/** All that is known of a bisect, so that a killed one goes on where it was. */
export interface BisectState {
  readonly version: 1;
  /** Every process of its runs carries this mark. */
  readonly id: string;
  readonly root: string;
  readonly asked: Asked;
  readonly candidates: readonly Candidate[];
  /** Suites to judge by; null until the bad end told which of them fail. */
  readonly suites: readonly string[] | null;
  /** Tells one way to judge from another: a suite that was changed since judges anew. */
  readonly judgedBy: string;
  readonly results: readonly StepResult[];
}

/** What a screen wants to know meanwhile. */
export interface BisectEvents {
  readonly remark: (line: string) => void;
  readonly step: (step: {
    readonly candidate: Candidate;
    readonly left: number;
    readonly runs: number;
    readonly end: 'good' | 'bad' | undefined;
  }) => void;
  readonly result: (candidate: Candidate, result: StepResult) => void;
  readonly output: (chunk: string) => void;
}

/** How a bisect ended. */
export interface BisectOutcome {
  readonly kind: 'found' | 'cannot-tell';
  /** The first bad one, or all that may be it (oldest first). */
  readonly suspects: readonly Candidate[];
  /** The newest good one before them. */
  readonly before: Candidate;
  readonly state: BisectState;
}
