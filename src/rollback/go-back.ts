import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { diskPath, displayPath } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import { ChangedMeanwhile, placeFile, removeEmptied } from './apply.ts';
import type { DoneStep } from './apply.ts';
import { blockingParent } from './check.ts';
import { readModes } from './modes.ts';
import { stageBlobs } from './stage.ts';
import { lookAt, rescue, sameFile, takeAway } from './swap.ts';

/**
 * Takes steps back that were done: the very files that stood there return, with what was written to them
 * meanwhile. A path that no longer holds what the step placed is somebody's newer work and stays.
 * Returns those, as people read them.
 */
export async function goBack(repo: Repo, stage: string, done: readonly DoneStep[]): Promise<string[]> {
  const dir = path.join(stage, 'back');
  mkdirSync(dir, { recursive: true });
  await stageLost(repo, dir, done);
  const modes = readModes(repo);
  const left: string[] = [];
  // In reverse: what was written goes before what was deleted returns.
  for (const [i, one] of [...done.entries()].reverse()) {
    const { step, placed, before } = one;
    const aside = path.join(dir, `old-${i}`);
    const target = diskPath(repo.root, step.path);
    try {
      expectPlaced(repo, step.path, placed);
      if (before === null) {
        if (placed !== null && takeAway(target, placed, aside) === false)
          throw new ChangedMeanwhile(step.path);
        removeEmptied(repo, [step.path]);
      } else {
        const staged = one.aside ?? path.join(dir, String(i));
        const mode = one.aside === undefined ? step.before?.mode : undefined;
        placeFile(repo, { file: step.path, staged, mode, expected: placed, aside }, modes);
      }
      // Who had the file open that goes away now, and wrote to it.
      const old = lookAt(aside);
      if (old !== null && placed !== null && !sameFile(old, placed)) left.push(keep(aside, target));
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error;
      left.push(displayPath(step.path));
      // Both were written to: the old one has no other place.
      const old = one.aside === undefined ? null : lookAt(one.aside);
      if (one.aside !== undefined && old !== null && before !== null && !sameFile(old, before))
        left.push(keep(one.aside, target));
    }
  }
  rmSync(dir, { recursive: true, force: true });
  return left;
}

function keep(file: string, target: Buffer): string {
  return path.basename(rescue(file, target).toString('utf8'));
}

function expectPlaced(repo: Repo, file: RawPath, placed: DoneStep['placed']): void {
  if (blockingParent(repo, file) !== undefined) throw new ChangedMeanwhile(file);
  const now = lookAt(diskPath(repo.root, file));
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
