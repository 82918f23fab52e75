import {
  DevenvError,
  endProcesses,
  hasMark,
  listProcesses,
  plural,
  supervise,
  withDescendants,
  type Clock,
} from '../base/index.ts';
import type { Project } from '../config/index.ts';
import { runSuite, type SuiteResult } from '../suites/index.ts';
import { rerunFailed, selectSuites, suiteEnv } from '../verify/index.ts';
import type { StepVerdict } from './plan.ts';
import type { BisectDeps, BisectEvents, Candidate, StepResult } from './types.ts';

/** Where and by what one candidate is judged. */
export interface JudgeInput {
  readonly candidate: Candidate;
  /** The project's folder in the scratch work tree. */
  readonly at: string;
  /** Every process started carries it. */
  readonly mark: string;
  readonly signal?: AbortSignal;
  readonly on: Pick<BisectEvents, 'remark' | 'output'>;
}

/** A verdict, and with suites which of them failed. */
export type Judged = Omit<StepResult, 'tree' | 'by'> & { readonly failed: readonly string[] };

const markName = 'DEVENV_BISECT_ID';

/**
 * Runs suites on what lies in the scratch work tree. What fails is run once more: a pass makes it flaky, which is
 * not bad. `all`: also the suites after one that failed.
 */
export async function judgeBySuites(
  deps: BisectDeps,
  project: Project,
  input: JudgeInput & { readonly suites: readonly string[]; readonly all: boolean },
): Promise<Judged> {
  const results: SuiteResult[] = [];
  for (const suite of selectSuites(project, input.suites)) {
    const options = {
      env: { ...suiteEnv(deps, project), [markName]: input.mark },
      root: project.root,
      at: input.at,
      onOutput: input.on.output,
      ...(input.signal ? { signal: input.signal } : {}),
    };
    const result = await rerunFailed(suite, await runSuite(suite, options), {
      ...options,
      times: 1,
      onRerun: () => input.on.remark(`${suite.name} failed; running what failed again`),
    });
    if (result.verdict === 'stopped') throw stopped();
    results.push(result);
    if (result.verdict === 'failed' && !input.all) break;
  }
  return summarise(results);
}

/** One suite that fails makes it bad; else one that could not be judged makes it a skip. */
export function summarise(results: readonly SuiteResult[]): Judged {
  const of = (verdict: SuiteResult['verdict']): readonly SuiteResult[] =>
    results.filter((result) => result.verdict === verdict);
  const failed = of('failed');
  const broken = results.filter((result) => !['passed', 'failed', 'flaky'].includes(result.verdict));
  const verdict: StepVerdict = failed.length > 0 ? 'bad' : broken.length > 0 ? 'skip' : 'good';
  const why = {
    bad: failed.map(describeFailed),
    skip: broken.map((result) => `${result.name}: ${result.why ?? result.verdict}`),
    good: of('flaky').map((result) => `${result.name} failed, but passed when it was run again`),
  }[verdict];
  return {
    verdict,
    flaky: of('flaky').length > 0,
    why: why.join('; '),
    durationMs: results.reduce((sum, result) => sum + result.durationMs, 0),
    failed: failed.map((result) => result.name),
  };
}

function describeFailed({ name, failures, exit }: SuiteResult): string {
  const [first] = failures;
  if (first === undefined) return `${name} failed (exit ${exit})`;
  const more = failures.length > 1 ? ` and ${plural(failures.length - 1, 'more test')}` : '';
  return first.name === name ? `${name} failed: ${first.message}` : `${name} failed: ${first.name}${more}`;
}

/**
 * Runs any command, with the exit statuses of `git bisect run`: 0 is good, 125 a skip, all else up to 127 bad;
 * 128 and more, or a signal, throws. What fails is run once more.
 */
export async function judgeByCommand(
  deps: BisectDeps,
  project: Project,
  input: JudgeInput & { readonly command: string },
): Promise<Judged> {
  let durationMs = 0;
  const once = async (): Promise<number> => {
    const ended = await supervise(input.command, {
      cwd: input.at,
      env: { ...suiteEnv(deps, project), [markName]: input.mark },
      onOutput: input.on.output,
      ...(input.signal ? { signal: input.signal } : {}),
    });
    durationMs += Math.round(ended.durationMs);
    if (ended.reason === 'stopped') throw stopped();
    // The folder of the project is not in this candidate.
    if (ended.reason === 'not-started') return 125;
    if (ended.code === null || ended.code > 127)
      throw new DevenvError(
        'failed',
        `the command ended with ${ended.code ?? ended.signal ?? 'no status'} on ${input.candidate.name}: stopped`,
        'nothing is concluded from that; `devenv bisect` tries it again, `devenv bisect --reset` forgets the bisect',
      );
    return ended.code;
  };
  const first = await once();
  const failed = first !== 0 && first !== 125;
  if (failed) input.on.remark(`it ended with ${first}; running it again`);
  const last = failed ? await once() : first;
  const flaky = failed && last === 0;
  const verdict: StepVerdict = last === 0 ? 'good' : last === 125 ? 'skip' : 'bad';
  const missing = last === 127 ? ': a command was not found' : '';
  const why = flaky
    ? 'it failed, but passed when it was run again'
    : last === 0
      ? ''
      : `exit ${last}${missing}`;
  return { verdict, flaky, why, durationMs, failed: [] };
}

function stopped(): DevenvError {
  return new DevenvError('interrupted', 'stopped', 'go on with: devenv bisect');
}

/** Ends what a killed bisect has left running; known by its mark. */
export async function endLeftovers(clock: Clock, mark: string): Promise<void> {
  const find = async () => {
    const all = await listProcesses();
    const marked = all.filter((one) => hasMark(one.pid, `${markName}=${mark}`)).map((one) => one.pid);
    return withDescendants(all, new Set(marked));
  };
  await endProcesses(clock, find, { signal: 'SIGTERM', graceMs: 2000 });
}
