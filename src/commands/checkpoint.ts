import { createCheckpoint } from '../checkpoint/index.ts';
import { loadProject } from '../config/index.ts';
import { openRepo, readStatus } from '../git/index.ts';
import { checkpointResult } from './checkpoint-result.ts';
import { noteUnfinished } from './recovery.ts';
import type { CommandContext, CommandResult } from './context.ts';

export interface CheckpointInput {
  readonly message?: string | undefined;
  /** false: keep the tree at once, unverified. */
  readonly verify: boolean;
}

/** `devenv checkpoint`: judges the tree, then keeps it under a tag; `--no-verify` keeps it at once. */
export async function checkpoint(ctx: CommandContext, input: CheckpointInput): Promise<CommandResult> {
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  await noteUnfinished(ctx, repo);
  // git looks at the work tree while the configuration is read.
  const status = input.verify ? undefined : readStatus(repo);
  // Its failure is reported where it is awaited, unless the configuration fails first.
  status?.catch(() => {});
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
  if (input.verify)
    return (await import('./checkpoint-verified.ts')).checkpointVerified(ctx, project, repo, input.message);
  const { tags, maxFileBytes } = project.config.checkpoint;
  const created = await createCheckpoint(repo, {
    verdict: 'unverified',
    message: input.message,
    reason: 'user',
    session: ctx.env['DEVENV_SESSION_ID'],
    tags,
    maxFileBytes,
    now: ctx.clock.now(),
    status,
  });
  return checkpointResult(ctx, created);
}
