import { DevenvError, formatDuration } from '../base/index.ts';
import { loadProject } from '../config/index.ts';
import { openStore } from '../store/index.ts';
import type { SuiteResult } from '../suites/index.ts';
import { verify, type Verification } from '../verify/index.ts';
import { describeEvent, watchIgnored } from '../watch/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { outputEnds } from './output-ends.ts';
import { withPorts } from './start.ts';

export interface TestInput {
  /** None: every suite that the watcher runs. */
  readonly suites: readonly string[];
  /** Only the tests that depend on what changed since the last commit, where the runner can tell. */
  readonly affected?: boolean;
  /** Only the suites that failed last time. */
  readonly failed?: boolean;
}

/** `devenv test [SUITE...]`: runs suites once, now, and records the verdict of the tree. */
export async function test(ctx: CommandContext, input: TestInput): Promise<CommandResult> {
  const project = await withPorts(ctx, await loadProject({ cwd: ctx.cwd, env: ctx.env }));
  const all = project.config.suites;
  if (all.length === 0)
    throw new DevenvError('config', 'this project has no suites', 'add one under `suites:` in devenv.yaml');
  const store = openStore(ctx.env, ctx.clock);
  try {
    const watched = all.filter((suite) => project.config.watch.suites.includes(suite.name));
    const usual = (watched.length > 0 ? watched : all.filter((suite) => suite.on === 'change')).map(
      (suite) => suite.name,
    );
    const named = input.suites.length > 0 ? input.suites : usual;
    const last = store.lastRuns(project.id);
    const suites =
      input.failed === true
        ? named.filter((name) => !['passed', 'flaky'].includes(last[name]?.verdict ?? 'failed'))
        : named;
    if (input.failed === true && suites.length === 0) {
      return { json: { tree: null, suites: [] }, text: 'nothing failed in the last run' };
    }
    const found = await verify({ env: ctx.env, clock: ctx.clock, store }, project, {
      suites,
      reason: 'test',
      affected: input.affected ?? false,
      signal: ctx.signal,
      ignored: watchIgnored(project),
      on: {
        start: (name) => ctx.note(`running ${name}`),
        output: (_, chunk) => ctx.verbose && ctx.note(chunk.trimEnd()),
        rerun: ({ name }) => ctx.note(`${name} failed; running what failed again`),
      },
    });
    if (found.verdict === 'stopped') throw new DevenvError('interrupted', 'stopped');
    return result(ctx, found);
  } finally {
    store.close();
  }
}

function result(ctx: CommandContext, found: Verification): CommandResult {
  const lines = found.suites.map(
    (suite) => describeEvent({ kind: 'result', tree: found.tree, result: withoutEnd(suite) }) ?? '',
  );
  lines.push(...outputEnds(ctx.colors, found.suites));
  if (found.suites.length === 0 && found.why !== undefined) lines.push(found.why);
  const green = found.verdict === 'passed' || found.verdict === 'flaky';
  const word = green ? ctx.colors.green(found.verdict) : ctx.colors.red(found.verdict);
  lines.push(`${word} in ${formatDuration(found.durationMs)}`);
  return { json: testJson(found), text: lines.join('\n'), ...(green ? {} : { exit: 1 }) };
}

/** The end of its output is shown below, so it need not stand for the failure too. */
const withoutEnd = (suite: SuiteResult): SuiteResult =>
  suite.whole && suite.output.trim() !== '' ? { ...suite, failures: [] } : suite;

/** The documented `--json` of `devenv test`. */
export function testJson(found: Pick<Verification, 'tree' | 'suites' | 'verdict'>): unknown {
  return {
    tree: found.tree,
    verdict: found.verdict,
    suites: found.suites.map(
      ({ name, verdict, passed, failed, flaky, skipped, durationMs, failures, exit, why }) => ({
        name,
        verdict,
        passed,
        failed,
        flaky,
        skipped,
        durationMs,
        failures: failures.map((one) => ({
          name: one.name,
          file: one.file,
          line: one.line,
          message: one.message,
        })),
        exit,
        ...(why === undefined ? {} : { why }),
      }),
    ),
  };
}
