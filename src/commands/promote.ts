import { promote, type Promoted } from '../checkpoint/index.ts';
import { openRepo } from '../git/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { evenIfMistaken } from './even-if-mistaken.ts';
import { leftOut } from './left-out.ts';

/** `devenv checkpoint --promote [TAG]`: a normal commit of a checkpoint, on the branch that is checked out. */
export async function promoteCheckpoint(
  ctx: CommandContext,
  input: {
    readonly tag?: string | undefined;
    readonly message?: string | undefined;
    readonly verify: boolean;
  },
): Promise<CommandResult> {
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  const project = await evenIfMistaken(ctx, ctx.cwd);
  const made = await promote(repo, ctx.env, {
    target: input.tag,
    root: project.root,
    message: input.message,
    verify: input.verify,
    now: ctx.clock.now(),
    maxFileBytes: project.config.checkpoint.maxFileBytes,
  });
  if (ctx.verbose && made.output !== '') ctx.note(made.output);
  const note = leftOut(made.left);
  if (note !== undefined) ctx.note(note);
  const { tag, commit, parent, branch, message, undo, left } = made;
  return { json: { tag, commit, parent, branch, message, undo, left }, text: describe(ctx, made) };
}

function describe({ colors }: CommandContext, { tag, commit, branch, undo }: Promoted): string {
  return [
    `committed ${tag} on ${branch} as ${colors.bold(commit.slice(0, 10))}; your files are as they were`,
    `what was staged before is kept in ${undo}; take the commit back with: ${colors.bold('devenv undo')}`,
  ].join('\n');
}
