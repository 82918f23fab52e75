import { DevenvError, standardStreams } from '../base/index.ts';
import { loadProject, type Project } from '../config/index.ts';
import { rollBack, type RollbackDeps, type RollbackOutcome } from '../rollback/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { evenIfMistaken } from './even-if-mistaken.ts';
import { outcomeResult } from './rollback-result.ts';
import { notStartedAgain, unlessInterrupted } from './unless-interrupted.ts';

export interface RollbackCommandInput {
  readonly tag?: string | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly head?: boolean;
  /** Only while the work tree is this one: the answer to a question about it. */
  readonly ifTree?: string | undefined;
  /** Only these files and folders. */
  readonly paths?: readonly string[] | undefined;
}

/** `devenv rollback [TAG]`: puts a checkpoint back, or with `--dry-run` says what that would do. */
export async function rollback(ctx: CommandContext, input: RollbackCommandInput): Promise<CommandResult> {
  const project = await evenIfMistaken(ctx, ctx.cwd);
  if (input.ifTree !== undefined) {
    const { requireTree } = await import('./if-tree.ts');
    await requireTree(ctx, project, { tree: input.ifTree, tag: input.tag });
  }
  const go = (yes: boolean): Promise<RollbackOutcome> =>
    rollBack(rollbackDeps(ctx, project), project, {
      target: input.tag,
      dryRun: input.dryRun,
      yes,
      head: input.head ?? false,
      paths: input.paths,
      cwd: ctx.cwd,
      reason: 'user',
    });
  const outcome = await withConsent(ctx, input.yes, go);
  if (input.ifTree !== undefined && outcome.undo !== null) {
    const { noteAnswer } = await import('./if-tree.ts');
    await noteAnswer(ctx, project, { tree: input.ifTree, tag: outcome.to });
  }
  for (const warning of outcome.warnings) ctx.note(`warning: ${warning}`);
  return outcomeResult(ctx, outcome, input.dryRun);
}

/** Asks a person at the terminal when a great part of the tree would be deleted; others need `--yes`. */
export async function withConsent(
  ctx: CommandContext,
  yes: boolean,
  go: (yes: boolean) => Promise<RollbackOutcome>,
): Promise<RollbackOutcome> {
  try {
    return await go(yes);
  } catch (error) {
    const asks =
      error instanceof DevenvError && error.code === 'refused' && error.message.includes('would delete');
    if (!asks || yes || !ctx.interactive || ctx.json) throw error;
    if (!(await confirm(ctx, `${error.message}. Go ahead? [y/N] `))) throw error;
    return go(true);
  }
}

// Ctrl-C at the question ends the command; the end of the input (Ctrl-D) is no yes.
async function confirm(ctx: CommandContext, question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const { stdin, stderr } = standardStreams();
  const prompt = createInterface({ input: stdin, output: stderr });
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const interrupt = (): void => reject(new DevenvError('interrupted', 'interrupted; nothing was changed'));
  prompt.on('SIGINT', interrupt).on('close', () => resolve(undefined));
  prompt
    .question(question, { signal: ctx.signal })
    .then(resolve, () => (ctx.signal.aborted ? interrupt() : resolve(undefined)));
  let answer: string | undefined;
  try {
    answer = await promise;
    return answer !== undefined && /^y(es)?$/i.test(answer.trim());
  } finally {
    if (answer === undefined) stderr.write('\n');
    prompt.close();
  }
}

/** What a rollback touches the world with, for a command. */
export function rollbackDeps(ctx: CommandContext, project: Project): RollbackDeps {
  return { env: ctx.env, clock: ctx.clock, restart: () => restartServices(ctx, project.root) };
}

/** Restarts the services of a project that run; returns their names. */
export async function restartServices(ctx: CommandContext, root: string): Promise<readonly string[]> {
  const { createTmux } = await import('../tmux/index.ts');
  const { findSession, restartable, restartWindows, withLock } = await import('../session/index.ts');
  const deps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
  const { signal, note } = ctx;
  return withLock(deps, { as: 'restart', root, signal, note }, async () => {
    const session = await findSession(deps, root);
    const names = session ? restartable(session) : [];
    if (!session || names.length === 0) return [];
    const { withPorts } = await import('./start.ts');
    // Read anew: the rollback may have put another configuration back.
    const project = await withPorts(ctx, await loadProject({ cwd: root, env: ctx.env }));
    return unlessInterrupted(signal, () => restartWindows(deps, project, session, names), {
      ...notStartedAgain,
      message: `${notStartedAgain.message}; devenv restart goes on`,
    });
  });
}
