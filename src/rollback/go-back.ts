import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { diskPath, displayPath, rawDir } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import { ChangedMeanwhile, lookIn, placeFile, removeEmptied } from './apply.ts';
import type { DoneStep } from './apply.ts';
import { notedEmpty } from './empty-folders.ts';
import { openFolders } from './folders.ts';
import type { Folders } from './folders.ts';
import type { Journal } from './journal.ts';
import { readModes } from './modes.ts';
import { stageBlobs } from './stage.ts';
import { lookAt, rescue, sameFile, takeAway } from './swap.ts';

/**
 * Takes steps back that were done: the very files that stood there return, with what was written to them
 * meanwhile. A path that no longer holds what the step placed is somebody's newer work and stays.
 * Folders that were empty in the state `present`, which comes back, stay. Returns those paths, as people read them.
 */
export async function goBack(
  repo: Repo,
  { stage, present }: Pick<Journal, 'stage' | 'present'>,
  done: readonly DoneStep[],
): Promise<string[]> {
  const dir = path.join(stage, 'back');
  mkdirSync(dir, { recursive: true });
  await stageLost(repo, dir, done);
  const modes = readModes(repo);
  using folders = openFolders(repo);
  const kept = notedEmpty(repo, present);
  const left: string[] = [];
  // In reverse: what was written goes before what was deleted returns.
  for (const [i, one] of [...done.entries()].reverse()) {
    const { step, placed, before } = one;
    const aside = path.join(dir, `old-${i}`);
    try {
      expectPlaced(folders, step.path, placed);
      if (before === null) {
        const target = folders.reach(step.path);
        if (placed !== null && (target === undefined || takeAway(target, placed, aside) === false))
          throw new ChangedMeanwhile(step.path);
        removeEmptied(folders, [step.path], kept);
      } else {
        const staged = one.aside ?? path.join(dir, String(i));
        const mode = one.aside === undefined ? step.before?.mode : undefined;
        placeFile(folders, { file: step.path, staged, mode, expected: placed, aside }, modes);
      }
      // Who had the file open that goes away now, and wrote to it.
      const old = lookAt(aside);
      if (old !== null && placed !== null && !sameFile(old, placed))
        left.push(keep(repo, folders, aside, step.path));
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error;
      left.push(displayPath(step.path));
      // Both were written to: the old one has no other place.
      const old = one.aside === undefined ? null : lookAt(one.aside);
      if (one.aside !== undefined && old !== null && before !== null && !sameFile(old, before))
        left.push(keep(repo, folders, one.aside, step.path));
    }
  }
  folders.close();
  rmSync(dir, { recursive: true, force: true });
  return left;
}

/** Keeps a file that nothing else holds beside its place, or at the top when no folder leads there any more. */
export function keep(repo: Repo, folders: Folders, file: string, place: RawPath): string {
  const name = place.slice(rawDir(place).length).replace(/^\//, '');
  const target = folders.reach(place) ?? diskPath(repo.root, name);
  return path.basename(rescue(file, target).toString('utf8'));
}

function expectPlaced(folders: Folders, file: RawPath, placed: DoneStep['placed']): void {
  const now = lookIn(folders, file);
  // The folder of a deleted file's place is looked at when it is put back.
  const same = placed === null ? now === null || now.isDirectory() : now !== null && sameFile(placed, now);
  if (!same) throw new ChangedMeanwhile(file);
}

// Where the old file could get no second name, its bytes come from the saved present.
async function stageLost(repo: Repo, dir: string, done: readonly DoneStep[]): Promise<void> {
  const lost = done.flatMap(({ step, aside, before }, n) =>
    aside === undefined && before !== null && step.before !== null
      ? [{ n, mode: step.before.mode, oid: step.before.oid }]
      : [],
  );
  await stageBlobs(repo, dir, lost);
}
