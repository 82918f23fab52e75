import { displayPath, readRef } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import { readLast, saveLast } from './cache.ts';
import { markWorktree, worktreeId } from './origin.ts';
import { capture } from './capture.ts';
import type { Capture } from './capture.ts';
import { writeMessage } from './message.ts';
import type { Trailers } from './message.ts';
import { lookedRefs, testedRefs } from './names.ts';
import type { Snapshot } from './types.ts';
import { writeCapture } from './write.ts';
import type { Written } from './write.ts';

/** What a snapshot leaves out when nobody says otherwise. */
export const defaultMaxFileBytes = 50 * 1024 * 1024;

export interface SnapshotOptions {
  /** Milliseconds since 1970, for the commit's date. */
  readonly now: number;
  readonly maxFileBytes?: number;
  /** Paths to hold as they are on the disk, also when ignored. */
  readonly include?: readonly RawPath[];
  /** `test`: the tree that is judged; `look`: only compared with, so that the one under test stays kept. */
  readonly purpose?: 'test' | 'look';
}

/**
 * Saves the work tree as it is now, without a name: the tree exists and is kept by a ref of this work
 * tree's own until the next snapshot. Nothing that the user can see changes.
 */
export async function snapshot(repo: Repo, options: SnapshotOptions): Promise<Snapshot> {
  const purpose = options.purpose ?? 'test';
  const ref = (purpose === 'test' ? testedRefs : lookedRefs) + worktreeId(repo);
  const found = await capture(repo, {
    ...options,
    maxFileBytes: options.maxFileBytes ?? defaultMaxFileBytes,
  });
  const last = readLast(repo, purpose);
  if (last?.key === found.key && last.ref === ref && (await readRef(repo, ref)) === last.commit)
    return toSnapshot(found, last);
  const written = await keepCapture(repo, found, {
    ref,
    subject: 'devenv: the tree under test',
    reason: 'test',
    options,
  });
  saveLast(repo, purpose, { key: found.key, ...written, ref, head: found.head });
  return toSnapshot(found, written);
}

/** Writes a capture under a ref of devenv's that is no checkpoint. */
export async function keepCapture(
  repo: Repo,
  found: Capture,
  input: {
    readonly ref: string;
    readonly subject: string;
    readonly reason: string;
    readonly more?: Readonly<Record<string, string>>;
    readonly options: SnapshotOptions;
  },
): Promise<Written> {
  return writeCapture(repo, found, {
    ref: input.ref,
    force: true,
    seconds: Math.floor(input.options.now / 1000),
    maxFileBytes: input.options.maxFileBytes ?? defaultMaxFileBytes,
    message: (tree: string) => {
      const facts = trailersOf(repo, found, tree, input.reason);
      return writeMessage(input.subject, {
        ...facts,
        verdict: 'unverified',
        more: { ...facts.more, ...input.more },
      });
    },
  });
}

/** What a capture and a snapshot both know. */
export type Facts = Pick<
  Snapshot,
  'head' | 'branch' | 'skipped' | 'partial' | 'intended' | 'intendedModes' | 'raw'
>;

/** The facts of a capture as trailers of its commit. */
export function trailersOf(
  repo: Repo,
  found: Facts,
  tree: string,
  reason: string,
): Omit<Trailers, 'verdict'> {
  return {
    tree,
    branch: found.branch,
    head: found.head,
    reason,
    skipped: found.skipped,
    partial: found.partial,
    more: { ...worktreeTrailers(repo), ...pathTrailers(found) },
  };
}

function worktreeTrailers(repo: Repo): Record<string, string> {
  const mark = markWorktree(repo);
  return { Worktree: worktreeId(repo), ...(mark === null ? {} : { 'Worktree-Mark': mark }) };
}

function pathTrailers({ intended, intendedModes, raw }: Facts): Record<string, string> {
  return {
    ...(intended.length === 0 ? {} : { Intent: JSON.stringify(intended) }),
    ...(Object.keys(intendedModes).length === 0 ? {} : { 'Intent-Modes': JSON.stringify(intendedModes) }),
    ...(raw.length === 0 ? {} : { Raw: JSON.stringify(raw) }),
  };
}

/** Tracked files that changed, but that the tree does not hold as they are. */
export function lackingOf(skipped: Capture['skipped']): string[] {
  return skipped.filter((one) => one.changed).map((one) => one.path);
}

/** A capture and what was written of it, as others see it. */
export function toSnapshot(found: Capture, written: Pick<Written, 'tree' | 'commit' | 'staged'>): Snapshot {
  return {
    tree: written.tree,
    commit: written.commit,
    staged: written.staged,
    head: found.head,
    branch: found.branch,
    files: [...found.files.map((file) => file.path), ...found.deleted].map(displayPath).sort(),
    partial: found.partial,
    skipped: found.skipped.map(({ path, reason }) => ({ path, reason })),
    lacking: lackingOf(found.skipped),
    key: found.key,
    unmerged: found.unmerged,
    intended: found.intended,
    intendedModes: found.intendedModes,
    raw: found.raw,
  };
}
