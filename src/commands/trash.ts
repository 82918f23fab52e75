import { formatAge, formatDuration, formatTable } from '../base/index.ts';
import { listTrash, trashDays, type Trashed } from '../checkpoint/index.ts';
import { openRepo } from '../git/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

const trashMs = trashDays * 86_400_000;

/** `devenv checkpoints --trash`: what was dropped and can still be had back, the last dropped first. */
export async function trash(ctx: CommandContext): Promise<CommandResult> {
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  const all = await listTrash(repo);
  const json = {
    checkpoints: all.map(({ checkpoint, name, commit, ref, at }) => ({
      ...checkpoint,
      tag: name,
      commit,
      ref,
      trashedAt: new Date(at).toISOString(),
      goneAt: new Date(at + trashMs).toISOString(),
    })),
  };
  return { json, text: all.length === 0 ? 'the trash is empty' : table(ctx, all) };
}

function table({ colors, clock }: CommandContext, all: readonly Trashed[]): string {
  const now = clock.now();
  const head = ['TAG', 'AGE', 'VERDICT', 'DROPPED', 'GONE IN', 'MESSAGE'].map((title) => colors.dim(title));
  const rows = all.map(({ name, checkpoint, at }) => [
    name,
    checkpoint ? formatAge(now - Date.parse(checkpoint.at)) : '',
    checkpoint?.verdict ?? '',
    formatAge(now - at),
    formatDuration(Math.max(0, at + trashMs - now)),
    checkpoint?.message.split('\n')[0] ?? '',
  ]);
  return `${formatTable([head, ...rows])}\n\ndevenv prune --restore TAG brings one back; devenv rollback TAG and git show REF work as well`;
}
