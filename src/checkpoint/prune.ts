import type { CheckpointConfig, KeepConfig } from '../config/index.ts';
import { mustGit, releasePacks } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { diskOf, diskLimit } from './disk.ts';
import { readInventory, readNeeds, worktreeNames } from './inventory.ts';
import type { Inventory, StoredUndo, Trashed } from './inventory.ts';
import type { Draft } from './row.ts';
import { freeOwnRefs } from './litter.ts';
import { tagRefs, trashRefs } from './names.ts';
import { orderForQuota, planRetention } from './retention.ts';
import type { Decided, Needs } from './retention.ts';
import { planUndo } from './retention-undo.ts';

export interface PruneInput {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly keep: KeepConfig;
  readonly tags: CheckpointConfig['tags'];
  readonly dryRun?: boolean;
  /** Moves at most so many refs, the oldest first, so that nobody waits long for the lock; the rest is for the next time. */
  readonly most?: number;
}

type DecidedCheckpoint = Decided<Draft>;

interface UndoReason {
  readonly entry: StoredUndo;
  readonly reasons: readonly string[];
}

/** What pruning does, or would do. */
export interface PrunePlan {
  readonly keep: readonly DecidedCheckpoint[];
  /** To the trash. */
  readonly drop: readonly DecidedCheckpoint[];
  readonly keepUndo: readonly UndoReason[];
  readonly dropUndo: readonly UndoReason[];
  /** Long enough in the trash. */
  readonly expired: readonly Trashed[];
  /** In the trash, but pinned. */
  readonly restored: readonly Trashed[];
  /** Names of tags that the configuration does not want. */
  readonly untagged: readonly string[];
}

export interface Pruned extends PrunePlan {
  /** What the checkpoints take and may take; undefined: there is no limit, or they are far from it. */
  readonly disk: { readonly bytes: number; readonly most: number } | undefined;
}

export const trashDays = 7;
const worthwhileBytes = 16 * 1024 * 1024;
const dayMs = 86_400_000;

/**
 * Drops what no rule keeps: into the trash, in one transaction; and for good what has been there for a week. Objects
 * are never deleted: `git gc` of the user's does that in its own time.
 */
export async function prune(repo: Repo, input: PruneInput): Promise<Pruned> {
  const stored = await readInventory(repo);
  const why = await readNeeds(repo, stored);
  const plan = planPrune(stored, { why, worktrees: worktreeNames(repo) }, input);
  const { plan: fitting, disk } = await fitDisk(repo, plan, input.keep.maxDiskBytes);
  const pruned = { ...limit(fitting, input.most ?? Infinity), disk };
  const commands = commandsOf(stored, pruned, input.now);
  if (!input.dryRun && commands.length > 0) await carryOut(repo, commands, input.now);
  if (!input.dryRun && pruned.expired.length > 0) await releasePacks(repo, worthwhileBytes);
  return pruned;
}

async function carryOut(repo: Repo, commands: readonly string[], now: number): Promise<void> {
  const go = (): Promise<void> => updateRefs(repo, 'dropping old checkpoints', commands);
  try {
    await go();
  } catch (error) {
    // A git that was killed in here before left the locks of the very same refs.
    if (!(await freeOwnRefs(repo, now))) throw error;
    await go();
  }
}

/** What is kept and what goes, before the disk is looked at. */
export function planPrune(
  stored: Inventory,
  needs: Needs,
  input: Pick<PruneInput, 'now' | 'keep' | 'tags'>,
): PrunePlan {
  const undo = planUndo(stored.undo, input.now, needs);
  const byRef = new Map(stored.undo.map((entry) => [entry.ref, entry]));
  const withTarget = (list: typeof undo.keep): UndoReason[] =>
    list.flatMap(({ entry, reasons }) => {
      const whole = byRef.get(entry.ref);
      return whole ? [{ entry: whole, reasons }] : [];
    });
  const keepUndo = withTarget(undo.keep);
  const why = new Map(needs.why);
  for (const { entry } of keepUndo)
    for (const target of entry.targets)
      why.set(target, [...(why.get(target) ?? []), `undo/${entry.n} goes with it`]);
  const { keep, drop } = planRetention(stored.checkpoints, input.keep, input.now, { ...needs, why });
  const lives = new Set([
    ...stored.checkpoints.map(({ tag }) => tag),
    ...stored.undo.map(({ n }) => `undo/${n}`),
  ]);
  const restored = pinnedInTrash(stored, lives);
  const isNeeded = ({ commit, name }: Trashed): boolean =>
    why.has(commit) || (why.has(name) && !lives.has(name));
  return {
    keep,
    drop,
    keepUndo,
    dropUndo: withTarget(undo.drop),
    restored,
    expired: stored.trash.filter(
      (one) => input.now - one.at >= trashDays * dayMs && !restored.includes(one) && !isNeeded(one),
    ),
    untagged: keep
      .map(({ checkpoint }) => checkpoint)
      .filter(({ verdict }) => input.tags === 'none' || (input.tags === 'good' && verdict !== 'passed'))
      .filter(({ tag, commit }) => stored.tags.get(tag) === commit)
      .map(({ tag }) => tag),
  };
}

