import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import type { BigIntStats } from 'node:fs';
import path from 'node:path';
import { DevenvError, errnoOf, randomId } from '../base/index.ts';
import { sameStat } from '../checkpoint/index.ts';
import { diskPath, displayPath, rawDir } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import { blockingParent } from './check.ts';
import type { JournalStep } from './journal.ts';

/** A file was changed by somebody else between the check and its turn. */
export class ChangedMeanwhile extends DevenvError {
  constructor(file: RawPath) {
    super(
      'refused',
      `${displayPath(file)} changed while the rollback was under way`,
      'everything is as it was; try again when nothing writes to it',
    );
  }
}

/**
 * Deletes first (a file may come where a folder was), then writes. Before each one it is checked that the path
 * is as it was when it was saved, and that the way to it has no link. `stats` undefined: check nothing but the way.
 */
export function applySteps(
  repo: Repo,
  stage: string,
  steps: readonly (JournalStep | undefined)[],
  stats: readonly (BigIntStats | null)[] | undefined,
  onDone: (n: number) => void,
): void {
  const order = [...steps.keys()].sort(
    (a, b) => Number(steps[a]?.after !== null) - Number(steps[b]?.after !== null),
  );
  for (const n of order) {
    const step = steps[n];
    if (!step) continue;
    if (stats) expectUnchanged(repo, step, stats[n] ?? null);
    if (step.after === null) deleteFile(repo, step.path);
    else placeFile(repo, step.path, path.join(stage, String(n)), step.after.mode);
    onDone(n);
  }
  removeEmptied(
    repo,
    steps.flatMap((step) => (step?.after === null ? [step.path] : [])),
  );
}

function expectUnchanged(repo: Repo, step: JournalStep, then: BigIntStats | null): void {
  const now = lstatSync(diskPath(repo.root, step.path), { bigint: true, throwIfNoEntry: false }) ?? null;
  // A folder that the deletions emptied may stand where a file will be.
  if (then === null && (now === null || now.isDirectory())) return;
  if (then !== null && now !== null && sameStat(then, now)) return;
  throw new ChangedMeanwhile(step.path);
}

/** Deletes a file or link; gone already is fine. Never goes through a link. */
export function deleteFile(repo: Repo, file: RawPath): void {
  if (blockingParent(repo, file) !== undefined) return; // its folder is gone, so is it
  try {
    unlinkSync(diskPath(repo.root, file));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** Moves a staged file to its place in one rename; a file that was there keeps its permissions but for the executable bit. */
export function placeFile(repo: Repo, file: RawPath, staged: string, mode: string): void {
  const target = diskPath(repo.root, file);
  if (blockingParent(repo, file) !== undefined) throw new ChangedMeanwhile(file);
  const dir = rawDir(file);
  if (dir !== '') mkdirSync(diskPath(repo.root, dir), { recursive: true });
  const there = lstatSync(target, { throwIfNoEntry: false });
  if (there?.isDirectory()) removeEmptyTree(repo, file);
  if (mode !== '120000') {
    const bits = there?.isFile() ? there.mode & 0o666 : lstatSync(staged).mode & 0o666;
    chmodSync(staged, mode === '100755' ? bits | ((bits & 0o444) >> 2) : bits);
  }
  try {
    renameSync(staged, target);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    copyAcross(staged, target, mode);
  }
}

// A folder of the work tree on another file system: a copy beside the target, then the rename.
function copyAcross(staged: string, target: Buffer, mode: string): void {
  const beside = Buffer.concat([target, Buffer.from(`.devenv-${randomId()}`)]);
  if (mode === '120000') symlinkSync(readlinkSync(staged, { encoding: 'buffer' }), beside);
  else copyFileSync(staged, beside);
  renameSync(beside, target);
  unlinkSync(staged);
}

// Only empty folders: rmdir refuses all others, so nothing can be lost here.
function removeEmptyTree(repo: Repo, dir: RawPath): void {
  try {
    for (const name of readdirSync(diskPath(repo.root, dir), { encoding: 'buffer' }))
      removeEmptyTree(repo, `${dir}/${name.toString('latin1')}`);
    rmdirSync(diskPath(repo.root, dir));
  } catch {
    throw new ChangedMeanwhile(dir);
  }
}

/** Removes the folders that the deletions left empty, from the inside out. */
function removeEmptied(repo: Repo, deleted: readonly RawPath[]): void {
  const dirs = new Set<RawPath>();
  for (const file of deleted)
    for (let dir = rawDir(file); dir !== '' && !dirs.has(dir); dir = rawDir(dir)) dirs.add(dir);
  for (const dir of [...dirs].sort((a, b) => b.length - a.length)) {
    try {
      if (blockingParent(repo, dir) === undefined) rmdirSync(diskPath(repo.root, dir));
    } catch {
      // Not empty, or gone, or a file by now: each is as it should be.
    }
  }
}
