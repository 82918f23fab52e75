import { rmSync } from 'node:fs';
import { DevenvError, self } from '../base/index.ts';
import { claimUndoEntry, dropUndoEntry, nextUndoRef, savePresent } from '../checkpoint/index.ts';
import type { SavedPresent, SavedState, SavePresentInput } from '../checkpoint/index.ts';
import { diffCommits, displayPath, git, updateIndex } from '../git/index.ts';
import type { IndexUpdate, RawPath, Repo } from '../git/index.ts';
import { applySteps } from './apply.ts';
import type { DoneStep } from './apply.ts';
import { checkSteps } from './check.ts';
import type { Checked } from './check.ts';
import { goBack } from './go-back.ts';
import { moveHead, planHead } from './head.ts';
import {
  abandonJournal,
  isJournalled,
  removeJournal,
  replaceJournal,
  startOf,
  writeJournal,
} from './journal.ts';
import type { HeadMove, Journal } from './journal.ts';
import { deletesMuch, planIndex, planRollback } from './plan.ts';
import { makeStage, stageFiles } from './stage.ts';

export interface PutBackInput extends Omit<SavePresentInput, 'include'> {
  readonly saved: SavedState;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** What was (or, for a dry run, would be) done. Paths as people read them, sorted. */
export interface PutBackResult {
  /** The commit that holds the present. */
  readonly from: string;
  /** The ref that keeps it; null when nothing was done. */
  readonly undo: string | null;
  readonly written: readonly string[];
  readonly deleted: readonly string[];
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  /** The staged state was put back too. */
  readonly staged: boolean;
}

interface Ready {
  readonly present: SavedPresent;
  readonly checked: Checked;
  readonly kept: PutBackResult['kept'];
  readonly index: readonly IndexUpdate[];
  readonly head: HeadMove | null;
}

const tries = 6;

/**
 * Makes the work tree and the staged state what a commit of devenv's holds: the present is saved first,
 * then planned, checked, staged beside the work tree, journalled, and only then done, file by file.
 */
export async function putBack(repo: Repo, input: PutBackInput): Promise<PutBackResult> {
  const ready = await prepare(repo, input);
  const steps = ready.checked.steps.map(({ step }) => step);
  const names = (deleted: boolean): string[] =>
    steps
      .filter((step) => (step.after === null) === deleted)
      .map((step) => displayPath(step.path))
      .sort();
  const result = {
    from: ready.present.snapshot.commit,
    undo: null,
    written: names(false),
    deleted: names(true),
    kept: ready.kept,
    staged: ready.index.length > 0,
  };
  if (!input.yes && !input.dryRun)
    await refuseMuch(repo, ready.present.snapshot.tree, result.deleted.length, input);
  if (input.dryRun) return result;
  // Nothing differs. An undo is noted all the same, else the next one would stop at the same entry.
  const nothing = steps.length === 0 && ready.index.length === 0 && ready.head === null;
  if (nothing && input.kind === 'rollback') return result;
  return { ...result, undo: await carryOut(repo, input, ready) };
}

async function prepare(repo: Repo, input: PutBackInput): Promise<Ready> {
  const include = new Set<RawPath>();
  let changed: readonly RawPath[] = [];
  for (let attempt = 0; attempt < tries; attempt++) {
    const present = await savePresent(repo, { ...input, include: [...include] });
    if (present.snapshot.unmerged)
      throw new DevenvError(
        'refused',
        'files are unmerged',
        'resolve them and `git add` them, or give the merge up (git merge --abort), then try again',
      );
    const { plan, index, head } = await makePlan(repo, input, present);
    const captured = new Set([...present.capture.files.map((file) => file.path), ...present.capture.deleted]);
    const checked = await checkSteps(repo, plan.steps, captured);
    if (checked.unsaved.length === 0 && checked.changed.length === 0)
      return { present, checked, kept: [...plan.kept, ...checked.kept], index, head };
    for (const path of checked.unsaved) include.add(path);
    changed = checked.changed;
  }
  throw new DevenvError(
    'refused',
    `files change all the time: ${[...changed, ...include].slice(0, 3).map(displayPath).join(', ')}`,
    'stop what writes them and try again; nothing was changed',
  );
}

async function makePlan(
  repo: Repo,
  input: PutBackInput,
  present: SavedPresent,
): Promise<{ plan: ReturnType<typeof planRollback>; index: readonly IndexUpdate[]; head: HeadMove | null }> {
  const { saved } = input;
  const head = input.movesHead ? planHead(present.snapshot, saved) : null;
  const [diff = [], staged = [], raw = []] = await diffCommits(repo, [
    { from: present.snapshot.commit, to: saved.commit },
    // With HEAD moving along, the whole index goes back; else only what was staged, on top of the HEAD that stays.
    { from: head ? present.snapshot.staged : saved.head, to: saved.staged },
    ...(saved.head === null ? [] : [{ from: saved.head, to: saved.commit }]),
  ]);
  const uncovered = new Map(
    [...present.snapshot.skipped, ...saved.skipped].map((skip) => [skip.path, skip.reason]),
  );
  const rawPaths = new Set((saved.head === null ? diff : raw).map((entry) => entry.path));
  const plan = planRollback({ diff, raw: rawPaths, uncovered, partial: saved.partial });
  const index = planIndex({
    present: head ? [] : present.capture.staged,
    target: staged,
    intendedNow: present.capture.intended,
    intendedThen: saved.intended,
  });
  return { plan, index, head };
}

async function refuseMuch(repo: Repo, tree: string, deleted: number, input: PutBackInput): Promise<void> {
  if (deleted <= 20) return;
  const listing = await git(repo, ['ls-tree', '-r', '-z', '--name-only', tree]);
  const files = listing.stdout.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
  if (!deletesMuch(deleted, files)) return;
  throw new DevenvError(
    'refused',
    `the ${input.kind} to ${input.target} would delete ${deleted} of ${files} files`,
    'see them with --dry-run; go ahead with --yes (devenv undo brings them back)',
  );
}

async function carryOut(repo: Repo, input: PutBackInput, ready: Ready): Promise<string> {
  const stage = makeStage(repo);
  try {
    const steps = await stageFiles(
      repo,
      stage,
      input.saved.commit,
      ready.checked.steps.map(({ step }) => step),
    );
    const journal: Journal = {
      version: 1,
      root: repo.root,
      kind: input.kind,
      pid: self.pid,
      started: startOf(self.pid),
      undo: await nextUndoRef(repo),
      present: ready.present.snapshot.commit,
      target: input.saved.commit,
      name: input.target,
      stage,
      steps,
      index: ready.index,
      head: ready.head,
    };
    return await doJournalled(repo, journal, ready);
  } finally {
    // With the journal still there, so is what it speaks of: the next rollback finishes this one.
    if (!isJournalled(repo, stage)) rmSync(stage, { recursive: true, force: true });
  }
}

/** Returns the ref that keeps what was there before. */
async function doJournalled(repo: Repo, planned: Journal, ready: Ready): Promise<string> {
  writeJournal(repo, planned);
  const done: DoneStep[] = [];
  let journal = planned;
  try {
    await claimUndoEntry(repo, planned, (undo) => {
      if (undo !== journal.undo) replaceJournal(repo, (journal = { ...journal, undo }));
    });
    const stats = ready.checked.steps.map(({ stat }) => stat);
    applySteps(repo, journal.stage, journal.steps, stats, (one) => done.push(one));
    await updateIndex(repo, journal.index);
    if (journal.head) await moveHead(repo, journal.head, journal.name);
  } catch (error) {
    throw await takeBack(repo, journal, done, error);
  }
  removeJournal(repo, journal);
  return journal.undo;
}

// The index was not changed yet, or not at all, since it is changed in one rename at the very end.
async function takeBack(
  repo: Repo,
  journal: Journal,
  done: readonly DoneStep[],
  error: unknown,
): Promise<unknown> {
  let left: string[];
  try {
    left = await goBack(repo, journal.stage, done);
  } catch (second) {
    // Half of it is done: the journal stays, so that the next rollback or undo finishes it.
    abandonJournal(journal);
    throw second;
  }
  try {
    if (left.length === 0) await dropUndoEntry(repo, journal.undo, journal.present);
  } finally {
    removeJournal(repo, journal);
  }
  if (left.length === 0) return error;
  const name = journal.undo.replace('refs/devenv/', '');
  return new DevenvError(
    'refused',
    `${error instanceof Error ? error.message : String(error)}; left as they are, since they were edited meanwhile: ${left.join(', ')}`,
    `all else is as it was; what was there before is kept in ${journal.undo} (devenv rollback ${name})`,
    error,
  );
}
