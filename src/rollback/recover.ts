import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import path from 'node:path';
import { isAlive } from '../base/index.ts';
import { blobId, claimUndoEntry, dropUndoEntry, readDiskFile, readSaved } from '../checkpoint/index.ts';
import type { StepKind } from '../checkpoint/index.ts';
import {
  checkOutInto,
  diskPath,
  displayPath,
  headName,
  readRef,
  releaseIndexLock,
  settleImports,
  updateIndex,
} from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import { applySteps, asideOf } from './apply.ts';
import { blockingParent } from './check.ts';
import { openFolders } from './folders.ts';
import { keep } from './go-back.ts';
import { moveHead } from './head.ts';
import { bootId, journalFile, momentOf, ownLitter, readAbandoned, removeJournal } from './journal.ts';
import type { Journal, JournalStep } from './journal.ts';
import { stageBlobs, warnFailed } from './stage.ts';
import { stagedSince } from './staged.ts';

/** A rollback or undo that was killed, and what became of it. */
export interface Recovery {
  readonly kind: StepKind;
  /** What was put back. */
  readonly name: string;
  /** What was there before; null when nothing had been done yet and nothing will be. */
  readonly undo: string | null;
  /**
   * 'finished': all of it is done now. 'nothing-done': it had not begun, so it was given up. 'head-moved': the user
   * went on working with some of it done, so the rest was given up.
   */
  readonly outcome: 'finished' | 'nothing-done' | 'head-moved';
  readonly present: string;
  readonly written: readonly string[];
  readonly deleted: readonly string[];
  /** Changed since by somebody else and so left as they are, or kept beside their place. */
  readonly left: readonly string[];
  /** What must be known of it besides, a line each. */
  readonly warnings: readonly string[];
}

/** Whether there is something to look at; costs next to nothing. */
export function needsRecovery(repo: Repo): boolean {
  return existsSync(journalFile(repo));
}

/** What was killed half way, for those who must not touch the work tree; undefined when nothing was. */
export function unfinished(repo: Repo): Pick<Recovery, 'kind' | 'name'> | undefined {
  const journal = readAbandoned(repo);
  return journal && { kind: journal.kind ?? 'rollback', name: journal.name };
}

/** What was killed, and what deals with it. */
export function describeUnfinished({ kind, name }: Pick<Recovery, 'kind' | 'name'>): string {
  return `the ${kind} to ${name} was killed half way (devenv rollback finishes it, ${wayBack(kind)} takes it back)`;
}

/** The command that takes a step back, right after it. */
export const wayBack = (kind: StepKind): string => `devenv undo${kind === 'undo' ? ' --redo' : ''}`;

/**
 * Finishes a rollback whose process was killed, and removes what killed processes of devenv's left. Only files
 * that hold what they held before it are touched. When it had not begun, or HEAD moved since, it is given up.
 * Only for commands that change the work tree anyway.
 */
export async function recover(repo: Repo): Promise<Recovery | undefined> {
  const journal = readAbandoned(repo);
  if (journal) releaseIndexLock(repo, ownLitter(repo));
  const recovery = journal && (await settle(repo, journal));
  // Without a journal here: that of a rollback under way speaks of its stage.
  if (!needsRecovery(repo))
    for (const file of ownLitter(repo)) rmSync(file, { recursive: true, force: true });
  removeCrashReports(repo);
  await settleImports(repo);
  return recovery;
}

interface Pending {
  readonly step: JournalStep;
  readonly n: number;
  readonly stat: BigIntStats | null;
}

async function settle(repo: Repo, journal: Journal): Promise<Recovery> {
  const left = keepLateWrites(repo, journal);
  const pending: Pending[] = [];
  let done = 0;
  // The machine went down: a file that was in its place may have come out empty.
  const cut = (journal.boot ?? '') !== '' && journal.boot !== bootId();
  journal.steps.forEach((step, n) => {
    const seen = progressOf(repo, step, cut);
    if (seen.state === 'to-do') pending.push({ step, n, stat: seen.stat });
    else if (seen.state === 'other') left.push(displayPath(step.path));
    else done++;
  });
  const moved = await headMoved(repo, journal);
  const nothing = done === 0 && (journal.steps.length > 0 || moved);
  const outcome = nothing ? 'nothing-done' : moved ? 'head-moved' : 'finished';
  let undo: string | null = null;
  if (nothing) await dropUndoEntry(repo, journal.undo, journal.present);
  else undo = await claimUndoEntry(repo, journal, () => {});
  const failed =
    outcome === 'finished' ? await finish(repo, { ...journal, undo: undo ?? journal.undo }, pending) : [];
  removeJournal(repo, journal);
  rmSync(journal.stage, { recursive: true, force: true });
  const names = (deleted: boolean): string[] =>
    outcome === 'finished'
      ? journal.steps
          .filter((step) => (step.after === null) === deleted)
          .map((step) => displayPath(step.path))
          .filter((name) => !left.includes(name))
          .sort()
      : [];
  const { name, present, kind = 'rollback' } = journal;
  const files = { written: names(false), deleted: names(true), left };
  return { kind, name, present, undo, outcome, ...files, warnings: warnFailed(failed) };
}

