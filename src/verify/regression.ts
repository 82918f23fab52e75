import path from 'node:path';
import { DevenvError, messageOf } from '../base/index.ts';
import type { Checkpoint } from '../checkpoint/index.ts';
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
  readonly signal?: AbortSignal;
}

/**
 * Runs what failed on the last good checkpoint, in a scratch worktree. What passes there was broken since: a
 * confirmed regression. What fails there too was not broken by this edit. Where a suite cannot run there at
 * all, the record that it passed there counts instead.
 */
export async function confirmRegression(
  deps: VerifyDeps,
  project: Project,
  input: RegressionInput,
): Promise<Regression> {
  const names = input.failed.map((result) => result.name);
  let onGood: readonly SuiteResult[];
  try {
    onGood = await runOnGood(deps, project, input);
  } catch (error) {
    if (input.signal?.aborted === true) return { confirmed: false, by: 'run', why: 'stopped' };
    const why = `no scratch worktree: ${messageOf(error)}`;
    // Without room on the disk the failure itself proves nothing.
    if (error instanceof DevenvError && error.code === 'disk-full')
      return { confirmed: false, by: 'run', why };
    return byRecord(deps, project, input, why);
  }
  if (onGood.some((result) => result.verdict === 'stopped'))
    return { confirmed: false, by: 'run', why: 'stopped' };
  const passes = onGood.find((result) => result.verdict === 'passed' || result.verdict === 'flaky');
  if (passes) return { confirmed: true, by: 'run', why: `${passes.name} passes on ${input.good.tag}` };
  const shaken = onGood.find(isShaken);
  if (shaken)
    return {
      confirmed: false,
      by: 'run',
      why: `${shaken.name} did not come to its end on ${input.good.tag} (${shaken.why ?? 'broken'}): nobody knows whether it is this edit`,
    };
  const broken = onGood.find((result) => result.verdict === 'broken');
  if (broken)
    return byRecord(
      deps,
      project,
      input,
      `${broken.name} cannot run in a scratch worktree (${broken.why ?? 'broken'})`,
    );
  return {
    confirmed: false,
    by: 'run',
    why: `${names.join(', ')} fails on ${input.good.tag} too: not this edit`,
  };
}

/** Killed, out of time or out of room: the machine is in trouble, which has nothing to do with what the scratch worktree lacks. */
function isShaken({ verdict, exit, why }: SuiteResult): boolean {
  if (verdict !== 'broken') return false;
  return exit === null || exit > 128 || why?.startsWith(diskFull) === true;
}

async function runOnGood(
  deps: VerifyDeps,
  project: Project,
  input: RegressionInput,
): Promise<readonly SuiteResult[]> {
  await using scratch = await scratchWorktree(input.repo, input.good.commit, {
    ...project.config.worktree,
    base: input.good.head,
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
    if (result.verdict === 'passed' || result.verdict === 'stopped') break;
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
    const passedThere =
      deps.store.runOn(project.id, name, good.tree)?.verdict === 'passed' ||
      good.suites.includes(`${name}=passed`);
    if (passedThere)
      return { confirmed: true, by: 'record', why: `${because}; it passed when ${good.tag} was made` };
  }
  return {
    confirmed: false,
    by: 'record',
    why: `${because}, and no record says that it passed on ${good.tag}`,
  };
}
