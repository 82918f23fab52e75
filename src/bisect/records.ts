import type { Project } from '../config/index.ts';
import type { BisectDeps, BisectState, Candidate, StepResult } from './types.ts';

/** What earlier runs of the same suites on the same tree say, when they say all that is asked; undefined else. */
export function recordOf(
  { store }: BisectDeps,
  project: Project,
  state: BisectState,
  candidate: Candidate,
): StepResult | undefined {
  const names = state.suites ?? [];
  const runs = names.map((name) => ({
    name,
    verdict: store.runOn(project.id, name, candidate.tree)?.verdict,
  }));
  const failed = runs.filter((run) => run.verdict === 'failed');
  const allGood = runs.length > 0 && runs.every((run) => run.verdict === 'passed' || run.verdict === 'flaky');
  if (failed.length === 0 && !allGood) return undefined;
  return {
    tree: candidate.tree,
    verdict: failed.length > 0 ? 'bad' : 'good',
    by: 'record',
    flaky: allGood && runs.some((run) => run.verdict === 'flaky'),
    why: failed.map((run) => `${run.name} failed`).join('; '),
    durationMs: 0,
  };
}
