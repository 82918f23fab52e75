import { DevenvError, messageOf, plural, quickHash, randomId } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import type { Repo } from '../git/index.ts';
import { takeLock } from '../store/index.ts';
import { checkpointGates, selectGates, selectSuites } from '../verify/index.ts';
import { findCandidates } from './candidates.ts';
import { endLeftovers, judgeByCommand, judgeBySuites, type Judged } from './judge.ts';
import { dropBisectRef } from './keep.ts';
import { planBisect, type BisectPlan } from './plan.ts';
import { recordOf } from './records.ts';
import { openBench, type Bench } from './scratch.ts';
import { dropState, readState, saveState } from './state.ts';
import type { Asked, BisectDeps, BisectEvents, BisectOutcome, BisectState, Candidate } from './types.ts';
import { wrongEnd } from './wrong-end.ts';

export interface BisectInput {
  readonly asked: Asked;
  readonly signal?: AbortSignal;
  readonly on: BisectEvents;
}

/**
 * Finds the first bad one of a line of checkpoints or commits. Each is checked out in one scratch work tree; the
 * user's own is only read. What is known is kept after each run, so that a bisect that was stopped or killed goes
 * on where it was. Throws 'failed' when an end is not what it was said to be.
 */
export async function bisect(
  deps: BisectDeps,
  project: Project,
  repo: Repo,
  input: BisectInput,
): Promise<BisectOutcome> {
  using _lock = lock(deps, project);
  const kept = readState(deps.env, project);
  const begun = kept ? await goOn(deps, project, kept, input) : await begin(deps, project, repo, input);
  await using bench = openBench(repo, project);
  let state = begun;
  for (;;) {
    const plan = planOf(state);
    if (plan.kind !== 'next') {
      await forget(deps, project, repo);
      if (plan.kind === 'wrong-end') throw wrongEnd(state, plan);
      return outcomeOf(state, plan);
    }
    state = await step(deps, project, bench, { state, plan, input });
    saveState(deps.env, project, state);
  }
}

/** Forgets the bisect of a project, and ends what it has left running; undefined when there was none. */
export async function forgetBisect(
  deps: BisectDeps,
  project: Project,
  repo: Repo,
): Promise<BisectState | 'unreadable' | undefined> {
  using _lock = lock(deps, project);
  let state: BisectState | 'unreadable' | undefined;
  try {
    state = readState(deps.env, project);
  } catch {
    state = 'unreadable'; // that is why it is to be forgotten
  }
  if (typeof state === 'object') await endLeftovers(deps.clock, state.id);
  await forget(deps, project, repo);
  return state;
}

function lock(deps: BisectDeps, project: Project): Disposable {
  const taken = takeLock(deps.env, `bisect-${project.id}`);
  if (taken === 'taken')
    throw new DevenvError(
      'refused',
      'a bisect of this project is running already',
      'wait for it, or stop it with Ctrl-C; what it knows is kept',
    );
  return taken === 'unavailable' ? { [Symbol.dispose]: () => {} } : taken;
}

async function forget(deps: BisectDeps, project: Project, repo: Repo): Promise<void> {
  dropState(deps.env, project);
  await dropBisectRef(repo);
}

async function begin(
  deps: BisectDeps,
  project: Project,
  repo: Repo,
  input: BisectInput,
): Promise<BisectState> {
  const { asked } = input;
  const suites = askedSuites(project, asked);
  const candidates = await findCandidates(deps, project, repo, input);
  const state: BisectState = {
    version: 1,
    id: randomId(8),
    root: project.root,
    asked,
    candidates,
    // Of those of the gates only the ones that fail on the bad end count.
    suites: asked.suite === null ? null : suites,
    judgedBy: fingerprint(project, asked),
    results: [],
  };
  saveState(deps.env, project, state);
  return state;
}

function askedSuites(project: Project, asked: Asked): readonly string[] {
  if (asked.run !== null) return [];
  if (asked.suite !== null) return selectSuites(project, [asked.suite]).map((suite) => suite.name);
  const by = checkpointGates(project);
  const named = [...by.suites, ...selectGates(project, by.gates).flatMap((gate) => gate.suites ?? [])];
  if (named.length === 0)
    throw new DevenvError(
      'usage',
      'no suite judges the checkpoints of this project',
      'say what to run: --suite SUITE, or any command: --run COMMAND',
    );
  return [...new Set(named)];
}

/** What is run, word for word: another command may say something else of the same tree. */
function fingerprint(project: Project, asked: Asked): string {
  return quickHash(JSON.stringify([asked.run, selectSuites(project, askedSuites(project, asked))]));
}

