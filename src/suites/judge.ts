import { formatDuration, plural } from '../base/index.ts';
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

/** A shell reports a child that a signal ended as 128 + its number; these are the signals that end one. */
const signalExits: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL (out of memory?)',
  139: 'SIGSEGV',
  143: 'SIGTERM',
};

/** Says what a run came to. Broken means that it could not be judged: nothing is concluded from it. */
export function judge({ exit, signal, reason, timeoutMs, report }: Evidence): Judgement {
  if (reason === 'stopped') return { verdict: 'stopped', why: 'stopped before it ended' };
  if (reason === 'timeout') return broken(`not done after ${formatDuration(timeoutMs)} (timeout)`);
  if (reason === 'not-started') return broken('the command could not be started');
  if (signal !== null) return broken(`ended by ${signal}`);
  if (exit === 127) return broken('exit 127: a command was not found');
  if (exit === 126) return broken('exit 126: a command could not be executed');
  const byShell = exit === null ? undefined : signalExits[exit];
  if (byShell !== undefined) return broken(`ended by ${byShell}`);
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
