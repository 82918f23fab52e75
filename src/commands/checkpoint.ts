import { createCheckpoint } from '../checkpoint/index.ts';
import { loadProject } from '../config/index.ts';
import { openRepo } from '../git/index.ts';
import { checkpointResult } from './checkpoint-result.ts';
import { evenIfMistaken } from './even-if-mistaken.ts';
import { noteUnfinished } from './recovery.ts';
import type { CommandContext, CommandResult } from './context.ts';

export interface CheckpointInput {
  readonly message?: string | undefined;
  /** false: keep the tree at once, unverified. */
  readonly verify: boolean;
}

/** `devenv checkpoint`: judges the tree, then keeps it under a tag; `--no-verify` keeps it at once. */
export async function checkpoint(ctx: CommandContext, input: CheckpointInput): Promise<CommandResult> {
  const begun = ctx.begun?.look;
  const repo = await (begun?.repo ?? openRepo({ cwd: ctx.cwd, env: ctx.env }));
  await noteUnfinished(ctx, repo);
  if (input.verify) {
    const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
    return (await import('./checkpoint-verified.ts')).checkpointVerified(ctx, project, repo, input.message);
  }
  const { tags, maxFileBytes } = (await evenIfMistaken(ctx, ctx.cwd)).config.checkpoint;
  const created = await createCheckpoint(repo, {
    verdict: 'unverified',
    message: input.message,
    reason: 'user',
    session: ctx.env['DEVENV_SESSION_ID'],
    tags,
    maxFileBytes,
    now: ctx.clock.now(),
    status: begun?.status,
  });
  return checkpointResult(ctx, created, input.message);
}
