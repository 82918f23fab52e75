import type { Logger } from '../base/index.ts';
import type { StepInput } from '../checkpointer/index.ts';
import type { GateResult } from '../gates/index.ts';
import type { SuiteResult } from '../suites/index.ts';
import type { VerifyDeps } from '../verify/index.ts';

/** What a nightly run touches the world with. */
export interface NightlyDeps extends VerifyDeps {
  /** devenv's own diary. */
  readonly log: Logger;
}

/**
 * How a night ended. `blocked`: the checklist said no, nothing was run; `skipped`: another run was under way;
 * `error`: something went wrong that is no verdict; `interrupted`: a signal ended it.
 */
export type Outcome =
  | 'passed'
  | 'flaky'
  | 'failed'
  | 'broken'
  | 'stale'
  | 'timed-out'
  | 'blocked'
  | 'error'
  | 'interrupted'
  | 'skipped';

/** One line of the safety checklist. An `error` blocks the run. */
export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly level: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly remedy: string;
}

/** What became of the session. */
export interface SessionReport {
  readonly state: 'running' | 'started' | 'healed' | 'failed';
  readonly name: string | null;
  /** Services that were restarted. */
  readonly restarted: readonly string[];
  /** Services that are not ready all the same, with what their probe says. */
  readonly notReady: readonly string[];
  /** Why it could not be started. */
  readonly why: string | null;
}

export type SuiteReport = Omit<SuiteResult, 'output' | 'partial' | 'failures'> & {
  readonly failures: readonly Omit<SuiteResult['failures'][number], 'id'>[];
  /** The median of the last seven nights; null when it never ran at night. */
  readonly usualMs: number | null;
};

/** What a reset took away, and how it comes back. */
export interface Undone {
  readonly to: string;
  /** The commit and the ref that keep what was there. */
  readonly from: string;
  readonly undo: string | null;
  readonly written: readonly string[];
  readonly deleted: readonly string[];
  readonly restarted: readonly string[];
  /** The command that brings it back now, and the one that does so after other rollbacks too. */
  readonly back: string;
  readonly backLater: string;
}

/** What happened in one night: the documented JSON. All times ISO 8601 in UTC. */
export interface NightlyReport {
  readonly version: 1;
  readonly project: string;
  readonly root: string;
  readonly host: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly durationMs: number;
  readonly outcome: Outcome;
  /** All of it in one line. */
  readonly summary: string;
  /** It made up for a run that the machine had slept through. */
  readonly caughtUp: boolean;
  readonly checklist: readonly CheckResult[];
  readonly session: SessionReport | null;
  readonly tree: string | null;
  readonly suites: readonly SuiteReport[];
  /** Suites that were to run and did not. */
  readonly notRun: readonly string[];
  readonly gates: readonly GateResult[];
  /** Line coverage in per cent. */
  readonly coverage: number | null;
  /** The good checkpoint that the night leaves behind. */
  readonly checkpoint: { readonly tag: string; readonly created: boolean } | null;
  readonly undone: Undone | null;
  /** What was decided, and why; in order. */
  readonly decisions: readonly string[];
  readonly warnings: readonly string[];
  /** How long all of it usually takes: the median of the last seven nights. */
  readonly usualMs: number | null;
  readonly lastNights: readonly {
    readonly startedAt: string;
    readonly outcome: Outcome;
    readonly durationMs: number;
  }[];
  /** A failure, or the first success after one: who was told, and whether that worked. */
  readonly news: 'failure' | 'recovery' | null;
  readonly notified: readonly { readonly by: string; readonly ok: boolean; readonly why: string | null }[];
  /** The output of everything that ran. */
  readonly log: string | null;
}

/** What is around a nightly run. */
export interface Surroundings {
  /** Starts or mends the session. Never throws. */
  heal(signal: AbortSignal): Promise<SessionReport>;
  rollBack: StepInput['around']['rollBack'];
  undo(): Promise<unknown>;
  /** One line for everybody who is attached. */
  tell(text: string): Promise<void>;
}

/** What a screen wants to know while it runs. */
export type OnProgress = (line: string) => void;
