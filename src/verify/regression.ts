import path from 'node:path';
import { DevenvError, messageOf } from '../base/index.ts';
import type { Checkpoint, Snapshot } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import { scratchWorktree, type Repo } from '../git/index.ts';
import { diskFull, runSuite, type SuiteResult } from '../suites/index.ts';
import { selectSuites } from './suites.ts';
import type { VerifyDeps } from './types.ts';
import { suiteEnv } from './run.ts';

/** Whether it is this edit that broke the tests. */
export interface Regression {
  readonly confirmed: boolean;
  /** `run`: it was run on the good checkpoint; `record`: it could not run there, its record counts. */
  readonly by: 'run' | 'record';
  readonly why: string;
}

export interface RegressionInput {
  readonly repo: Repo;
  /** The last good checkpoint. */
  readonly good: Checkpoint;
  /** The suites that failed on the present tree. */
  readonly failed: readonly SuiteResult[];
  /** The present tree; null where the suites failed in a scratch work tree of it already. */
  readonly present: Pick<Snapshot, 'commit' | 'head'> | null;
  readonly signal?: AbortSignal;
}

/**
 * Runs what failed on the last good checkpoint, in a scratch worktree. What passes there was broken since: a
 * confirmed regression, if it fails on the present tree in a scratch worktree too; else it is something that git
 * ignores, or outside of the tree, and to take the edit away would help nothing. What fails on the good one too was not
 * broken by this edit. Where a suite cannot run there at all, the record that it passed there counts instead.
 */
export async function confirmRegression(
  deps: VerifyDeps,
  project: Project,
  input: RegressionInput,
): Promise<Regression> {
  try {
    return await runBoth(deps, project, input);
  } catch (error) {
    if (input.signal?.aborted === true) return no('stopped');
    const why = `no scratch worktree: ${messageOf(error)}`;
    // Without room on the disk the failure itself proves nothing.
    if (error instanceof DevenvError && error.code === 'disk-full') return no(why);
    return byRecord(deps, project, input, why);
  }
}

const no = (why: string): Regression => ({ confirmed: false, by: 'run', why });

const namesOf = (results: readonly SuiteResult[]): string => results.map(({ name }) => name).join(', ');

async function runBoth(deps: VerifyDeps, project: Project, input: RegressionInput): Promise<Regression> {
  const { good, present } = input;
  const onGood = await runOn(deps, project, input, { commit: good.commit, head: good.head });
  if (onGood.some((result) => result.verdict === 'stopped')) return no('stopped');
  const passing = onGood.filter((result) => isGreen(result));
  if (passing.length > 0) {
    const confirmed: Regression = {
      confirmed: true,
      by: 'run',
      why: `${passing[0]?.name} passes on ${good.tag}`,
    };
    if (present === null) return confirmed;
    const failed = input.failed.filter(({ name }) => passing.some((result) => result.name === name));
    const onPresent = await runOn(deps, project, { ...input, failed }, present);
    if (onPresent.some((result) => result.verdict === 'stopped')) return no('stopped');
    const guilty = onPresent.find((result) => !isGreen(result) && !isShaken(result));
    if (guilty) return { ...confirmed, why: `${guilty.name} passes on ${good.tag}` };
    const shaken = onPresent.find(isShaken);
    if (shaken) return no(unknown(shaken, 'this tree'));
    return no(
      `${namesOf(failed)} passes on this tree in a scratch worktree, where nothing is that git ignores: not this edit`,
    );
  }
  const shaken = onGood.find(isShaken);
  if (shaken) return no(unknown(shaken, good.tag));
  const broken = onGood.find((result) => result.verdict === 'broken');
  if (broken)
    return byRecord(
      deps,
      project,
      input,
      `${broken.name} cannot run in a scratch worktree (${broken.why ?? 'broken'})`,
    );
  return no(`${namesOf(input.failed)} fails on ${good.tag} too: not this edit`);
}

const unknown = ({ name, why }: SuiteResult, on: string): string =>
  `${name} did not come to its end on ${on} (${why ?? 'broken'}): nobody knows whether it is this edit`;

const isGreen = ({ verdict }: SuiteResult): boolean => verdict === 'passed' || verdict === 'flaky';

/** Killed, out of time or out of room: the machine is in trouble, which has nothing to do with what the scratch worktree lacks. */
function isShaken({ verdict, exit, why }: SuiteResult): boolean {
  if (verdict !== 'broken') return false;
  return exit === null || exit > 128 || why?.startsWith(diskFull) === true;
}

/** Runs what failed on a commit, in a scratch worktree of it. */
async function runOn(
  deps: VerifyDeps,
  project: Project,
  input: RegressionInput,
  { commit, head }: Pick<Snapshot, 'commit' | 'head'>,
): Promise<readonly SuiteResult[]> {
  await using scratch = await scratchWorktree(input.repo, commit, {
    ...project.config.worktree,
    base: head,
    ...(input.signal ? { signal: input.signal } : {}),
  });
  const at = path.join(scratch.path, path.relative(input.repo.root, project.root));
  const results: SuiteResult[] = [];
  for (const suite of selectSuites(
    project,
    input.failed.map((result) => result.name),
  )) {
    const failures = input.failed.find((result) => result.name === suite.name)?.failures ?? [];
    const options = {
      env: suiteEnv(deps, project),
      root: project.root,
      at,
      ...(input.signal ? { signal: input.signal } : {}),
    };
    const narrowed = await runSuite(suite, { ...options, only: failures });
    // The failing test may be newer than the checkpoint: then the whole suite tells.
    const result =
      narrowed.partial && narrowed.verdict === 'broken' ? await runSuite(suite, options) : narrowed;
    results.push(result);
    if (result.verdict === 'stopped') break;
  }
  return results;
}

function byRecord(
  deps: VerifyDeps,
  project: Project,
  { good, failed }: RegressionInput,
  because: string,
): Regression {
  for (const { name } of failed) {
    const last = deps.store.runOn(project.id, name, good.tree)?.verdict;
    // Run there since, and it failed: what it passed by is gone.
    if (last === 'failed') continue;
    if (last === 'passed' || good.suites.includes(`${name}=passed`))
      return { confirmed: true, by: 'record', why: `${because}; it passed when ${good.tag} was made` };
  }
  return {
    confirmed: false,
    by: 'record',
    why: `${because}, and no record says that it passes on ${good.tag}`,
  };
}
