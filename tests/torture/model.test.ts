import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DevenvError } from '../../src/base/index.ts';
import { repoState } from '../../src/git/index.ts';
import { filesOf, makeRepo, stagedState, visibleState, type TestRepo } from '../checkpoint/repo.ts';
import { act, expectSound, litterIn, minutes, tortureSeed, tortureTimeoutMs } from './rig.ts';
import {
  applySetup,
  edit1,
  history,
  isAsk,
  setup,
  userGit,
  type Ask,
  type Setup,
  type Step,
} from './steps.ts';

/** All files with what is in them, which of them a checkpoint holds, and what git has staged. */
interface State {
  readonly all: ReadonlyMap<string, string>;
  readonly held: ReadonlySet<string>;
  readonly staged: string;
  readonly head: string;
  /** In the index, but to be left off the disk, or not looked at. */
  readonly hidden: ReadonlySet<string>;
}

interface World {
  readonly t: TestRepo;
  readonly git: (...args: string[]) => Promise<string>;
  readonly s: Setup;
  readonly saved: { tag: string; state: State }[];
  /** What each rollback that was not undone replaced, and whether nothing but rollbacks was done since. */
  readonly undone: { readonly state: State; fresh: boolean }[];
}

/** Something was done: undoing what was rolled back before keeps it. */
function touch(w: World): void {
  for (const one of w.undone) one.fresh = false;
}

function contentOf(file: string, s: Setup): string {
  const stat = lstatSync(file);
  if (stat.isSymbolicLink()) return `link ${readlinkSync(file)}`;
  const text = readFileSync(file, 'latin1');
  return `${s.fileMode && (stat.mode & 0o100) !== 0 ? 'exec' : 'file'} ${text}`;
}

async function look({ t, git, s }: World): Promise<State> {
  const all = new Map(
    Object.keys(filesOf(t.dir)).map((name): [string, string] => {
      const text = Buffer.from(name, 'latin1').toString('utf8');
      return [text, contentOf(path.join(t.dir, text), s)];
    }),
  );
  const listed = (await git('ls-files', '-z', '-c', '-o', '--exclude-standard')).split('\0');
  const flags = (await git('ls-files', '-z', '-v')).split('\0').filter((row) => /^[a-zS]/.test(row));
  return {
    all,
    held: new Set(listed.filter((name) => all.has(name))),
    staged: await stagedState({ ...t, git }),
    head: await git('rev-parse', 'HEAD'),
    hidden: new Set(flags.map((row) => row.slice(2))),
  };
}

/** Line ends of a tracked file that git calls unchanged may come back as git writes them. */
function plain(w: World, content: string | undefined): string | undefined {
  const converts = w.s.autocrlf !== 'false' || existsSync(path.join(w.t.dir, '.gitattributes'));
  return converts ? content?.replaceAll('\r\n', '\n').replaceAll(/\$Id[^$\n]*\$/g, '$Id$') : content;
}

/** After a rollback: what the target holds is as it was then, what only the present held is gone, all else is untouched. */
function expectPutBack(w: World, target: State, before: State, after: State): void {
  for (const name of new Set([...target.all.keys(), ...before.all.keys(), ...after.all.keys()])) {
    if (target.hidden.has(name) || before.hidden.has(name) || name.startsWith('nested/')) continue;
    const wanted = target.held.has(name)
      ? target.all.get(name)
      : before.held.has(name)
        ? undefined
        : before.all.get(name);
    expect([name, plain(w, after.all.get(name))]).toEqual([name, plain(w, wanted)]);
  }
}

function expectSame(w: World, after: State, before: State): void {
  const files = (state: State): unknown =>
    Object.fromEntries([...state.all].map(([name, content]) => [name, plain(w, content)]));
  expect(files(after)).toEqual(files(before));
  expect([after.head, after.staged]).toEqual([before.head, before.staged]);
}

async function checkpoint(w: World): Promise<void> {
  const state = await look(w);
  const visible = await visibleState({ ...w.t, git: w.git });
  const made = await w.t.checkpoint();
  expect(await visibleState({ ...w.t, git: w.git })).toEqual(visible);
  if (made.created) w.saved.push({ tag: made.tag, state });
}

