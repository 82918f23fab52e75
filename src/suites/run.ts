import { statSync } from 'node:fs';
import path from 'node:path';
import { supervise } from '../base/index.ts';
import type { SuiteConfig } from '../config/index.ts';
import { whyNoRoom } from './disk.ts';
import { judge, type Judgement } from './judge.ts';
import { readOutput, whyNoTest } from './output.ts';
import { readResults, restoreResults, takeResults } from './results.ts';
import { changedCommand, narrowCommand } from './runners.ts';
import type { Failure, Report, SuiteResult } from './types.ts';

/** Where and how a suite runs. */
export interface RunSuiteOptions {
  /** The whole environment (the project's variables included); the suite's own are put over it. */
  readonly env: NodeJS.ProcessEnv;
  /** The project's root, from which the suite's paths were made. */
  readonly root: string;
  /** Where the project lies for this run, when it is a copy (a scratch worktree). Default: `root`. */
  readonly at?: string;
  readonly signal?: AbortSignal;
  readonly onOutput?: (chunk: string) => void;
  /** Run only the files of these failures, where the runner can; else the whole suite. */
  readonly only?: readonly Failure[];
  /** Run only what depends on these files (which differ from HEAD), where the runner can tell; else the whole suite. */
  readonly affectedBy?: readonly string[];
}

/**
 * Runs a suite to its end and says what it came to. Its whole process tree is ended when it is stopped, times
 * out or is done. Never throws for what the suite does.
 */
export async function runSuite(suite: SuiteConfig, options: RunSuiteOptions): Promise<SuiteResult> {
  const root = options.at ?? options.root;
  const cwd = path.resolve(root, path.relative(options.root, suite.cwd));
  const results = suite.results === undefined ? undefined : path.resolve(root, suite.results);
  const narrowed = options.only
    ? narrowTo(suite, options.only, { root, cwd })
    : options.affectedBy && narrowToChanged(suite, options.affectedBy, cwd);
  const before = results === undefined ? undefined : takeResults(results, root);
  const ended = await supervise(narrowed ?? suite.command, {
    cwd,
    env: { ...options.env, ...suite.env },
    timeoutMs: suite.timeoutMs,
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.onOutput ? { onOutput: options.onOutput } : {}),
  });
  const report =
    results === undefined || before === undefined
      ? undefined
      : await readResults(results, before, { root, cwd });
  if (before) restoreResults(before);
  const judged = judge({
    exit: ended.code,
    signal: ended.signal,
    reason: ended.reason,
    timeoutMs: suite.timeoutMs,
    report,
  });
  const noRoom =
    judged.verdict === 'failed' ? whyNoRoom([cwd], ended.tail, { ...options.env, ...suite.env }) : undefined;
  const noFolder =
    ended.reason === 'not-started' && !statSync(cwd, { throwIfNoEntry: false })?.isDirectory()
      ? `suites.${suite.name}.cwd: no such directory: ${cwd}`
      : undefined;
  const isByStatus = report === undefined && ['passed', 'failed'].includes(judged.verdict);
  const unsound = noFolder ?? noRoom ?? (isByStatus ? whyNoTest(ended.tail, ended.code) : undefined);
  const { verdict, why }: Judgement = unsound === undefined ? judged : { verdict: 'broken', why: unsound };
  const {
    claimed: _claimed,
    lacking: _lacking,
    ...told
  }: Report = report && !('missing' in report)
    ? report
    : readOutput(ended.tail, {
        suite: suite.name,
        red: verdict === 'failed' || verdict === 'broken',
        root,
        cwd,
      });
  return {
    name: suite.name,
    verdict,
    ...told,
    durationMs: Math.round(ended.durationMs),
    exit: ended.code,
    output: ended.tail,
    partial: narrowed !== undefined,
    ...(why === undefined ? {} : { why }),
  };
}

function narrowTo(
  suite: SuiteConfig,
  only: readonly Failure[],
  { root, cwd }: { readonly root: string; readonly cwd: string },
): string | undefined {
  const files = only.map((failure) => failure.file);
  // Without a results file nobody can tell whether the narrowed run ran anything at all.
  if (suite.results === undefined || files.length === 0 || files.includes(null)) return undefined;
  const relative = [...new Set(files)].map((file) => path.relative(cwd, path.resolve(root, file ?? '')));
  return narrowCommand(suite.command, relative, cwd);
}

/** Source code, whose dependants a runner finds by imports; any other file may matter to every test. */
const isSource = /\.(?:[cm]?[jt]sx?|vue|svelte)$/;

function narrowToChanged(suite: SuiteConfig, files: readonly string[], cwd: string): string | undefined {
  if (suite.results === undefined || suite.affected === 'off') return undefined;
  const config = /(^|\/)[^/]*(config|setup)[^/]*$/i;
  if (files.length === 0 || !files.every((file) => isSource.test(file) && !config.test(file)))
    return undefined;
  return changedCommand(suite.command, cwd);
}
