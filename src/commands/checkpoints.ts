import { formatAge, formatTable, type Colors } from '../base/index.ts';
import { listCheckpoints, pinnedNames, type Checkpoint } from '../checkpoint/index.ts';
import { openRepo } from '../git/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** `devenv checkpoints`: the list, newest first. */
export async function checkpoints(
  ctx: CommandContext,
  input: { readonly good?: boolean },
): Promise<CommandResult> {
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  const pinned = await pinnedNames(repo);
  const all = (await listCheckpoints(repo))
    .filter((checkpoint) => !input.good || checkpoint.verdict === 'passed')
    .map((checkpoint) => ({ ...checkpoint, pinned: pinned.has(checkpoint.tag) }));
  const none = input.good
    ? 'no good checkpoint yet: `devenv checkpoint` makes one when the gates pass'
    : 'no checkpoint yet: `devenv checkpoint` makes one';
  return { json: { checkpoints: all }, text: all.length === 0 ? none : table(ctx, all) };
}

function table(ctx: CommandContext, all: readonly (Checkpoint & { readonly pinned: boolean })[]): string {
  const { colors } = ctx;
  const head = ['TAG', 'AGE', 'VERDICT', 'FILES', 'BRANCH', 'MESSAGE'].map((title) => colors.dim(title));
  const rows = all.map((checkpoint) => [
    checkpoint.tag,
    formatAge(ctx.clock.now() - Date.parse(checkpoint.at)),
    paint(colors, checkpoint.verdict),
    String(checkpoint.filesChanged),
    checkpoint.branch ?? '(detached)',
    [
      checkpoint.message.split('\n')[0] ?? '',
      checkpoint.partial ? '(partial)' : '',
      checkpoint.pinned ? '(pinned)' : '',
    ]
      .filter(Boolean)
      .join(' '),
  ]);
  return formatTable([head, ...rows]);
}

function paint(colors: Colors, verdict: Checkpoint['verdict']): string {
  if (verdict === 'passed') return colors.green(verdict);
  return verdict === 'failed' ? colors.red(verdict) : colors.dim(verdict);
}