async function goOn(
  deps: BisectDeps,
  project: Project,
  kept: BisectState,
  { asked, on }: BisectInput,
): Promise<BisectState> {
  const [good, bad] = [kept.candidates[0]?.name ?? '', kept.candidates.at(-1)?.name ?? ''];
  if (asksOtherwise(asked, kept.asked))
    throw new DevenvError(
      'refused',
      `another bisect is under way, from ${good} to ${bad}`,
      'go on with it: devenv bisect; forget it: devenv bisect --reset',
    );
  await endLeftovers(deps.clock, kept.id);
  const judgedBy = fingerprint(project, kept.asked);
  const plan = planOf(kept);
  const left = plan.kind === 'next' ? plan.left : 1;
  if (judgedBy === kept.judgedBy) {
    on.remark(
      `continuing the bisect from ${good} to ${bad}: ${left} of ${kept.candidates.length - 1} left after ${plural(kept.results.length, 'result')}`,
    );
    return kept;
  }
  on.remark(`continuing the bisect from ${good} to ${bad}; what is run was changed, so all is judged anew`);
  return { ...kept, judgedBy, results: [], suites: kept.asked.suite === null ? null : kept.suites };
}

/** What is said on the command line must be what was said when it began; saying nothing goes on. */
function asksOtherwise(asked: Asked, before: Asked): boolean {
  const names = ['good', 'bad', 'commits', 'suite', 'run', 'fresh'] as const;
  return names.some((name) => Boolean(asked[name]) && asked[name] !== before[name]);
}

function planOf(state: BisectState): BisectPlan {
  return planBisect(
    state.candidates.map((one) => one.tree),
    new Map(state.results.map((one) => [one.tree, one.verdict])),
  );
}

interface Step {
  readonly state: BisectState;
  readonly plan: BisectPlan & { readonly kind: 'next' };
  readonly input: BisectInput;
}

async function step(
  deps: BisectDeps,
  project: Project,
  bench: Bench,
  { state, plan, input }: Step,
): Promise<BisectState> {
  const candidate = state.candidates[plan.index];
  if (!candidate) throw new Error(`no candidate ${plan.index}`);
  input.on.step({ candidate, left: plan.left, runs: plan.runs, end: plan.end });
  // The ends are always run: they show that the scratch work tree can tell good from bad at all.
  const known =
    plan.end === undefined && !state.asked.fresh ? recordOf(deps, project, state, candidate) : undefined;
  if (known) {
    input.on.result(candidate, known);
    return { ...state, results: [...state.results, known] };
  }
  const { failed, ...judged } = await judge(deps, project, bench, { state, candidate, input });
  const result = { ...judged, tree: candidate.tree, by: 'run' as const };
  input.on.result(candidate, result);
  const suites = state.suites ?? (state.asked.run === null && judged.verdict === 'bad' ? failed : null);
  return { ...state, suites, results: [...state.results, result] };
}

async function judge(
  deps: BisectDeps,
  project: Project,
  bench: Bench,
  { state, candidate, input }: { state: BisectState; candidate: Candidate; input: BisectInput },
): Promise<Judged> {
  const { signal, on } = input;
  let at: string;
  try {
    at = await bench.show(candidate.commit, signal);
  } catch (error) {
    if (signal?.aborted === true)
      throw new DevenvError('interrupted', 'stopped', 'go on with: devenv bisect');
    if (error instanceof DevenvError && ['disk-full', 'state-dir'].includes(error.code)) throw error;
    const why = `it cannot be checked out: ${messageOf(error)}`;
    return { verdict: 'skip', flaky: false, why, durationMs: 0, failed: [] };
  }
  const common = { candidate, at, mark: state.id, on, ...(signal ? { signal } : {}) };
  if (state.asked.run !== null) return judgeByCommand(deps, project, { ...common, command: state.asked.run });
  const suites = state.suites ?? askedSuites(project, state.asked);
  return judgeBySuites(deps, project, { ...common, suites, all: state.suites === null });
}

function outcomeOf(
  state: BisectState,
  plan: BisectPlan & { readonly kind: 'found' | 'cannot-tell' },
): BisectOutcome {
  const [from, to] = plan.kind === 'found' ? [plan.index, plan.index] : [plan.from, plan.to];
  const before = state.candidates[from - 1];
  if (!before) throw new Error('the good end cannot be bad');
  return { kind: plan.kind, suspects: state.candidates.slice(from, to + 1), before, state };
}
