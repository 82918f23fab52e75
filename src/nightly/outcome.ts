import { formatDuration, plural } from '../base/index.ts';
import { describeFiles } from '../rollback/index.ts';
import type { NightlyReport, Outcome } from './types.ts';

/** Whether somebody has to look at it. A night that was skipped says nothing. */
export function isBad(outcome: Outcome): boolean {
  return !['passed', 'flaky', 'skipped'].includes(outcome);
}

/** The exit status of a run. */
export function exitOf(outcome: Outcome): number {
  if (outcome === 'interrupted') return 130;
  if (outcome === 'blocked') return 3;
  return isBad(outcome) ? 1 : 0;
}

/** What is worth telling somebody: a failure, and the first success after one. */
export function newsOf(
  outcome: Outcome,
  before: { readonly bad: boolean } | undefined,
): NightlyReport['news'] {
  // Who ends it by hand knows.
  if (outcome === 'skipped' || outcome === 'interrupted') return null;
  if (isBad(outcome)) return 'failure';
  return before?.bad === true ? 'recovery' : null;
}

/** As much of a night as its one line tells. */
type Told = Pick<NightlyReport, 'outcome' | 'suites' | 'checkpoint' | 'undone' | 'decisions' | 'durationMs'>;

/** All of a night in one line; `why` is what is wrong, where something is. */
export function summarise(night: Told, why: string | undefined): string {
  const { outcome, suites, checkpoint, undone, decisions } = night;
  const took = `after ${formatDuration(night.durationMs)}`;
  if (outcome === 'passed' || outcome === 'flaky') {
    const tag = checkpoint === null ? '' : `, ${checkpoint.tag}`;
    return `${outcome} ${took}: ${plural(suites.length, 'suite')}${tag}`;
  }
  if (undone) {
    const files = describeFiles(undone, 0);
    return `${outcome} ${took}: ${why ?? 'the tests fail'}; reset to ${undone.to}: ${files}; ${undone.back} takes that back`;
  }
  const reason = why ?? decisions.at(-1) ?? '';
  const keptWhy = decisions.findLast((text) => text.startsWith('kept: '));
  const kept = outcome === 'failed' && keptWhy !== undefined ? ` (${keptWhy})` : '';
  return `${outcome} ${took}${reason === '' ? '' : `: ${reason}`}${kept}`;
}

/** The middle one of some numbers; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  const upper = sorted[Math.ceil((sorted.length - 1) / 2)];
  return middle === undefined || upper === undefined ? null : Math.round((middle + upper) / 2);
}

/** Whether something took so much longer than usual that it is worth a word. */
export function isSlow(ms: number, usualMs: number | null): boolean {
  return usualMs !== null && ms > usualMs * 1.5 && ms - usualMs > 5000;
}
