import { evaluateGates } from '../gates/index.ts';
import type { GateResult } from '../gates/index.ts';
import type { Project, SuiteConfig } from '../config/index.ts';
import { runSuite, type RunSuiteOptions, type SuiteResult } from '../suites/index.ts';
import { codeDifference, lookAt, repoOf, untoldFiles } from './present.ts';
import { rerunFailed } from './rerun.ts';
import { selectGates, selectSuites } from './suites.ts';
import { fileTime, touchedSince } from './touched.ts';
import type { Present, Verdict, Verification, VerifyDeps, VerifyInput } from './types.ts';

/**
 * Judges the work tree: a snapshot before, the suites and gates, what failed again, a snapshot after. The
 * verdict is of exactly the tree before; where the tree after is another one, or a file was written meanwhile
 * (also when it then was taken back), it is stale. Every run is recorded. Throws only for unknown names and for a repository that cannot be read.
 */
export async function verify(deps: VerifyDeps, project: Project, input: VerifyInput): Promise<Verification> {
  const started = deps.clock.monotonic();
  const gateConfigs = selectGates(project, input.gates ?? []);
  const wanted = new Set([...(input.suites ?? []), ...gateConfigs.flatMap((gate) => gate.suites ?? [])]);
  const suites = selectSuites(project, [...wanted]);
  const before = input.before ?? (await lookAt(deps, project, await repoOf(deps, project)));
  const env = suiteEnv(deps, project);
  const since = before.repo && fileTime(before.repo);
  const untold = await untoldFiles(before);
  const tree = untold.length > 0 ? null : before.tree;

  const results = await runAll(suites, project, env, { ...input, before });
  const stopped = results.some((result) => result.verdict === 'stopped');
  const judged = stopped
    ? []
    : await evaluateGates(gateConfigs, {
        results,
        root: project.root,
        env,
        ...(input.signal ? { signal: input.signal } : {}),
      });
  const finish = (rest: Omit<Verification, 'durationMs' | 'tree' | 'snapshot' | 'untold'>): Verification => ({
    ...rest,
    tree,
    untold,
    snapshot: before.snapshot,
    durationMs: Math.round(deps.clock.monotonic() - started),
  });
  if (stopped || input.signal?.aborted === true) {
    return finish({ verdict: 'stopped', suites: results, gates: judged, changed: [] });
  }

  const changed = await changedSince(deps, project, { ...before, since }, input.ignored);
  const settled = changed.length > 0 ? results.map((result) => toStale(result, changed)) : results;
  record(deps, project, {
    reason: input.reason,
    tree,
    results: settled,
    known: input.known ?? [],
  });
  return finish({
    ...summarise({ suites: settled, gates: judged, asked: input.suites ?? [], changed }),
    suites: settled,
    gates: judged,
    changed,
  });
}

/** The environment of suites and gates: the user's, the project's variables over it. */
export function suiteEnv(deps: Pick<VerifyDeps, 'env'>, project: Project): NodeJS.ProcessEnv {
  return { ...deps.env, ...project.config.env };
}

async function runAll(
  suites: readonly SuiteConfig[],
  project: Project,
  env: NodeJS.ProcessEnv,
  input: VerifyInput & { readonly before: Present },
): Promise<readonly SuiteResult[]> {
  const results: SuiteResult[] = [];
  for (const suite of suites) {
    const known = input.known?.find((result) => result.name === suite.name);
    const options = {
      env,
      root: project.root,
      ...(input.signal ? { signal: input.signal } : {}),
      onOutput: (chunk: string) => input.on?.output?.(suite.name, chunk),
    };
    if (!known) input.on?.start?.(suite.name);
    const first = known ?? (await runFirst(suite, options, input));
    const result = await rerunFailed(suite, first, {
      ...options,
      times: input.reruns ?? 2,
      onRerun: (attempt) => input.on?.rerun?.(first, attempt),
    });
    results.push(result);
    input.on?.result?.(result);
    if (result.verdict === 'stopped') break;
  }
  return results;
}

