import { lstatSync, readdirSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { DevenvError } from '../base/index.ts';
import { blobId, readDiskFile, sameStat } from '../checkpoint/index.ts';
import type { CapturedFile } from '../checkpoint/index.ts';
import { diskPath, displayPath, flaggedEntries, rawDir, shownPath } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import type { Step } from './plan.ts';
import { lookAt } from './swap.ts';

/** What the look at the disk before a rollback found. */
export interface Checked {
  /** The steps that can be done, each with what its path looked like. */
  readonly steps: readonly { readonly step: Step; readonly stat: BigIntStats | null }[];
  /** In the way, or otherwise than git says, and not saved yet: to be saved first. */
  readonly unsaved: readonly RawPath[];
  /** Clean for git, and on the disk with the very bytes that it holds of them. */
  readonly raw: readonly RawPath[];
  /** Changed since the present was saved. */
  readonly changed: readonly RawPath[];
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
}

/** What was read for the snapshot of the present. */
export interface Captured {
  readonly paths: ReadonlySet<RawPath>;
  readonly files: ReadonlyMap<RawPath, CapturedFile>;
  /** When the reading began, in milliseconds since 1970. */
  readonly since: number;
}

/** A change so long before the reading has another time than any later one. */
const settledMs = 100;

/** Compares every path of a plan with the disk; nothing is changed. Throws 'refused' when a folder is in the way. */
export async function checkSteps(repo: Repo, steps: readonly Step[], captured: Captured): Promise<Checked> {
  const found = {
    steps: [] as { step: Step; stat: BigIntStats | null }[],
    unsaved: [] as RawPath[],
    raw: [] as RawPath[],
    changed: [] as RawPath[],
    kept: [] as { path: string; reason: string }[],
  };
  const leaving = new Set(steps.filter((step) => step.after === null).map((step) => step.path));
  const folders = new Set<RawPath>();
  let sparse: ReadonlySet<RawPath> | undefined;
  for (const step of steps) {
    const blocker = blockingParent(repo, step.path, folders);
    if (blocker !== undefined) {
      if (step.before !== null) found.changed.push(step.path);
      else if (leaving.has(blocker)) found.steps.push({ step, stat: null });
      else found.unsaved.push(blocker);
      continue;
    }
    const seen = unread(repo, step, captured) ?? look(repo, step, leaving);
    if (seen.state === 'as-expected') {
      found.steps.push({ step, stat: seen.stat });
      if (seen.stat?.isFile() && !captured.paths.has(step.path)) found.raw.push(step.path);
    } else if (seen.state === 'other' && !captured.paths.has(step.path)) found.unsaved.push(step.path);
    else {
      sparse ??= new Set((await flaggedEntries(repo)).map((entry) => entry.path));
      if (sparse.has(step.path))
        found.kept.push({
          path: displayPath(step.path),
          reason: 'outside the sparse checkout: git sparse-checkout add brings it',
        });
      else found.changed.push(step.path);
    }
  }
  return found;
}

type Look =
  | { readonly state: 'as-expected'; readonly stat: BigIntStats | null }
  | { readonly state: 'other' | 'gone' };

// Not changed since it was read for the snapshot: reading it a second time tells nothing.
function unread(repo: Repo, step: Step, captured: Captured): Look | undefined {
  const known = captured.files.get(step.path);
  if (!known?.stat || known.oid !== step.before?.oid || known.mode !== step.before.mode) return undefined;
  if (Number(known.stat.ctimeMs) > captured.since - settledMs) return undefined;
  const now = lookAt(diskPath(repo.root, step.path));
  return now !== null && sameStat(known.stat, now) ? { state: 'as-expected', stat: now } : undefined;
}

function look(repo: Repo, step: Step, leaving: ReadonlySet<RawPath>): Look {
  const file = readDiskFile(diskPath(repo.root, step.path), Infinity);
  if (file.kind === 'absent')
    return step.before === null ? { state: 'as-expected', stat: null } : { state: 'gone' };
  if (file.kind === 'folder') {
    if (step.before !== null) return { state: 'gone' };
    refuseFolder(repo, step.path, leaving);
    return { state: 'as-expected', stat: null };
  }
  if ('why' in file)
    throw new DevenvError(
      'refused',
      `${shownPath(step.path)} is in the way and ${file.why}`,
      'move it away and try again; nothing was changed',
    );
  const same =
    step.before !== null &&
    blobId(file.content, repo.objectFormat) === step.before.oid &&
    (file.kind === 'link') === (step.before.mode === '120000');
  return same ? { state: 'as-expected', stat: file.stat } : { state: 'other' };
}

// A folder gives way to a file only when all it holds is deleted by the same plan, that is: is saved.
function refuseFolder(repo: Repo, folder: RawPath, leaving: ReadonlySet<RawPath>): void {
  for (const entry of readdirSync(diskPath(repo.root, folder), { withFileTypes: true, encoding: 'buffer' })) {
    const name = `${folder}/${entry.name.toString('latin1')}`;
    if (entry.isDirectory()) refuseFolder(repo, name, leaving);
    else if (!leaving.has(name)) {
      throw new DevenvError(
        'refused',
        `the folder ${shownPath(folder)} is in the way, with files that no checkpoint holds (${shownPath(name)})`,
        'move it away and try again; nothing was changed',
      );
    }
  }
}

/**
 * The first folder on the way to a path that is no real folder (a file, a link); undefined when all are, or end
 * before. `real` are those that were looked at.
 */
export function blockingParent(repo: Repo, file: RawPath, real = new Set<RawPath>()): RawPath | undefined {
  const parents: RawPath[] = [];
  for (let dir = rawDir(file); dir !== '' && !real.has(dir); dir = rawDir(dir)) parents.unshift(dir);
  for (const dir of parents) {
    const stat = lstatSync(diskPath(repo.root, dir), { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (!stat.isDirectory()) return dir;
    real.add(dir);
  }
  return undefined;
}
