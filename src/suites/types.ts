/** How one run of one suite ended. `stopped`: it was cancelled before it could say anything. */
export type SuiteVerdict = 'passed' | 'failed' | 'flaky' | 'broken' | 'stale' | 'stopped';

/** One test that failed. */
export interface Failure {
  readonly name: string;
  /** Relative to the project's root where it lies below it; null when the report does not say. */
  readonly file: string | null;
  readonly line: number | null;
  /** The first thing it said, in one or a few lines. */
  readonly message: string;
  /** The same test has the same id in every run. */
  readonly id: string;
}

/** What one run of a suite came to. */
export interface SuiteResult {
  readonly name: string;
  readonly verdict: SuiteVerdict;
  readonly passed: number;
  readonly failed: number;
  readonly flaky: number;
  readonly skipped: number;
  readonly durationMs: number;
  readonly failures: readonly Failure[];
  /** Exit status of the command; null when a signal ended it or it did not start. */
  readonly exit: number | null;
  /** Why it is broken or stale, in one line. */
  readonly why?: string;
  /** The end of its output. */
  readonly output: string;
  /** Only some of its tests ran (a rerun of what failed). */
  readonly partial: boolean;
  /** It told of no failed test: its one failure stands for the whole run. */
  readonly whole?: true;
}

/** The counts and failures a report or the output told of. */
export interface Report {
  readonly passed: number;
  readonly failed: number;
  readonly flaky: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  /** No failed test was counted or named: the one failure stands for the whole run. */
  readonly whole?: true;
  /** As many failures a report's totals speak of, whether its cases show them or not. */
  readonly claimed?: number;
  /** That a suite counts more tests than it holds, in words; then some of them are not told of. */
  readonly lacking?: string | undefined;
}