async function runFirst(
  suite: SuiteConfig,
  options: RunSuiteOptions,
  { affected, before }: { readonly affected?: boolean; readonly before: Present },
): Promise<SuiteResult> {
  const files = affected === true ? before.snapshot?.files : undefined;
  const result = await runSuite(suite, { ...options, ...(files ? { affectedBy: files } : {}) });
  // No test was found to depend on the change, or the arguments were not understood: that is not green.
  return result.partial && result.verdict === 'broken' ? runSuite(suite, options) : result;
}

async function changedSince(
  deps: VerifyDeps,
  project: Project,
  before: Present & { readonly since: bigint | undefined },
  ignored: VerifyInput['ignored'],
): Promise<readonly string[]> {
  const { repo, tree, since } = before;
  if (!repo || tree === null || since === undefined) return [];
  const [after, touched] = await Promise.all([
    lookAt(deps, project, repo),
    touchedSince(repo, project, since, ignored),
  ]);
  const other =
    after.tree === null ? [] : await codeDifference(repo, project, { from: tree, to: after.tree }, ignored);
  return other.length > 0 ? other : touched;
}

function toStale(result: SuiteResult, changed: readonly string[]): SuiteResult {
  return { ...result, verdict: 'stale', why: `${describeChanged(changed)} changed while it ran` };
}

/** `a.ts`, `a.ts and b.ts`, `a.ts and 7 more files`. */
function describeChanged(changed: readonly string[]): string {
  const [first = 'the tree', second] = changed;
  if (second === undefined) return first;
  return changed.length === 2 ? `${first} and ${second}` : `${first} and ${changed.length - 1} more files`;
}

interface Part {
  readonly name: string;
  readonly verdict: string;
  readonly detail?: string;
  readonly why?: string;
}

/** What the gates and the suites that were asked for by name say together. */
function summarise(found: {
  readonly suites: readonly SuiteResult[];
  readonly gates: readonly GateResult[];
  readonly asked: readonly string[];
  readonly changed: readonly string[];
}): { readonly verdict: Verdict; readonly why?: string } {
  const { suites, gates, asked, changed } = found;
  if (changed.length > 0)
    return { verdict: 'stale', why: `${describeChanged(changed)} changed while the suites ran` };
  const parts: readonly Part[] = [...gates, ...suites.filter((suite) => asked.includes(suite.name))];
  const broken = parts.find((part) => part.verdict === 'broken' || part.verdict === 'stale');
  // What is broken says nothing; what failed beside it is still a failure to look at, but proves nothing.
  if (broken) return { verdict: 'broken', why: `${broken.name}: ${whyBroken(broken, suites)}` };
  const failed = parts.find((part) => part.verdict === 'failed');
  if (failed)
    return {
      verdict: 'failed',
      why: `${failed.name}: ${failed.detail ?? firstFailure(failed.name, suites)}`,
    };
  if (parts.some((part) => part.verdict === 'flaky')) return { verdict: 'flaky' };
  return parts.length === 0
    ? { verdict: 'broken', why: 'there is no suite and no gate to judge by' }
    : { verdict: 'passed' };
}

function whyBroken(part: Part, suites: readonly SuiteResult[]): string {
  const suite = suites.find((result) => result.verdict === 'broken');
  return (
    part.why ??
    (suite?.why === undefined ? undefined : `${suite.name}: ${suite.why}`) ??
    part.detail ??
    'it could not be judged'
  );
}

function firstFailure(name: string, suites: readonly SuiteResult[]): string {
  const failures = suites.find((result) => result.name === name)?.failures ?? [];
  const more = failures.length > 1 ? ` and ${failures.length - 1} more` : '';
  return `${failures[0]?.name ?? 'failed'}${more}`;
}

function record(
  { store, clock }: VerifyDeps,
  project: Project,
  run: {
    readonly reason: string;
    readonly tree: string | null;
    readonly results: readonly SuiteResult[];
    readonly known: readonly SuiteResult[];
  },
): void {
  for (const result of run.results) {
    if (result.verdict === 'stopped' || result.partial || run.known.includes(result)) continue;
    store.recordRun({
      projectId: project.id,
      suite: result.name,
      verdict: result.verdict,
      tree: run.tree,
      at: clock.now(),
      durationMs: result.durationMs,
      passed: result.passed,
      failed: result.failed,
      flaky: result.flaky,
      skipped: result.skipped,
      reason: run.reason,
      why: result.why,
    });
  }
}
