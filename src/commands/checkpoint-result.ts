import { showName } from '../base/index.ts';
import type { Created } from '../checkpoint/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** The documented shape, and the line for people. */
export function checkpointResult(ctx: CommandContext, created: Created, asked?: string): CommandResult {
  const { tag, commit, tree, verdict, skipped } = created;
  for (const skip of created.created ? skipped.slice(0, 10) : [])
    ctx.note(`not saved: ${showName(skip.path)} (${skip.reason})`);
  const line = created.created
    ? `kept as ${ctx.colors.bold(tag)} (${verdict}${whyNotGood(created)})`
    : `unchanged since ${ctx.colors.bold(tag)} (${verdict})${dropped(created, asked)}`;
  return { json: { tag, commit, tree, verdict, created: created.created, skipped }, text: line };
}

// The reason of the checkpoint ends with it, where the tests passed but saw what the tree does not hold.
function whyNotGood({ verdict, reason }: Created): string {
  const why = verdict === 'unverified' ? /\((passed, but .*)\)$/.exec(reason)?.[1] : undefined;
  return why === undefined ? '' : `: the tests ${why}`;
}

function dropped({ message }: Created, asked: string | undefined): string {
  const wanted = asked?.trim() ?? '';
  return wanted === '' || wanted === message ? '' : '; it keeps its own message, yours was not saved';
}
