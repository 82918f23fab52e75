import { showName } from '../base/index.ts';
import type { Created } from '../checkpoint/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** The documented shape, and the line for people. */
export function checkpointResult(ctx: CommandContext, created: Created, asked?: string): CommandResult {
  const { tag, commit, tree, verdict, skipped } = created;
  // What was never in it was said when it was made.
  const said = created.created ? skipped : skipped.filter(({ path }) => created.lacking?.includes(path));
  for (const skip of said.slice(0, 10)) ctx.note(`not saved: ${showName(skip.path)} (${skip.reason})`);
  const line = created.created
    ? `kept as ${ctx.colors.bold(tag)} (${verdict}${whyNotGood(created)})`
    : `unchanged since ${ctx.colors.bold(tag)} (${verdict}${lacks(created)})${dropped(created, asked)}`;
  return { json: { tag, commit, tree, verdict, created: created.created, skipped }, text: line };
}

// The reason of the checkpoint ends with it, where the tests passed but saw what the tree does not hold.
function whyNotGood({ verdict, reason }: Created): string {
  const why = verdict === 'unverified' ? /\((passed, but .*)\)$/.exec(reason)?.[1] : undefined;
  return why === undefined ? '' : `: the tests ${why}`;
}

function lacks({ lacking = [] }: Created): string {
  const [first] = lacking;
  if (first === undefined) return '';
  const more = lacking.length > 1 ? ` and ${lacking.length - 1} more` : '';
  return `: ${showName(first)}${more} changed and is not in it`;
}

function dropped({ message }: Created, asked: string | undefined): string {
  const wanted = asked?.trim() ?? '';
  return wanted === '' || wanted === message ? '' : '; it keeps its own message, yours was not saved';
}
