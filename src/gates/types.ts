/** What a gate says. Broken: it could not be judged. Flaky: it holds, but a test needed a second try. */
type GateVerdict = 'passed' | 'failed' | 'flaky' | 'broken';

export interface GateResult {
  readonly name: string;
  readonly verdict: GateVerdict;
  /** What was measured against what, in one line. */
  readonly detail: string;
  /** Line coverage in per cent, where a report was read. */
  readonly coverage?: number;
}

/** As much of a suite's result as a gate looks at. */
export interface SuiteResultLike {
  readonly name: string;
  readonly verdict: string;
  readonly passed: number;
  readonly failed: number;
  readonly flaky: number;
  /** It failed without telling of a failed test, with this exit status. */
  readonly whole?: true;
  readonly exit?: number | null;
}
