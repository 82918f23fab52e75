import { DevenvError, formatDuration } from '../base/index.ts';
import { createCheckpoint } from '../checkpoint/index.ts';
import { reloadProject, type Project } from '../config/index.ts';
import type { Repo } from '../git/index.ts';
import { openStore } from '../store/index.ts';
import { checkpointGates, lookAt, verify, type Present, type Verification } from '../verify/index.ts';
import { checkpointResult } from './checkpoint-result.ts';
import { outputEnds } from './output-ends.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** The judged checkpoint: the tree that was tested is the tree that is kept; what failed is not kept. */
export async function checkpointVerified(
  ctx: CommandContext,
  loaded: Project,
  repo: Repo,
  message: string | undefined,
): Promise<CommandResult> {
  const { project, before } = await lookAndRead(ctx, loaded, repo);
  const { tags, maxFileBytes } = project.config.checkpoint;
  const by = checkpointGates(project);
  const common = {
    message,
    reason: 'user',
    session: ctx.env['DEVENV_SESSION_ID'],
    root: project.root,
    tags,
    maxFileBytes,
    now: ctx.clock.now(),
  };
  if (by.suites.length + by.gates.length === 0) {
    ctx.note('there is no suite and no gate to judge by: kept unverified');
    const kept = await createCheckpoint(repo, {
      ...common,
      verdict: 'unverified',
      snapshot: before.snapshot,
    });
    return checkpointResult(ctx, kept, message);
  }
  const store = openStore(ctx.env);
  try {
    const found = await verify({ env: ctx.env, clock: ctx.clock, store }, project, {
      ...by,
      reason: 'checkpoint',
      in: project.config.checkpoint.verifyIn,
      signal: ctx.signal,
      before,
      on: {
        start: (suite) => ctx.note(`running ${suite}`),
        rerun: (result) => ctx.note(`running what failed in ${result.name} again`),
      },
    });
    if (found.verdict === 'stopped') throw new DevenvError('interrupted', 'stopped; no checkpoint was made');
    if (found.verdict !== 'passed' && found.verdict !== 'flaky') return notKept(ctx, found);
    const suites = found.suites.map((suite) => `${suite.name}=${suite.verdict}`);
    return checkpointResult(
      ctx,
      await createCheckpoint(repo, { ...common, verdict: found.verdict, suites, snapshot: found.snapshot }),
      message,
    );
  } finally {
    store.close();
  }
}

/** A configuration that was edited meanwhile is read again: tree and configuration must belong together. */
async function lookAndRead(
  ctx: CommandContext,
  loaded: Project,
  repo: Repo,
): Promise<{ readonly project: Project; readonly before: Present }> {
  const before = await lookAt(ctx, loaded, repo);
  const edited = await reloadProject(loaded);
  return edited ? lookAndRead(ctx, edited, repo) : { project: loaded, before };
}

function notKept(ctx: CommandContext, found: Verification): CommandResult {
  const why = found.why ?? found.verdict;
  const red = found.suites.filter(({ verdict }) => verdict === 'failed' || verdict === 'broken');
  const text = [
    `no checkpoint: ${why} (${/\bfailed\b/.test(why) ? '' : `${found.verdict} `}after ${formatDuration(found.durationMs)})`,
    ...outputEnds(ctx.colors, red),
    ...(red.length === 0
      ? []
      : [`all of the output shows: devenv test -v ${red.map(({ name }) => name).join(' ')}`]),
    'keep the tree all the same with: devenv checkpoint --no-verify',
  ].join('\n');
  return {
    json: { tag: null, commit: null, tree: found.tree, verdict: found.verdict, created: false, why },
    text,
    exit: 1,
  };
}
