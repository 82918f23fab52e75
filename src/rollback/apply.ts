import { chmodSync, chownSync, lstatSync, readdirSync, rmdirSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import path from 'node:path';
import { DevenvError, errnoOf } from '../base/index.ts';
import { sameStat } from '../checkpoint/index.ts';
import { rawDir, shownPath } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import { notedEmpty, noteEmpty } from './empty-folders.ts';
import { openFolders } from './folders.ts';
import type { Folders } from './folders.ts';
import type { Journal, JournalStep } from './journal.ts';
import { modeToSet, noteModes, readModes } from './modes.ts';
import type { Modes } from './modes.ts';
import { createFile, lookAt, replaceFile, sameFile, takeAway } from './swap.ts';

/** A file was changed by somebody else between the check and its turn. */
export class ChangedMeanwhile extends DevenvError {
  constructor(file: RawPath) {
    super(
      'refused',
      `${shownPath(file)} changed meanwhile`,
      'everything is as it was; try again when nothing writes to it',
    );
  }
}

/** A step that was carried out, with all it takes to go back. */
export interface DoneStep {
  readonly step: JournalStep;
  /** What was there before, under another name; undefined when nothing was, or it could have none. */
  readonly aside: string | undefined;
  readonly before: BigIntStats | null;
  /** What the path looked like when the step was done; null when nothing was left there. */
  readonly placed: BigIntStats | null;
}

/** What stood at the path of step `n`, until the rollback is through. */
export function asideOf(stage: string, n: number): string {
  return path.join(stage, `old-${n}`);
}

/**
 * Deletes first (a file may come where a folder was), then writes. Before each one it is checked that the path
 * is as it was when it was saved, and that the way to it has no link; at the end, that nobody wrote to a file
 * that had been replaced. Folders that were empty in the state that comes back stay. Each step that was done is said, also when a later one throws `ChangedMeanwhile`.
 */
export function applySteps(
  repo: Repo,
  { stage, present, target }: Pick<Journal, 'stage' | 'present' | 'target'>,
  steps: readonly (JournalStep | undefined)[],
  stats: readonly (BigIntStats | null)[],
  onDone: (done: DoneStep) => void,
): void {
  const order = [...steps.keys()].sort(
    (a, b) => Number(steps[a]?.after !== null) - Number(steps[b]?.after !== null),
  );
  const known = steps.filter((step) => step !== undefined);
  const leaving = known.filter((step) => step.after === null);
  noteModes(
    repo,
    steps.flatMap((step, n) => (step && stats[n] ? [{ ...step, stat: stats[n] }] : [])),
  );
  const modes = readModes(repo);
  const isNew = (step: JournalStep): boolean => step.before === null && step.after !== null;
  noteEmpty(
    repo,
    present,
    known.filter(isNew).map((step) => step.path),
  );
  const kept = notedEmpty(repo, target);
  using folders = openFolders(repo);
  const all: DoneStep[] = [];
  for (const n of order) {
    const step = steps[n];
    if (!step) continue;
    const then = stats[n] ?? null;
    const done = naming(step.path, () => {
      const target = expectUnchanged(folders, step, then);
      return carryOut(folders, stage, { n, step, expected: then, target }, modes);
    });
    all.push(done);
    onDone(done);
  }
  removeEmptied(
    folders,
    leaving.map((step) => step.path),
    kept,
  );
  // A file may have taken the place of one.
  for (const dir of kept) folders.make(dir, modes);
  folders.close();
  for (const { step, aside, before } of all) {
    const old = aside === undefined ? null : lookAt(aside);
    if (old !== null && before !== null && !sameFile(old, before)) throw new ChangedMeanwhile(step.path);
  }
}

const forbidden = ['EACCES', 'EPERM', 'EROFS'];

// What Node says names our own paths, not the user's.
function naming<T>(file: RawPath, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const code = errnoOf(error) ?? '';
    // A folder on the way went between the look at it and the act.
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new ChangedMeanwhile(file);
    if (!forbidden.includes(code)) throw error;
    throw new DevenvError(
      'environment',
      `${shownPath(file)} cannot be written or deleted (${code})`,
      'check the permissions of its folder and run the command again',
      error,
    );
  }
}

/** How a path of the work tree looks; null when nothing is there, or no folder leads there. */
export function lookIn(folders: Folders, file: RawPath): BigIntStats | null {
  const target = folders.reach(file);
  return target === undefined ? null : lookAt(target);
}

// Returns where the file is, for the very next act.
function expectUnchanged(folders: Folders, step: JournalStep, then: BigIntStats | null): Buffer | undefined {
  const target = folders.reach(step.path);
  const now = target === undefined ? null : lookAt(target);
  // A folder that the deletions emptied may stand where a file will be.
  if (then === null && (now === null || now.isDirectory())) return target;
  if (then !== null && now !== null && sameStat(then, now)) return target;
  throw new ChangedMeanwhile(step.path);
}

