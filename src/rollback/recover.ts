import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import path from 'node:path';
import { isAlive } from '../base/index.ts';
import { addUndoEntry, blobId, readDiskFile } from '../checkpoint/index.ts';
import { checkOutInto, diskPath, displayPath, releaseIndexLock, updateIndex } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { applySteps } from './apply.ts';
import { blockingParent } from './check.ts';
import { moveHead } from './head.ts';
import { journalFile, ownLitter, readAbandoned, removeJournal } from './journal.ts';
import type { Journal, JournalStep } from './journal.ts';
import { stageBlobs } from './stage.ts';

/** A rollback that was killed and is now finished. */
export interface Recovery {
  /** What was put back. */
  readonly name: string;
  readonly undo: string;
  /** Changed since by somebody else, and so left as they are. */
  readonly left: readonly string[];
}

/** Whether there is something to look at; costs next to nothing. */
export function needsRecovery(repo: Repo): boolean {
  return existsSync(journalFile(repo));
}

/**
 * Finishes a rollback whose process was killed, and removes what killed processes of devenv's left.
 * A file that was edited since is left as it is. To be called before anything else is done to a work tree.
 */
export async function recover(repo: Repo): Promise<Recovery | undefined> {
  const journal = readAbandoned(repo);
  if (journal) releaseIndexLock(repo, ownLitter(repo));
  const recovery = journal && (await finish(repo, journal));
  for (const file of ownLitter(repo)) rmSync(file, { recursive: true, force: true });
  removeCrashReports(repo);
  return recovery;
}

async function finish(repo: Repo, journal: Journal): Promise<Recovery> {
  await addUndoEntry(repo, journal.undo, journal.present);
  const left: string[] = [];
  const pending: { step: JournalStep; n: number; stat: BigIntStats | null }[] = [];
  journal.steps.forEach((step, n) => {
    const seen = progressOf(repo, step);
    if (seen.state === 'to-do') pending.push({ step, n, stat: seen.stat });
    else if (seen.state === 'other') left.push(displayPath(step.path));
  });
  await stageAgain(repo, journal, pending);
  const todo = new Map(pending.map(({ n, stat }) => [n, stat]));
  // Steps keep their number, since it names their staged file; the others are passed over.
  const steps = journal.steps.map((step, n) => (todo.has(n) ? step : undefined));
  applySteps(
    repo,
    journal.stage,
    steps,
    journal.steps.map((_, n) => todo.get(n) ?? null),
    () => {},
  );
  await updateIndex(repo, journal.index);
  if (journal.head) await moveHead(repo, journal.head, journal.name);
  removeJournal(repo, journal);
  rmSync(journal.stage, { recursive: true, force: true });
  return { name: journal.name, undo: journal.undo, left };
}

interface Progress {
  readonly state: 'done' | 'to-do' | 'other';
  readonly stat: BigIntStats | null;
}

function progressOf(repo: Repo, step: JournalStep): Progress {
  // Under a file that goes away with this very rollback.
  if (blockingParent(repo, step.path) !== undefined)
    return { state: step.after === null ? 'done' : 'to-do', stat: null };
  const file = readDiskFile(diskPath(repo.root, step.path), Infinity);
  if (!('content' in file)) {
    if (file.kind !== 'absent' && file.kind !== 'folder') return { state: 'other', stat: null };
    if (step.after === null) return { state: 'done', stat: null };
    return { state: step.before === null ? 'to-do' : 'other', stat: null };
  }
  const id = blobId(file.content, repo.objectFormat);
  const isLink = file.kind === 'link';
  const executable = file.executable;
  const is = (held: JournalStep['before'], oid: string): boolean =>
    held !== null && id === oid && isLink === (held.mode === '120000');
  const modeThere =
    step.after !== null &&
    (isLink || executable === (step.after.mode === '100755') || step.before?.mode === step.after.mode);
  if (is(step.after, step.staged) && modeThere) return { state: 'done', stat: file.stat };
  return { state: is(step.before, step.before?.oid ?? '') ? 'to-do' : 'other', stat: file.stat };
}

async function stageAgain(
  repo: Repo,
  journal: Journal,
  pending: readonly { readonly step: JournalStep; readonly n: number }[],
): Promise<void> {
  const lost = pending.filter(
    ({ step, n }) =>
      step.after !== null &&
      lstatSync(path.join(journal.stage, String(n)), { throwIfNoEntry: false }) === undefined,
  );
  if (lost.length === 0) return;
  mkdirSync(journal.stage, { recursive: true });
  await stageBlobs(
    repo,
    journal.stage,
    lost.flatMap(({ step, n }) =>
      step.blob === null ? [] : [{ n, mode: step.after?.mode ?? '', oid: step.blob }],
    ),
  );
  for (const { step, n } of lost.filter((one) => one.step.blob === null)) {
    await checkOutInto(repo, {
      commit: journal.target,
      dir: path.join(journal.stage, `again-${n}`),
      paths: [step.path],
    });
    const made = diskPath(path.join(journal.stage, `again-${n}`), step.path);
    renameSync(made, path.join(journal.stage, String(n)));
  }
}

// `git fast-import` leaves a report when it is cut off; those that speak of devenv's refs are ours.
function removeCrashReports(repo: Repo): void {
  for (const name of readdirSync(repo.gitDir)) {
    const pid = /^fast_import_crash_(\d+)$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const file = path.join(repo.gitDir, name);
    if (readFileSync(file, 'latin1').includes('refs/devenv/')) rmSync(file, { force: true });
  }
}
