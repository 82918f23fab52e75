import { messageOf, showName } from '../base/index.ts';
import type { GateResult } from '../gates/index.ts';
import { reloadProject, type Project } from '../config/index.ts';
import { displayPath } from '../git/index.ts';
import { describeWhole, type SuiteResult } from '../suites/index.ts';
import { codeDifference, judgedFiles, lookAt, repoOf, untoldFiles } from './present.ts';
import { isGreen, runThere } from './run.ts';
import { inPlace, inScratch, openScratch, type Place } from './scratch.ts';
import { selectGates, selectSuites } from './suites.ts';
import { fileTime, touchedSince } from './touched.ts';
import type { Present, Verdict, Verification, VerifyDeps, VerifyInput } from './types.ts';

/**
 * Judges the work tree: a snapshot before, the suites and gates, what failed again, a snapshot after. The
 * verdict is of exactly the tree before, under the configuration that lies there; where the tree after is another
 * one, or a file was written meanwhile (also when it then was taken back), it is stale. In a scratch work tree of the
 * snapshot only the suites themselves can make it so. Every run is recorded. Throws only for unknown names and for a repository that cannot be read.
 */
export async function verify(deps: VerifyDeps, project: Project, input: VerifyInput): Promise<Verification> {
  const started = deps.clock.monotonic();
  const gates = selectGates(project, input.gates ?? []);
  const wanted = new Set([...(input.suites ?? []), ...gates.flatMap((gate) => gate.suites ?? [])]);
  const suites = selectSuites(project, [...wanted]);
  const before = input.before ?? (await lookAt(deps, project, await repoOf(deps, project)));
  const elsewhere = input.in === 'worktree' && before.repo !== undefined;
  const since = before.repo && !elsewhere ? fileTime(before.repo) : undefined;
  const untold = await untoldFiles(before);
  const tree = untold.length > 0 && !elsewhere ? null : before.tree;
  // A report that lies in place is none of a scratch work tree's.
  const known = elsewhere && gates.some((gate) => gate.report !== undefined) ? [] : (input.known ?? []);
  const idle = gates.every((gate) => gate.suites) && suites.every((suite) => isGreen(suite, known));
  const finish = (
    rest: Pick<Verification, 'verdict' | 'suites' | 'gates' | 'changed' | 'why'>,
  ): Verification => ({
    ...rest,
    tree,
    untold,
    // What such a run has seen is what the tree holds, whatever the live work tree has besides.
    snapshot: elsewhere && before.snapshot ? { ...before.snapshot, lacking: [] } : before.snapshot,
    in: elsewhere ? 'worktree' : 'place',
    durationMs: Math.round(deps.clock.monotonic() - started),
  });
  const outdated = await outdatedConfiguration(project);
  if (outdated !== undefined)
    return finish({ verdict: 'stale', suites: [], gates: [], changed: [], why: outdated });
  const place = elsewhere && !idle ? await openScratch(project, before, input.signal) : inPlace;
  if (typeof place === 'string') {
    const verdict = input.signal?.aborted === true ? 'stopped' : 'broken';
    return finish({ verdict, suites: [], gates: [], changed: [], why: `no scratch work tree: ${place}` });
  }
  await using _place = place;
  const run = { deps, project, place, before, known, tree, input };
  const { results, judged, stopped } = await runThere(run, suites, gates);
  if (stopped) return finish({ verdict: 'stopped', suites: results, gates: judged, changed: [] });
  const edited = elsewhere
    ? await rewrittenThere(project, { place, before }, input.ignored)
    : await changedSince(deps, project, { ...before, since }, input.ignored);
  // Such a file may be ignored, and so be in no tree.
  const changed =
    elsewhere || edited.length > 0 || (await outdatedConfiguration(project)) === undefined
      ? edited
      : ['the configuration'];
  const settled = changed.length > 0 ? results.map((result) => toStale(result, changed)) : results;
  record(deps, project, {
    reason: `${input.reason}${elsewhere ? inScratch : ''}`,
    tree,
    results: settled,
    known,
  });
  return finish({
    ...summarise({ suites: settled, gates: judged, asked: input.suites ?? [], changed, elsewhere }),
    suites: settled,
    gates: judged,
    changed,
  });
}

/** Why the project is not the one that the files describe by now: a verdict under it would be none of theirs. */
async function outdatedConfiguration(project: Project): Promise<string | undefined> {
  try {
    return (await reloadProject(project)) && 'the configuration was changed after it was read';
  } catch (error) {
    return `the configuration cannot be read any more: ${messageOf(error)}`;
  }
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

/** What the suites wrote of the tree that they were to test: then they tested another one. */
async function rewrittenThere(
  project: Project,
  { place, before: { repo } }: { readonly place: Place; readonly before: Present },
  ignored: VerifyInput['ignored'],
): Promise<readonly string[]> {
  if (!repo) return [];
  return (await place.rewritten()).map(displayPath).filter(judgedFiles(repo, project, ignored));
}

function toStale(result: SuiteResult, changed: readonly string[]): SuiteResult {
  return { ...result, verdict: 'stale', why: `${describeChanged(changed)} changed while it ran` };
}

/** `a.ts`, `a.ts and b.ts`, `a.ts and 7 more files`. */
function describeChanged(changed: readonly string[]): string {
  const [first = 'the tree', second] = changed.map(showName);
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
  readonly elsewhere: boolean;
}): { readonly verdict: Verdict; readonly why?: string } {
  const { suites, gates, asked, changed } = found;
  if (changed.length > 0) {
    const by = found.elsewhere ? ' in their scratch work tree: they tested another tree' : '';
    return { verdict: 'stale', why: `${describeChanged(changed)} changed while the suites ran${by}` };
  }
  const parts: readonly Part[] = [...gates, ...suites.filter((suite) => asked.includes(suite.name))];
  const broken = parts.find((part) => part.verdict === 'broken' || part.verdict === 'stale');
  // What is broken says nothing; what failed beside it is still a failure to look at, but proves nothing.
  if (broken) return { verdict: 'broken', why: `${broken.name}: ${whyBroken(broken, suites)}` };
  const failed = parts.find((part) => part.verdict === 'failed');
  if (failed)
    return {
      verdict: 'failed',
      why: failed.detail === undefined ? whyFailed(failed, suites) : `${failed.name}: ${failed.detail}`,
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

function whyFailed({ name }: Part, suites: readonly SuiteResult[]): string {
  const result = suites.find((one) => one.name === name);
  if (result?.whole) return `suite ${name} ${describeWhole(result)}`;
  const failures = result?.failures ?? [];
  const more = failures.length > 1 ? ` and ${failures.length - 1} more` : '';
  return `${name}: ${failures[0]?.name ?? 'failed'}${more}`;
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
