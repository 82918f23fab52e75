import { plural } from '../base/index.ts';
import { prune as pruneRepo, restoreTrashed, trashDays, type Pruned } from '../checkpoint/index.ts';
import { loadProject } from '../config/index.ts';
import { openRepo } from '../git/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { evenIfMistaken } from './even-if-mistaken.ts';

export interface PruneCommandInput {
  /** Say what would be done, and why, and do nothing. */
  readonly dryRun: boolean;
  /** Take this one out of the trash instead. */
  readonly restore?: string | undefined;
}

/** `devenv prune`: drops what `checkpoint.keep` does not keep, into the trash; or brings something back from there. */
export async function prune(ctx: CommandContext, input: PruneCommandInput): Promise<CommandResult> {
  // What is to be kept only a sound configuration says; to bring back needs none.
  const project =
    input.restore === undefined
      ? await loadProject({ cwd: ctx.cwd, env: ctx.env })
      : await evenIfMistaken(ctx, ctx.cwd);
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  const { keep, tags } = project.config.checkpoint;
  if (input.restore !== undefined) {
    const { name, commit } = await restoreTrashed(repo, input.restore, tags);
    return { json: { restored: name, commit, pinned: true }, text: `${name} is back, and pinned` };
  }
  const pruned = await pruneRepo(repo, { now: ctx.clock.now(), keep, tags, dryRun: input.dryRun });
  return { json: toJson(pruned, input.dryRun), text: input.dryRun ? explain(ctx, pruned) : summary(pruned) };
}

function toJson(pruned: Pruned, dryRun: boolean): unknown {
  const { keep, drop, keepUndo, dropUndo, expired, restored, untagged, disk } = pruned;
  const checkpoints = (list: Pruned['keep']) =>
    list.map(({ checkpoint: { tag, commit, verdict, at }, reasons }) => ({
      tag,
      commit,
      verdict,
      at,
      reasons,
    }));
  const entries = (list: Pruned['keepUndo']) =>
    list.map(({ entry: { n, commit }, reasons }) => ({ tag: `undo/${n}`, commit, reasons }));
  const trashed = (list: Pruned['expired']) =>
    list.map(({ name, ref, commit, at }) => ({
      tag: name,
      ref,
      commit,
      trashedAt: new Date(at).toISOString(),
    }));
  return {
    dryRun,
    keep: [...checkpoints(keep), ...entries(keepUndo)],
    drop: [...checkpoints(drop), ...entries(dropUndo)],
    gone: trashed(expired),
    restored: trashed(restored),
    untagged,
    disk: disk ?? null,
  };
}

function summary({ keep, drop, dropUndo, expired, restored, untagged, disk }: Pruned): string {
  const moved = drop.length + dropUndo.length;
  return [
    moved === 0
      ? `nothing to drop; ${plural(keep.length, 'checkpoint')} kept`
      : `${moved} moved to the trash, ${plural(keep.length, 'checkpoint')} kept; devenv prune --restore TAG brings one back within ${trashDays} days`,
    ...(expired.length > 0 ? [`${expired.length} gone for good after ${trashDays} days in the trash`] : []),
    ...(restored.length > 0 ? [`${restored.length} brought back, since they are pinned`] : []),
    ...(untagged.length > 0 ? [`${plural(untagged.length, 'tag')} removed (checkpoint.tags)`] : []),
    ...overLimit(disk),
  ].join('\n');
}

function overLimit(disk: Pruned['disk']): string[] {
  if (!disk || disk.bytes <= disk.most) return [];
  const [takes, most] = toldApart(disk.bytes, disk.most);
  return [`what must be kept takes ${takes}, more than the ${most} of checkpoint.keep.max_disk`];
}

/** Two sizes that differ, in megabytes, with as many places as they need to differ as texts too. */
export function toldApart(bytes: number, most: number): readonly [string, string] {
  for (const places of [0, 1, 2, 3]) {
    const both = [bytes, most].map((one) => `${(one / 1024 ** 2).toFixed(places)} MB`);
    if (both[0] !== both[1]) return [both[0] ?? '', both[1] ?? ''];
  }
  return [`${bytes} bytes`, `${most} bytes`];
}

// `-10` after `-9`.
const newestFirst = new Intl.Collator('en', { numeric: true });

function explain({ colors }: CommandContext, pruned: Pruned): string {
  const { keep, drop, keepUndo, dropUndo, expired, restored, untagged, disk } = pruned;
  const stays = colors.green('keep');
  const goes = colors.yellow('drop');
  const line = (sign: string, name: string, reasons: readonly string[]): string =>
    `${sign}  ${name}  ${colors.dim(reasons.join('; '))}`;
  const checkpoints = [
    ...keep.map((one) => ({ ...one, sign: stays })),
    ...drop.map((one) => ({ ...one, sign: goes })),
  ].sort((a, b) => newestFirst.compare(b.checkpoint.tag, a.checkpoint.tag));
  const undo = [
    ...keepUndo.map((one) => ({ ...one, sign: stays })),
    ...dropUndo.map((one) => ({ ...one, sign: goes })),
  ].sort((a, b) => b.entry.n - a.entry.n);
  return [
    ...checkpoints.map(({ sign, checkpoint, reasons }) => line(sign, checkpoint.tag, reasons)),
    ...undo.map(({ sign, entry, reasons }) => line(sign, `undo/${entry.n}`, reasons)),
    ...expired.map(({ name }) => line(colors.red('gone'), name, [`${trashDays} days in the trash`])),
    ...restored.map(({ name }) => line(colors.green('back'), name, ['pinned, but in the trash'])),
    ...untagged.map((tag) => line(colors.yellow('untag'), tag, ['checkpoint.tags'])),
    ...overLimit(disk),
    `${checkpoints.length > 0 ? '\n' : ''}would drop ${drop.length + dropUndo.length} (into the trash for ${trashDays} days), keep ${keep.length + keepUndo.length}, forget ${expired.length} for good`,
  ].join('\n');
}
