import { resolveCheckpoint, snapshot } from '../checkpoint/index.ts';
import { diffCommits, displayPath, openRepo, showDiff, type DiffEntry } from '../git/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** `devenv diff [TAG] [TAG]`: between two checkpoints, or one and now. Without a tag: since the newest one. */
export async function diff(
  ctx: CommandContext,
  input: { readonly from?: string | undefined; readonly to?: string | undefined; readonly stat?: boolean },
): Promise<CommandResult> {
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  const from = await resolveCheckpoint(repo, input.from ?? 'last');
  const to = input.to === undefined ? undefined : await resolveCheckpoint(repo, input.to);
  const now = to ?? (await snapshot(repo, { now: ctx.clock.now(), purpose: 'look' }));
  if (ctx.json) {
    const [files = []] = await diffCommits(repo, [{ from: from.commit, to: now.commit }]);
    return {
      json: {
        from: from.tag,
        to: to?.tag ?? null,
        files: files.map((entry) => ({ path: displayPath(entry.path), change: changeOf(entry) })),
      },
    };
  }
  const color = ctx.colors.bold('') !== '';
  const text = await showDiff(repo, { from: from.commit, to: now.commit, stat: input.stat ?? false, color });
  return { text: text.trimEnd() || `no difference between ${from.tag} and ${to?.tag ?? 'now'}` };
}

function changeOf(entry: DiffEntry): 'added' | 'deleted' | 'changed' {
  if (entry.oldMode === '000000') return 'added';
  return entry.newMode === '000000' ? 'deleted' : 'changed';
}