// Returns the files of which the filter failed.
async function finish(
  repo: Repo,
  journal: Journal,
  pending: readonly Pending[],
): Promise<readonly RawPath[]> {
  const failed = await stageAgain(repo, journal, pending);
  const todo = new Map(pending.map(({ n, stat }) => [n, stat]));
  // Steps keep their number, since it names their staged file; the others are passed over.
  const steps = journal.steps.map((step, n) => (todo.has(n) ? step : undefined));
  applySteps(
    repo,
    journal,
    steps,
    journal.steps.map((_, n) => todo.get(n) ?? null),
    () => {},
  );
  const { head, name, undo, index } = journal;
  if (head)
    await moveHead(repo, head, { name, undo, present: (await readSaved(repo, journal.present)).head });
  // Staged otherwise than when the rollback began: it got so far, or the user staged it.
  const since = index.length === 0 ? new Set<RawPath>() : await stagedSince(repo, journal.present);
  await updateIndex(
    repo,
    index.filter((update) => !since.has(update.path)),
    momentOf(journal),
  );
  return failed;
}

// The user went on: what was to be put back was meant for another state.
async function headMoved(repo: Repo, journal: Journal): Promise<boolean> {
  const { head, branch } = await readSaved(repo, journal.present);
  const [name, now] = [await headName(repo), (await readRef(repo, 'HEAD')) ?? null];
  // Its branch goes before HEAD names the next one.
  const gone = now === null && journal.head?.refs.some(({ ref, to }) => to === null && ref === name);
  const asBefore = name === (branch === null ? head : `refs/heads/${branch}`) && (gone || now === head);
  const asAfter = journal.head !== null && name === journal.head.to && now === journal.head.commit;
  return !asBefore && !asAfter;
}

// A file that was replaced may have been open in an editor that wrote to it later: no other place holds that.
function keepLateWrites(repo: Repo, journal: Journal): string[] {
  const kept: string[] = [];
  using folders = openFolders(repo);
  for (const [n, step] of journal.steps.entries()) {
    const aside = asideOf(journal.stage, n);
    const file = readDiskFile(Buffer.from(aside), Infinity);
    if (file.kind === 'absent') continue;
    if ('content' in file && blobId(file.content, repo.objectFormat) === step.before?.oid)
      rmSync(aside, { force: true });
    else kept.push(keep(repo, folders, aside, step.path));
  }
  return kept;
}

interface Progress {
  readonly state: 'done' | 'to-do' | 'other';
  readonly stat: BigIntStats | null;
}

function progressOf(repo: Repo, step: JournalStep, cut: boolean): Progress {
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
    (isLink ||
      step.before === null ||
      executable === (step.after.mode === '100755') ||
      step.before?.mode === step.after.mode);
  if (is(step.after, step.staged) && modeThere) return { state: 'done', stat: file.stat };
  if (cut && file.kind === 'file' && file.stat.size === 0n && step.after !== null)
    return { state: 'to-do', stat: file.stat };
  return { state: is(step.before, step.before?.oid ?? '') ? 'to-do' : 'other', stat: file.stat };
}

async function stageAgain(
  repo: Repo,
  journal: Journal,
  pending: readonly { readonly step: JournalStep; readonly n: number }[],
): Promise<readonly RawPath[]> {
  const unfiltered: RawPath[] = [];
  const lost = pending.filter(
    ({ step, n }) =>
      step.after !== null &&
      lstatSync(path.join(journal.stage, String(n)), { throwIfNoEntry: false }) === undefined,
  );
  if (lost.length === 0) return unfiltered;
  mkdirSync(journal.stage, { recursive: true });
  await stageBlobs(
    repo,
    journal.stage,
    lost.flatMap(({ step, n }) =>
      step.blob === null ? [] : [{ n, mode: step.after?.mode ?? '', oid: step.blob }],
    ),
  );
  for (const { step, n } of lost.filter((one) => one.step.blob === null)) {
    const failed = await checkOutInto(repo, {
      commit: journal.target,
      dir: path.join(journal.stage, `again-${n}`),
      paths: [step.path],
    });
    if (failed.length > 0) {
      // As when it was staged for the first time: a filter must not stop it.
      const { mode = '', oid = '' } = step.after ?? {};
      await stageBlobs(repo, journal.stage, [{ n, mode, oid }]);
      unfiltered.push(step.path);
      continue;
    }
    const made = diskPath(path.join(journal.stage, `again-${n}`), step.path);
    renameSync(made, path.join(journal.stage, String(n)));
  }
  return unfiltered;
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
