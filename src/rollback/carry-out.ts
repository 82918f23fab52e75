import { rmSync } from 'node:fs';
import { DevenvError, self, showName } from '../base/index.ts';
import { claimUndoEntry, dropUndoEntry, nextUndoRef } from '../checkpoint/index.ts';
import { headName, indexStamp, readRef, shownPath, updateIndex } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { applySteps } from './apply.ts';
import type { DoneStep } from './apply.ts';
import { forgetStats } from './forget-stats.ts';
import { goBack } from './go-back.ts';
import { moveHead, moveHeadBack } from './head.ts';
import {
  abandonJournal,
  bootId,
  isJournalled,
  removeJournal,
  replaceJournal,
  startOf,
  writeJournal,
  momentOf,
} from './journal.ts';
import type { Journal } from './journal.ts';
import type { PutBackInput, Ready } from './prepare.ts';
import { makeStage, stageFiles } from './stage.ts';
import { stagedSince } from './staged.ts';

/** Does what was prepared. Returns the ref that keeps what was there before, and what must be known of it. */
export async function carryOut(
  repo: Repo,
  input: PutBackInput,
  ready: Ready,
): Promise<{ readonly undo: string; readonly warnings: readonly string[] }> {
  const stage = makeStage(repo);
  try {
    const { steps, warnings } = await stageFiles(repo, stage, {
      commit: input.saved.commit,
      steps: ready.checked.steps.map(({ step }) => step),
      converts: ready.converts,
    });
    const looked = ready.converts
      ? await forgetStats(
          repo,
          ready.checked.steps.map(({ step }) => step),
          ready.index,
        )
      : [];
    const journal: Journal = {
      version: 1,
      root: repo.root,
      kind: input.kind,
      pid: self.pid,
      started: startOf(self.pid),
      boot: bootId(),
      undo: await nextUndoRef(repo),
      present: ready.present.snapshot.commit,
      target: input.saved.commit,
      name: input.target,
      stage,
      steps,
      index: [...ready.index, ...looked],
      head: ready.head,
    };
    return { undo: await doJournalled(repo, journal, ready), warnings };
  } finally {
    // With the journal still there, so is what it speaks of: the next rollback finishes this one.
    if (!isJournalled(repo, stage)) rmSync(stage, { recursive: true, force: true });
  }
}

async function doJournalled(repo: Repo, planned: Journal, ready: Ready): Promise<string> {
  writeJournal(repo, planned);
  const done: DoneStep[] = [];
  let journal = planned;
  try {
    await claimUndoEntry(repo, planned, (undo) => {
      if (undo !== journal.undo) replaceJournal(repo, (journal = { ...journal, undo }));
    });
    await expectHead(repo, ready);
    const stats = ready.checked.steps.map(({ stat }) => stat);
    applySteps(repo, journal, journal.steps, stats, (one) => done.push(one));
    await expectHead(repo, ready);
    await moveAndStage(repo, journal, ready);
  } catch (error) {
    throw await takeBack(repo, journal, done, error);
  }
  removeJournal(repo, journal);
  return journal.undo;
}

// A commit or a switch in between: the plan was made for another state.
async function expectHead(repo: Repo, { present: { snapshot } }: Ready): Promise<void> {
  const name = snapshot.branch === null ? snapshot.head : `refs/heads/${snapshot.branch}`;
  const same = (await headName(repo)) === name && ((await readRef(repo, 'HEAD')) ?? null) === snapshot.head;
  if (!same)
    throw new DevenvError(
      'refused',
      'HEAD moved meanwhile',
      'everything is as it was; try again when the other git command is done',
    );
}

// The index last, in one rename: when it cannot be changed, only refs are to be taken back.
async function moveAndStage(repo: Repo, journal: Journal, ready: Ready): Promise<void> {
  const { index, head, name, undo } = journal;
  await expectStaged(repo, journal, ready);
  try {
    if (head) await moveHead(repo, head, { name, undo, present: ready.present.snapshot.head });
    await updateIndex(repo, index, momentOf(journal));
  } catch (error) {
    if (head) await moveHeadBack(repo, head, name);
    throw error;
  }
}

// What somebody staged meanwhile is in no commit of ours.
async function expectStaged(repo: Repo, journal: Journal, ready: Ready): Promise<void> {
  if (journal.index.length === 0 || indexStamp(repo) === ready.indexStamp) return;
  const since = await stagedSince(repo, journal.present);
  const touched = journal.index.find((update) => since.has(update.path));
  if (touched)
    throw new DevenvError(
      'refused',
      `${shownPath(touched.path)} was staged meanwhile`,
      'everything is as it was; try again when the other git command is done',
    );
}

// The index was not changed: that is the last thing done, in one rename.
async function takeBack(
  repo: Repo,
  journal: Journal,
  done: readonly DoneStep[],
  error: unknown,
): Promise<unknown> {
  let left: string[];
  try {
    left = await goBack(repo, journal, done);
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
  if (left.length === 0) return asItWas(error);
  const name = journal.undo.replace('refs/devenv/', '');
  return new DevenvError(
    'refused',
    `${error instanceof Error ? error.message : String(error)}; left as they are, since they were edited meanwhile: ${left.map(showName).join(', ')}`,
    `all else is as it was; what was there before is kept in ${journal.undo} (devenv rollback ${name})`,
    error,
  );
}

// Whoever threw it did not know that all is taken back.
function asItWas(error: unknown): unknown {
  if (!(error instanceof DevenvError) || /as it was|nothing was/.test(error.hint ?? '')) return error;
  const hint = ['everything is as it was', error.hint].filter(Boolean).join('; ');
  return new DevenvError(error.code, error.message, hint, error);
}
