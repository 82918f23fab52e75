import { showName } from '../base/index.ts';
import type { Created } from '../checkpoint/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** The documented shape, and the line for people. */
export function checkpointResult(ctx: CommandContext, created: Created): CommandResult {
  const { tag, commit, tree, verdict, skipped } = created;
  for (const skip of created.created ? skipped.slice(0, 10) : [])
    ctx.note(`not saved: ${showName(skip.path)} (${skip.reason})`);
  const line = created.created
    ? `kept as ${ctx.colors.bold(tag)} (${verdict})`
    : `unchanged since ${ctx.colors.bold(tag)} (${verdict})`;
  return { json: { tag, commit, tree, verdict, created: created.created, skipped }, text: line };
}
