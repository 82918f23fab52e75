import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { randomId, self } from '../base/index.ts';
import { blobId } from '../checkpoint/index.ts';
import { checkOutInto, diskPath, ownDir, readBlobs, shownPath } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import type { JournalStep } from './journal.ts';
import { writeWhole } from './journal.ts';
import type { Step } from './plan.ts';

/**
 * Up to so many files are on the disk before the first one takes its place. With more it would cost more than
 * all the rest; after a power cut, what came out empty is known by the journal and written again.
 */
const syncedAtMost = 100;
/** In a warning. */
const mostNamed = 3;

/** A new folder for the files to come, on the same file system as the work tree so that a rename suffices. */
export function makeStage(repo: Repo): string {
  const own = ownDir(repo);
  const sameDisk = statSync(own).dev === statSync(repo.root).dev;
  const dir = path.join(
    sameDisk ? own : repo.root,
    `${sameDisk ? '' : '.devenv-'}stage-${self.pid}-${randomId()}`,
  );
  mkdirSync(dir, { mode: 0o700 });
  return dir;
}

/** What is staged, and what must be known of it, a line each. */
export interface Staged {
  readonly steps: readonly JournalStep[];
  readonly warnings: readonly string[];
}

/**
 * Writes all files to come beside the work tree and to the disk, before the first one of it changes. So a
 * full disk or a missing object stops a rollback while nothing has happened yet. A filter that fails stops nothing.
 */
export async function stageFiles(
  repo: Repo,
  stage: string,
  input: { readonly commit: string; readonly steps: readonly Step[]; readonly converts: boolean },
): Promise<Staged> {
  const { commit, steps } = input;
  const writes = steps.map((step, n) => ({ step, n })).filter(({ step }) => step.after !== null);
  const filtered = input.converts ? writes.filter(({ step }) => !step.raw) : [];
  const { ids, failed } = await stageFiltered(repo, stage, commit, filtered);
  const plain = writes.filter(({ n }) => !ids.has(n));
  await stageBlobs(
    repo,
    stage,
    plain.map(({ step, n }) => ({ n, mode: step.after?.mode ?? '', oid: step.after?.oid ?? '' })),
  );
  if (writes.length <= syncedAtMost)
    await syncFiles(
      writes.filter(({ step }) => step.after?.mode !== '120000').map(({ n }) => path.join(stage, String(n))),
    );
  const converted = filtered.filter(
    ({ step, n }) =>
      ids.has(n) &&
      (ids.get(n) !== step.after?.oid || losesReturns(repo, step.path, path.join(stage, String(n)))),
  );
  return {
    steps: steps.map((step, n) => ({
      path: step.path,
      before: step.before,
      after: step.after,
      staged: ids.get(n) ?? step.after?.oid ?? '',
      blob: ids.has(n) ? null : (step.after?.oid ?? null),
    })),
    warnings: [
      ...warnFailed(failed),
      ...warnOf(
        converted.map(({ step }) => step.path),
        'clean when it was saved, so it comes back as git checks it out (line ends, filters), not always the bytes it had',
      ),
    ],
  };
}

/**
 * Whether a file has Windows line ends now and will have none: with `autocrlf=input` git calls such a file clean and
 * writes it without them.
 */
function losesReturns(repo: Repo, file: RawPath, staged: string): boolean {
  return hasReturns(diskPath(repo.root, file)) && !hasReturns(staged);
}

function hasReturns(file: Buffer | string): boolean {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const start = Buffer.alloc(4096);
      return start.subarray(0, readSync(fd, start)).includes('\r\n');
    } finally {
      closeSync(fd);
    }
  } catch {
    return false; // not there, a folder, a link: nothing of it is lost
  }
}

/** Says of which files the filter failed. */
export function warnFailed(paths: readonly RawPath[]): string[] {
  return warnOf(paths, 'a filter failed, so it comes back as git holds it, unfiltered');
}

function warnOf(paths: readonly RawPath[], what: string): string[] {
  if (paths.length === 0) return [];
  const names = paths.slice(0, mostNamed).map(shownPath).join(', ');
  return [`${what}: ${names}${paths.length > mostNamed ? ` and ${paths.length - mostNamed} more` : ''}`];
}

/** What must be known before files that git may convert are put back; all is tried out, and nothing stays of it. */
export async function foretell(
  repo: Repo,
  commit: string,
  steps: readonly Step[],
): Promise<readonly string[]> {
  const stage = makeStage(repo);
  try {
    const filtered = steps.filter((step) => !step.raw);
    return (await stageFiles(repo, stage, { commit, steps: filtered, converts: true })).warnings;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Writes blobs as files `<n>` of the stage. */
export async function stageBlobs(
  repo: Repo,
  stage: string,
  files: readonly { readonly n: number; readonly mode: string; readonly oid: string }[],
): Promise<void> {
  await readBlobs(
    repo,
    files.map((file) => file.oid),
    (content, i) => {
      const file = files[i];
      if (!file) return;
      const target = path.join(stage, String(file.n));
      if (file.mode === '120000') symlinkSync(Buffer.from(content), target);
      else writeWhole(target, content, file.mode === '100755' ? 0o777 : 0o666);
    },
  );
}

async function stageFiltered(
  repo: Repo,
  stage: string,
  commit: string,
  files: readonly { readonly step: Step; readonly n: number }[],
): Promise<{ readonly ids: ReadonlyMap<number, string>; readonly failed: readonly RawPath[] }> {
  const ids = new Map<number, string>();
  if (files.length === 0) return { ids, failed: [] };
  const dir = path.join(stage, 'checkout');
  const failed = await checkOutInto(repo, { commit, dir, paths: files.map(({ step }) => step.path) });
  const missing = new Set(failed);
  for (const { step, n } of files.filter((one) => !missing.has(one.step.path))) {
    const target = path.join(stage, String(n));
    renameSync(diskPath(dir, step.path), target);
    if (lstatSync(target).isFile()) ids.set(n, blobId(readFileSync(target), repo.objectFormat));
  }
  return { ids, failed };
}

// All at once: the disk writes them in a few goes instead of one after the other.
async function syncFiles(files: readonly string[]): Promise<void> {
  await Promise.all(
    files.map(async (file) => {
      await using handle = await open(file, 'r');
      if ((await handle.stat()).isFile()) await handle.datasync();
    }),
  );
}
