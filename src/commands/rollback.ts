import { DevenvError, plural, type Colors, standardStreams } from '../base/index.ts';
import { loadProject, type Project } from '../config/index.ts';
import { rollBack, type RollbackDeps, type RollbackOutcome } from '../rollback/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { describeUnfinished } from './recovery.ts';

export interface RollbackCommandInput {
  readonly tag?: string | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly head?: boolean;
  /** Only while the work tree is this one: the answer to a question about it. */
  readonly ifTree?: string | undefined;
}

/** `devenv rollback [TAG]`: puts a checkpoint back, or with `--dry-run` says what that would do. */
export async function rollback(ctx: CommandContext, input: RollbackCommandInput): Promise<CommandResult> {
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
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
      reason: 'user',
    });
  const outcome = await withConsent(ctx, input.yes, go);
  return { json: outcomeJson(outcome), text: describeOutcome(ctx.colors, outcome, input.dryRun) };
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

async function confirm(ctx: CommandContext, question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const { stdin, stderr } = standardStreams();
  const prompt = createInterface({ input: stdin, output: stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(question, { signal: ctx.signal })).trim());
  } finally {
    prompt.close();
  }
}

/** What a rollback touches the world with, for a command. */
export function rollbackDeps(ctx: CommandContext, project: Project): RollbackDeps {
  return { env: ctx.env, clock: ctx.clock, restart: () => restartServices(ctx, project.root) };
}

async function restartServices(ctx: CommandContext, root: string): Promise<readonly string[]> {
  const { createTmux } = await import('../tmux/index.ts');
  const { findSession, restartable, restartWindows } = await import('../session/index.ts');
  const deps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
  const session = await findSession(deps, root);
  const names = session ? restartable(session) : [];
  if (!session || names.length === 0) return [];
  const { withPorts } = await import('./start.ts');
  // Read anew: the rollback may have put another configuration back.
  const project = await withPorts(ctx, await loadProject({ cwd: root, env: ctx.env }));
  return restartWindows(deps, project, session, names);
}

/** The documented `--json` of rollback and undo. */
export function outcomeJson(outcome: RollbackOutcome): unknown {
  const { from, to, undo, written, deleted, restarted, kept, staged } = outcome;
  return { from, to, undo, written, deleted, restarted, kept, staged };
}

const listed = 20;

/** What was done, whose changes went, and the one command that brings them back. */
export function describeOutcome(colors: Colors, outcome: RollbackOutcome, dryRun: boolean): string {
  const { written, deleted, kept } = outcome;
  const lines: string[] = [];
  if (outcome.unfinished) lines.push(describeUnfinished(outcome.unfinished));
  if (outcome.recovered) lines.push(...describeRecovery(outcome.recovered));
  const only = outcome.recovered?.outcome === 'nothing-done' && outcome.to === outcome.recovered.name;
  if (only && outcome.undo === null) return lines.join('\n');
  if (written.length + deleted.length === 0) {
    lines.push(
      outcome.staged
        ? `files are as in ${outcome.to}; ${dryRun ? 'the staged state would be put back' : 'the staged state was put back'}`
        : `nothing to do: everything is as in ${outcome.to}`,
    );
  } else {
    lines.push(
      `${dryRun ? 'would put back' : 'put back'} ${colors.bold(outcome.to)}: ${plural(written.length, 'file')} written, ${plural(deleted.length, 'file')} deleted`,
    );
    const rows = [
      ...written.map((path) => `  ${colors.yellow('write')}   ${path}`),
      ...deleted.map((path) => `  ${colors.red('delete')}  ${path}`),
    ];
    lines.push(...(dryRun ? rows : shorten(rows)));
  }
  lines.push(...shorten(kept.map(({ path, reason }) => `  ${colors.dim('keep')}    ${path} (${reason})`)));
  if (outcome.restarted.length > 0) lines.push(`restarted ${outcome.restarted.join(', ')}`);
  if (outcome.restartError) lines.push(`services were not restarted: ${outcome.restartError}`);
  if (outcome.undo) {
    const back = outcome.to.startsWith('refs/')
      ? `devenv rollback ${outcome.undo.replace('refs/devenv/', '')}`
      : 'devenv undo';
    lines.push(`what was there before is kept in ${outcome.undo}; bring it back with: ${colors.bold(back)}`);
  }
  return lines.join('\n');
}

function describeRecovery(recovered: NonNullable<RollbackOutcome['recovered']>): string[] {
  const { kind, name, outcome, left } = recovered;
  const said = {
    finished: `finished the ${kind} to ${name} that had been killed`,
    'nothing-done': `gave up the ${kind} to ${name} that had been killed: nothing had been done yet`,
    'head-moved': `gave up the ${kind} to ${name} that had been killed half way: HEAD moved since`,
  };
  return [
    said[outcome],
    ...shorten(left.map((path) => `  left as it is, since it was edited meanwhile: ${path}`)),
  ];
}

function shorten(rows: readonly string[]): string[] {
  return rows.length <= listed
    ? [...rows]
    : [...rows.slice(0, listed), `  ... and ${rows.length - listed} more`];
}