async function rollback(w: World, back: number): Promise<void> {
  const target = w.saved.at(-back) ?? w.saved[0];
  if (!target) return;
  const before = await look(w);
  try {
    const { undo, kept } = await w.t.rollBack({ target: target.tag, yes: true });
    const after = await look(w);
    if (kept.length === 0) expectPutBack(w, target.state, before, after);
    expect(after.head).toBe(before.head);
    if (undo !== null) w.undone.push({ state: before, fresh: true });
  } catch (error) {
    expectRefused(error);
    expectSame(w, await look(w), before);
    // The way out that the refusal names.
    if (repoState(w.t.repo) === 'merging') await w.git('reset', '-q', '--hard').catch(() => '');
    touch(w);
  }
}

function expectRefused(error: unknown): void {
  if (!(error instanceof DevenvError) || !['refused', 'unknown-tag'].includes(error.code)) throw error;
}

async function undo(w: World): Promise<void> {
  const target = w.undone.at(-1);
  if (!target) return;
  const before = await look(w);
  try {
    const { kept } = await w.t.undo();
    const after = await look(w);
    if (target.fresh) expectSame(w, after, target.state);
    else if (kept.length === 0) expectPutBack(w, target.state, before, after);
    w.undone.pop();
  } catch (error) {
    expectRefused(error);
    expectSame(w, await look(w), before);
  }
}

async function undoEntries(w: World): Promise<number> {
  const refs = await w.git('for-each-ref', '--format=%(refname)', 'refs/devenv/undo');
  return refs === '' ? 0 : refs.split('\n').length;
}

/** A rollback is killed; undo then gives back what was there, unless it never began: then that is there still. */
async function crash(w: World, { back, afterMs }: Ask): Promise<void> {
  const target = w.saved.at(-back) ?? w.saved[0];
  if (!target || repoState(w.t.repo) !== 'clean') return;
  const before = await look(w);
  const entries = await undoEntries(w);
  const running = act(w.t, ['rollback', target.tag]);
  await running.begun;
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  running.kill('all');
  await running.ended;
  const journal = existsSync(path.join(w.t.repo.gitDir, 'devenv/journal.json'));
  if (journal || (await undoEntries(w)) > entries) await w.t.undo();
  expectSame(w, await look(w), before);
}

async function two(w: World): Promise<void> {
  const done = await Promise.all([act(w.t, ['checkpoint']).ended, act(w.t, ['checkpoint']).ended]);
  expect(done.map((one) => [one.code, one.stderr])).toEqual([
    [0, ''],
    [0, ''],
  ]);
}

async function ask(w: World, step: Ask): Promise<void> {
  if (step.do === 'checkpoint') await checkpoint(w);
  else if (step.do === 'rollback') await rollback(w, step.back);
  else if (step.do === 'undo') await undo(w);
  else if (step.do === 'crash') await crash(w, step);
  else await two(w);
}

async function live(s: Setup, steps: readonly Step[]): Promise<void> {
  const t = await makeRepo({ env: { LANG: s.lang, LC_ALL: s.lang } });
  const ran = await applySetup(t, s);
  const w: World = { t, git: userGit(t), s, saved: [], undone: [] };
  await checkpoint(w);
  for (const step of steps) {
    if (isAsk(step)) await ask(w, step);
    else {
      touch(w);
      await edit1(t, step);
    }
  }
  // What a rollback that was killed early left goes with the next one that has something to do.
  if (litterIn(t.repo.gitDir).length > 0) {
    touch(w);
    t.write('one more', 'edit\n');
    await rollback(w, 1);
  }
  expect([existsSync(ran) ? readFileSync(ran, 'utf8') : '', litterIn(t.repo.gitDir)]).toEqual(['', []]);
  await w.git('gc', '-q');
  await expectSound(t);
}

test(
  '[invariant 1] [invariant 4] [invariant 9] [invariant 10] [invariant 12] [invariant 26] whatever is done in whatever setting: a checkpoint is invisible, a rollback exact, an undo exact',
  async () => {
    await fc.assert(
      fc.asyncProperty(setup, history, live),
      minutes > 0
        ? { seed: tortureSeed, numRuns: 1_000_000, interruptAfterTimeLimit: minutes * 60_000 }
        : { seed: tortureSeed, numRuns: 5, endOnFailure: true },
    );
  },
  tortureTimeoutMs,
);