function carryOut(
  folders: Folders,
  stage: string,
  at: {
    readonly n: number;
    readonly step: JournalStep;
    readonly expected: BigIntStats | null;
    readonly target: Buffer | undefined;
  },
  modes: Modes,
): DoneStep {
  const { n, step, expected, target } = at;
  const aside = asideOf(stage, n);
  if (step.after !== null) {
    const placing = {
      file: step.path,
      staged: path.join(stage, String(n)),
      mode: step.after.mode,
      sameMode: step.before?.mode === step.after.mode,
      aside,
      target,
    };
    return { step, before: expected, ...placeFile(folders, { ...placing, expected }, modes) };
  }
  // With its folder gone, so is it.
  if (expected === null || target === undefined)
    return { step, aside: undefined, before: null, placed: null };
  const taken = takeAway(target, expected, aside);
  if (taken === false) throw new ChangedMeanwhile(step.path);
  return { step, aside: taken.aside, before: expected, placed: null };
}

/** A staged file on its way to its place. */
export interface Placing {
  readonly file: RawPath;
  readonly staged: string;
  /** As git writes it; undefined leaves the permissions of the staged file as they are. */
  readonly mode: string | undefined;
  /** As git writes it, what is replaced has the same: then its permissions stay just as they are. */
  readonly sameMode?: boolean;
  /** What is to be replaced; null: nothing, or an empty folder. */
  readonly expected: BigIntStats | null;
  readonly aside: string;
  /** Where it is, when that was just found out. */
  readonly target?: Buffer | undefined;
}

/**
 * Moves a staged file to its place; a file that was there, or is known to have been, keeps its permissions but
 * for the executable bit. Throws `ChangedMeanwhile`.
 */
export function placeFile(
  folders: Folders,
  placing: Placing,
  modes: Modes,
): Pick<DoneStep, 'aside' | 'placed'> {
  const { file, staged, expected } = placing;
  if (expected === null) {
    if (!folders.make(rawDir(file), modes)) throw new ChangedMeanwhile(file);
    if (lookIn(folders, file)?.isDirectory()) removeEmptyTree(folders, file);
  }
  const own = setMode(placing, modes);
  const target = (expected === null ? undefined : placing.target) ?? folders.reach(file);
  if (target === undefined) throw new ChangedMeanwhile(file);
  const replaced =
    expected === null
      ? createFile(target, staged) && { aside: undefined }
      : replaceFile(target, staged, expected, placing.aside);
  if (replaced === false) throw new ChangedMeanwhile(file);
  if (own.dev === (expected ?? own).dev && expected !== null) return { aside: replaced.aside, placed: own };
  // As it was before it got its name: a write right after that is not ours. A copy has another inode.
  const now = lookAt(target);
  return { aside: replaced.aside, placed: now?.ino === own.ino ? own : now };
}

/** What root puts back in somebody's work tree (a nightly run) stays theirs; nobody else may give files away. */
function keepOwner(staged: string, expected: BigIntStats | null): BigIntStats {
  const own = lstatSync(staged, { bigint: true });
  if (!expected?.isFile() || (own.uid === expected.uid && own.gid === expected.gid)) return own;
  try {
    chownSync(staged, Number(expected.uid), Number(expected.gid));
  } catch {
    return own;
  }
  return lstatSync(staged, { bigint: true });
}

// Returns how the staged file looks then.
function setMode({ file, staged, mode, sameMode = false, expected }: Placing, modes: Modes): BigIntStats {
  const own = keepOwner(staged, expected);
  if (mode === undefined || mode === '120000') return own;
  const there = expected?.isFile() ? Number(expected.mode) & 0o777 : undefined;
  const known = there ?? modes[file] ?? Number(own.mode) & 0o777;
  const wanted = modeToSet(known, mode, sameMode && there !== undefined);
  if ((Number(own.mode) & 0o7777) === wanted) return own;
  chmodSync(staged, wanted);
  return lstatSync(staged, { bigint: true });
}

// Only empty folders: rmdir refuses all others, so nothing can be lost here.
function removeEmptyTree(folders: Folders, dir: RawPath): void {
  try {
    // Through the folder itself, not by its name: a link in its place is not followed.
    const own = folders.reach(`${dir}/.`);
    const names = own === undefined ? [] : readdirSync(own, { encoding: 'buffer' });
    for (const name of names) removeEmptyTree(folders, `${dir}/${name.toString('latin1')}`);
    rmdirSync(folders.reach(dir) ?? '');
  } catch {
    throw new ChangedMeanwhile(dir);
  }
}

/** Removes the folders that the deletions left empty, from the inside out, but for those to be kept. */
export function removeEmptied(folders: Folders, deleted: readonly RawPath[], kept: readonly RawPath[]): void {
  const dirs = new Set<RawPath>();
  for (const file of deleted)
    for (let dir = rawDir(file); dir !== '' && !dirs.has(dir); dir = rawDir(dir)) dirs.add(dir);
  for (const dir of kept) dirs.delete(dir);
  for (const dir of [...dirs].sort((a, b) => b.length - a.length)) {
    try {
      const target = folders.reach(dir);
      if (target !== undefined) rmdirSync(target);
    } catch {
      // Not empty, or gone, or a file by now: each is as it should be.
    }
  }
}
