import { plural, whyUnjudged } from '../base/index.ts';
import type { Report, SuiteVerdict } from './types.ts';

/** What is known about a run once it ended. */
export interface Evidence {
  readonly exit: number | null;
  readonly signal: string | null;
  readonly reason: 'timeout' | 'stopped' | 'not-started' | undefined;
  readonly timeoutMs: number;
  /** undefined: the suite has no results file and is judged by its exit status. */
  readonly report: Report | { readonly missing: string } | undefined;
}

export interface Judgement {
  readonly verdict: SuiteVerdict;
  readonly why?: string;
}

/** Says what a run came to. Broken means that it could not be judged: nothing is concluded from it. */
export function judge({ exit, signal, reason, timeoutMs, report }: Evidence): Judgement {
  const unjudged = whyUnjudged({ code: exit, signal, reason }, timeoutMs);
  if (unjudged !== undefined) return { verdict: reason === 'stopped' ? reason : 'broken', why: unjudged };
  if (report === undefined) return exit === 0 ? { verdict: 'passed' } : { verdict: 'failed' };
  if ('missing' in report) return broken(exit === 0 ? report.missing : `exit ${exit}, and ${report.missing}`);
  if (report.failed > 0) return { verdict: 'failed' };
  if (exit !== 0) return broken(`exit ${exit}, but its results name no failed test`);
  if (report.claimed)
    return broken(`its results count ${plural(report.claimed, 'failure')}, but name no failed test`);
  if (report.lacking !== undefined) return broken(`its results ${report.lacking}`);
  if (report.passed + report.flaky + report.skipped === 0) return broken('its results hold no test at all');
  if (report.passed + report.flaky === 0) return broken('all its tests were skipped: none ran');
  return { verdict: report.flaky > 0 ? 'flaky' : 'passed' };
}

const broken = (why: string): Judgement => ({ verdict: 'broken', why });
