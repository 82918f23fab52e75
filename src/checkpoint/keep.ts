import { DevenvError } from '../base/index.ts';
import type { CheckpointConfig } from '../config/index.ts';
import { listRefNames, readRef } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { readInventory } from './inventory.ts';
import type { Trashed } from './inventory.ts';
import { isPulled } from './pulled.ts';
import { resolveCheckpoint } from './resolve.ts';
import { checkpointRefs, pinRefs, tagRefs, trashRefs } from './names.ts';
import { freeStamp, updateRefs } from './prune.ts';

/** Never drop this one. Returns its name, and whether it was not pinned before. */
export async function pinCheckpoint(
  repo: Repo,
  name: string,
): Promise<{ readonly tag: string; readonly commit: string; readonly changed: boolean }> {
  const { tag, commit } = await resolveCheckpoint(repo, name);
  if (isPulled(tag))
    throw new DevenvError(
      'usage',
      `${tag} was brought from another machine: it is kept until devenv host pull --prune`,
      'pin it there: devenv checkpoint pin --host HOST',
    );
  const live = checkpointRefs + tag;
  if ((await readRef(repo, live)) !== commit)
    throw new DevenvError(
      'unknown-tag',
      `${tag} is in the trash`,
      `devenv prune --restore ${tag} brings it back, pinned`,
    );
  const changed = (await readRef(repo, pinRefs + tag)) !== commit;
  // Dropped in this very moment: then the pin fails, rather than keep something that is not listed.
  if (changed)
    await updateRefs(repo, 'pinning a checkpoint', [
      `verify ${live} ${commit}`,
      `update ${pinRefs}${tag} ${commit}`,
    ]);
  return { tag, commit, changed };
}

/** The rules decide about it again; what only the pin kept goes to the trash. */
export async function unpinCheckpoint(
  repo: Repo,
  name: string,
  now: number,
): Promise<{ readonly tag: string; readonly commit: string; readonly changed: boolean }> {
  const stored = await readInventory(repo);
  const pinned = stored.pins.get(name);
  if (pinned === undefined) {
    const { tag, commit } = await resolveCheckpoint(repo, name);
    const found = stored.pins.get(tag);
    if (found === undefined) return { tag, commit, changed: false };
    return unpinCheckpoint(repo, tag, now);
  }
  const place = name.startsWith('undo/') ? name : `checkpoints/${name}`;
  const kept =
    (await readRef(repo, `refs/devenv/${place}`)) === pinned ||
    stored.trash.some(({ commit }) => commit === pinned);
  await updateRefs(repo, 'unpinning a checkpoint', [
    ...(kept ? [] : [`create ${trashRefs}${freeStamp(stored, now)}/${place} ${pinned}`]),
    `delete ${pinRefs}${name} ${pinned}`,
  ]);
  return { tag: name, commit: pinned, changed: true };
}

/** The names that are pinned; no process where refs are files. */
export async function pinnedNames(repo: Repo): Promise<ReadonlySet<string>> {
  return new Set((await listRefNames(repo, pinRefs)).map((ref) => ref.slice(pinRefs.length)));
}

/** What was dropped and can still be had back, the last dropped first. */
export async function listTrash(repo: Repo): Promise<readonly Trashed[]> {
  const { trash } = await readInventory(repo);
  return trash.toSorted((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1));
}

/**
 * Takes something out of the trash and pins it, or the next pruning would drop it again. An undo entry comes back as
 * something to roll back to, not as a step that `devenv undo` would take back.
 */
export async function restoreTrashed(
  repo: Repo,
  name: string,
  tags: CheckpointConfig['tags'],
): Promise<Trashed> {
  const stored = await readInventory(repo);
  const found = pickTrashed(stored.trash, name);
  const { ref, live, commit, checkpoint } = found;
  const there = await readRef(repo, live);
  if (there !== undefined && there !== commit)
    throw new DevenvError(
      'refused',
      `there is another ${found.name} now`,
      `git show ${ref} shows the one in the trash`,
    );
  const isCheckpoint = live.startsWith(checkpointRefs);
  const wantsTag = isCheckpoint && (tags === 'all' || (tags === 'good' && checkpoint?.verdict === 'passed'));
  await updateRefs(repo, 'taking a checkpoint out of the trash', [
    ...(isCheckpoint && there === undefined ? [`create ${live} ${commit}`] : []),
    `update ${pinRefs}${found.name} ${commit}`,
    ...(wantsTag && !stored.tags.has(found.name) ? [`create ${tagRefs}${found.name} ${commit}`] : []),
    `delete ${ref} ${commit}`,
  ]);
  return found;
}

function pickTrashed(trash: readonly Trashed[], name: string): Trashed {
  const byName = trash.toSorted((a, b) => b.at - a.at);
  const exact = byName.find((one) => one.name === name || one.name === `checkpoint-${name}`);
  if (exact) return exact;
  const begins = byName.filter(
    (one) => one.name.startsWith(name) || one.name.startsWith(`checkpoint-${name}`),
  );
  if (begins.length === 1 && begins[0]) return begins[0];
  throw new DevenvError(
    'unknown-tag',
    begins.length === 0
      ? `${name} is not in the trash`
      : `${name} could be any of ${begins.length} in the trash`,
    'see `devenv checkpoints --trash`',
  );
}
