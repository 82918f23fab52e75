import type { SuiteConfig } from '../config/index.ts';
import { runSuite, type Failure, type RunSuiteOptions, type SuiteResult } from '../suites/index.ts';

/** More failures than this are no matter of chance: a rerun only costs time, unless something is to be undone for it. */
const mostFailures = 20;

/**
 * Runs what failed again, up to `times` times, alone. What passes once is flaky, not failed; a suite of which
 * nothing is left failed is flaky. The result stays failed when every rerun says so too.
 */
export async function rerunFailed(
  suite: SuiteConfig,
  first: SuiteResult,
  options: RunSuiteOptions & {
    readonly times: number;
    /** Run many failures again too, once. */
    readonly many?: boolean;
    readonly onRerun?: (attempt: number) => void;
  },
): Promise<SuiteResult> {
  let now = first;
  for (let attempt = 1; attempt <= options.times && now.verdict === 'failed'; attempt++) {
    if (now.failures.length > mostFailures && (options.many !== true || attempt > 1)) return now;
    options.onRerun?.(attempt);
    now = merge(now, await rerunOnce(suite, now.failures, options));
  }
  return now;
}

async function rerunOnce(
  suite: SuiteConfig,
  failures: readonly Failure[],
  options: RunSuiteOptions,
): Promise<SuiteResult> {
  const narrowed = await runSuite(suite, { ...options, only: failures });
  // The narrowed command did not work out (arguments that its script does not pass on): run all of it.
  return narrowed.partial && narrowed.verdict === 'broken' ? runSuite(suite, options) : narrowed;
}

/** What a first run and a rerun of what failed in it say together. */
export function merge(first: SuiteResult, again: SuiteResult): SuiteResult {
  const durationMs = first.durationMs + again.durationMs;
  if (again.verdict === 'stopped') return { ...again, durationMs };
  if (again.verdict === 'broken') {
    return {
      ...first,
      durationMs,
      verdict: 'broken',
      why: `it failed, but could not be run again: ${again.why ?? 'broken'}`,
    };
  }
  const failsAgain = new Set(again.failures.map((failure) => failure.id));
  const green = again.verdict !== 'failed';
  // A report that keeps only the first of many failures, or another failure than before: nothing became flaky.
  const still = green ? [] : first.failures.filter((failure) => failsAgain.has(failure.id));
  if (!green && still.length === 0) return { ...first, durationMs };
  const flaky = first.failures.length - still.length;
  return {
    ...first,
    durationMs,
    verdict: green ? 'flaky' : 'failed',
    failures: still,
    failed: green ? 0 : Math.max(first.failed - flaky, still.length),
    flaky: first.flaky + flaky,
  };
}