// Pinned in the very moment when it was dropped.
function pinnedInTrash(stored: Inventory, lives: ReadonlySet<string>): readonly Trashed[] {
  const byName = new Map(stored.trash.toSorted((a, b) => a.at - b.at).map((one) => [one.name, one]));
  return [...byName.values()].filter(
    ({ name }) => stored.pins.has(name) && !name.startsWith('undo/') && !lives.has(name),
  );
}

/** Drops more where they take more room than they may: the fewest that suffice. */
async function fitDisk(
  repo: Repo,
  plan: PrunePlan,
  wanted: KeepConfig['maxDiskBytes'],
): Promise<{ readonly plan: PrunePlan; readonly disk: Pruned['disk'] }> {
  const most = diskLimit(repo, wanted);
  const found = most === undefined ? undefined : await diskOf(repo, plan.keep.map(commitOf), most);
  if (most === undefined || found === undefined) return { plan, disk: undefined };
  if (found <= most) return { plan, disk: { bytes: found, most } };
  const order = orderForQuota(plan);
  const without = (n: number): DecidedCheckpoint[] => {
    const gone = new Set(order.slice(0, n));
    return plan.keep.filter((one) => !gone.has(one));
  };
  let [low, high, bytes] = [1, order.length, found];
  while (low <= high) {
    const middle = (low + high) >> 1;
    bytes = (await diskOf(repo, without(middle).map(commitOf), most, true)) ?? 0;
    if (bytes <= most) high = middle - 1;
    else low = middle + 1;
  }
  const count = Math.min(low, order.length);
  const gone = order
    .slice(0, count)
    .map((one) => ({ ...one, reasons: ['checkpoints take more room than checkpoint.keep.max_disk'] }));
  const keep = without(count);
  const left = (await diskOf(repo, keep.map(commitOf), most, true)) ?? bytes;
  return { plan: { ...plan, keep, drop: [...plan.drop, ...gone] }, disk: { bytes: left, most } };
}

const commitOf = ({ checkpoint }: DecidedCheckpoint): string => checkpoint.commit;

function limit(plan: PrunePlan, most: number): PrunePlan {
  return {
    ...plan,
    // Newest first: the oldest are at the end.
    drop: plan.drop.slice(Math.max(0, plan.drop.length - most)),
    dropUndo: plan.dropUndo.slice(0, most),
    expired: plan.expired.slice(0, most),
    untagged: plan.untagged.slice(0, most),
  };
}

/** The transaction: each ref only if it still is what was read. New names come first in it. */
function commandsOf(stored: Inventory, plan: PrunePlan, now: number): string[] {
  const stamp = freeStamp(stored, now);
  const toTrash = (name: string, live: string, commit: string): string[] => [
    `create ${trashRefs}${stamp}/${name} ${commit}`,
    `delete ${live} ${commit}`,
  ];
  const untag = (tag: string): string[] => {
    const commit = stored.tags.get(tag);
    return commit === undefined ? [] : [`delete ${tagRefs}${tag} ${commit}`];
  };
  return [
    ...plan.drop.flatMap(({ checkpoint: { tag, commit } }) => [
      ...toTrash(`checkpoints/${tag}`, `refs/devenv/checkpoints/${tag}`, commit),
      // A tag of that name that points elsewhere is the user's.
      ...(stored.tags.get(tag) === commit ? untag(tag) : []),
    ]),
    ...plan.dropUndo.flatMap(({ entry: { n, ref, commit } }) => toTrash(`undo/${n}`, ref, commit)),
    ...plan.restored.flatMap(({ ref, live, commit }) => [
      `create ${live} ${commit}`,
      `delete ${ref} ${commit}`,
    ]),
    ...plan.expired.map(({ ref, commit }) => `delete ${ref} ${commit}`),
    ...plan.untagged.flatMap(untag),
  ];
}

/**
 * The seconds under which something goes to the trash. The time is in the name, so that nothing else must be kept for
 * it. One that was killed may have used this second; and a clock that is behind must not make it look old.
 */
export function freeStamp({ trash, checkpoints }: Inventory, now: number): number {
  const taken = new Set(trash.map(({ at }) => at / 1000));
  let stamp = Math.floor(
    checkpoints.reduce((latest, { at }) => Math.max(latest, Date.parse(at)), now) / 1000,
  );
  while (taken.has(stamp)) stamp++;
  return stamp;
}

/**
 * Carries out commands of `update-ref --stdin`, all or none. A stream that is cut off (this process was killed) does
 * nothing: only the last line makes it count.
 */
export async function updateRefs(repo: Repo, doing: string, commands: readonly string[]): Promise<void> {
  const input = ['start', ...commands, 'prepare', 'commit', ''].join('\n');
  await mustGit(repo, doing, ['update-ref', '--stdin'], { input });
}
