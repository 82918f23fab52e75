import type { GateConfig, Project, SuiteConfig } from '../config/index.ts';
import { evaluateGates, type GateResult } from '../gates/index.ts';
import { runSuite, type RunSuiteOptions, type SuiteResult } from '../suites/index.ts';
import { rerunFailed } from './rerun.ts';
import { judgeScratch, mapResult, type Place } from './scratch.ts';
import type { Present, VerifyDeps, VerifyInput } from './types.ts';

/** The environment of suites and gates: the user's, the project's variables over it. */
export function suiteEnv(deps: Pick<VerifyDeps, 'env'>, project: Project): NodeJS.ProcessEnv {
  return { ...deps.env, ...project.config.env };
}

/** Nothing of a suite has to run: it is known to pass. */
export const isGreen = (suite: SuiteConfig, known: readonly SuiteResult[]): boolean =>
  known.some(({ name, verdict }) => name === suite.name && (verdict === 'passed' || verdict === 'flaky'));

/** One verification under way. */
interface Run {
  readonly deps: VerifyDeps;
  readonly project: Project;
  readonly place: Place;
  readonly before: Present;
  readonly known: readonly SuiteResult[];
  readonly tree: string | null;
  readonly input: VerifyInput;
}

/** Runs suites and gates where they are to run. */
export async function runThere(
  run: Run,
  suites: readonly SuiteConfig[],
  gates: readonly GateConfig[],
): Promise<{
  readonly results: readonly SuiteResult[];
  readonly judged: readonly GateResult[];
  readonly stopped: boolean;
}> {
  const { deps, project, place } = run;
  const { signal } = run.input;
  const results = await runAll(suites, run);
  const stopped = results.some((result) => result.verdict === 'stopped');
  const judged = stopped
    ? []
    : await evaluateGates(gates, {
        results,
        root: place.at ?? project.root,
        env: suiteEnv(deps, project),
        ...(signal ? { signal } : {}),
      });
  return { results, judged, stopped: stopped || signal?.aborted === true };
}

async function runAll(suites: readonly SuiteConfig[], run: Run): Promise<readonly SuiteResult[]> {
  const { deps, project, place, input } = run;
  const results: SuiteResult[] = [];
  for (const suite of suites) {
    const known = run.known.find((result) => result.name === suite.name);
    const options = {
      env: suiteEnv(deps, project),
      root: project.root,
      ...(place.at === undefined ? {} : { at: place.at }),
      ...(input.signal ? { signal: input.signal } : {}),
      onOutput: (chunk: string) => input.on?.output?.(suite.name, place.mapped(chunk)),
    };
    if (!known) input.on?.start?.(suite.name);
    const first = known ?? (await runFirst(suite, options, { ...input, before: run.before }));
    const ran = await rerunFailed(suite, first, {
      ...options,
      times: input.reruns ?? 2,
      many: input.rerunMany ?? false,
      onRerun: (attempt) => input.on?.rerun?.(first, attempt),
    });
    // The known object itself, where nothing ran: it is recorded already.
    const result = ran === known ? ran : fromPlace(run, ran);
    results.push(result);
    input.on?.result?.(result);
    if (result.verdict === 'stopped') break;
  }
  return results;
}

function fromPlace({ deps, project, place, tree }: Run, result: SuiteResult): SuiteResult {
  if (place.at === undefined) return result;
  return judgeScratch(deps, project, tree, mapResult(result, place));
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
