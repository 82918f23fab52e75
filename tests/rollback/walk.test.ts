import { describe, expect, test } from 'vitest';
import { stepStates, walkEntries, type UndoEntry } from '../../src/checkpoint/index.ts';
import { undo as undoCommand } from '../../src/commands/undo.ts';
import { filesOf, makeRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';
import { testContext } from '../commands/context.ts';

const exact = async (t: TestRepo): Promise<unknown> => ({
  files: filesOf(t.dir),
  staged: await stagedState(t),
});

/** Entries as a line of text: `r` a rollback, `u1` an undo of entry 1, `d2` a redo of undo 2. */
function entriesOf(text: string): UndoEntry[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word, i) => ({
      n: i + 1,
      ref: `refs/devenv/undo/${i + 1}`,
      commit: '',
      at: '',
      kind: word[0] === 'r' ? 'rollback' : word[0] === 'u' ? 'undo' : 'redo',
      undoes: word.length > 1 ? Number(word.slice(1)) : undefined,
      target: '',
      to: undefined,
      movedHead: false,
      moved: {},
      paths: undefined,
      reason: 'user',
      files: undefined,
    }));
}

describe('where one stands', () => {
  for (const { name, entries, undo, redo, done = [], back = [] } of [
    { name: 'nothing was done', entries: '', undo: [], redo: [] },
    { name: 'two rollbacks', entries: 'r r', undo: [1, 2], redo: [], done: [1, 2] },
    { name: 'one taken back', entries: 'r r u2', undo: [1], redo: [3], done: [1], back: [2] },
    { name: 'both taken back', entries: 'r r u2 u1', undo: [], redo: [3, 4], back: [1, 2] },
    { name: 'and one done again', entries: 'r r u2 u1 d4', undo: [5], redo: [3], done: [1], back: [2] },
    { name: 'a redo taken back', entries: 'r u1 d2 u3', undo: [], redo: [4], back: [1] },
    { name: 'a new rollback cuts', entries: 'r r u2 u1 r', undo: [5], redo: [], done: [5] },
    { name: 'the oldest were pruned', entries: 'u9 u8', undo: [], redo: [1, 2], back: [1, 2] },
  ])
    test(name, () => {
      const all = entriesOf(entries);
      const walk = walkEntries(all);
      expect(walk.undo.map(({ n }) => n)).toEqual(undo);
      expect(walk.redo.map(({ n }) => n)).toEqual(redo);
      const states = [...stepStates(all)];
      const those = (wanted: string): number[] =>
        states.filter(([, state]) => state === wanted).map(([n]) => n);
      expect([those('done'), those('taken-back')]).toEqual([done, back]);
    });
});

test('[invariant 4] undo and redo walk both ways, any number of steps, and each state is exact', async () => {
  const t = await makeRepo();
  const tags: string[] = [];
  for (const text of ['1', '2', '3']) {
    t.write('a.txt', text);
    t.write(`only-${text}.txt`, text);
    await t.git('add', 'a.txt');
    tags.push((await t.checkpoint()).tag);
  }
  t.write('a.txt', 'now\n');
  await t.git('add', 'a.txt');
  t.write('a.txt', 'edited\n');
  const states = [await exact(t)];
  for (const tag of tags.toReversed()) {
    await t.rollBack({ target: tag });
    states.push(await exact(t));
  }
  for (let round = 0; round < 2; round++) {
    for (const state of states.slice(0, -1).toReversed()) {
      expect((await t.undo()).back).toBe('devenv undo --redo');
      expect(await exact(t)).toEqual(state);
    }
    await expect(t.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
    for (const state of states.slice(1)) {
      expect((await t.redo()).back).toBe('devenv undo');
      expect(await exact(t)).toEqual(state);
    }
    await expect(t.redo()).rejects.toMatchObject({
      code: 'unknown-tag',
      message: 'there is nothing to redo',
    });
  }
});

test('an edit between undo and redo is what the next undo brings back', async () => {
  const t = await makeRepo();
  await t.checkpoint();
  t.write('a.txt', 'now\n');
  await t.rollBack();
  t.write('a.txt', 'after the rollback\n');
  await t.undo();
  t.write('a.txt', 'after the undo\n');
  await t.redo();
  expect(t.read('a.txt')).toBe('after the rollback\n');
  await t.undo();
  expect(t.read('a.txt')).toBe('after the undo\n');
});

test('a rollback after undos cuts the way forward; the states stay and can be had back', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  t.write('a.txt', 'first\n');
  await t.rollBack({ target: tag });
  t.write('a.txt', 'lost?\n');
  await t.undo();
  await t.rollBack({ target: tag });
  await expect(t.redo()).rejects.toMatchObject({ code: 'unknown-tag' });
  await t.rollBack({ target: 'undo/2' });
  expect(t.read('a.txt')).toBe('lost?\n');
  await t.undo();
  await t.undo();
  expect(t.read('a.txt')).toBe('first\n');
});

test('[invariant 33] undo --list shows each step, who did it, what became of it and what comes next', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  const ctx = testContext({ env: t.env, cwd: t.dir });
  expect((await undoCommand(ctx, { list: true })).json).toEqual({ undo: null, redo: null, steps: [] });
  t.write('a.txt', 'now\n');
  t.write('new.txt', 'new\n');
  await t.rollBack({ target: tag });
  t.write('a.txt', 'again\n');
  await t.rollBack({ target: tag, reason: 'checkpointer' });
  await t.undo();
  const { json, text } = await undoCommand(ctx, { list: true });
  expect(json).toMatchObject({
    undo: 1,
    redo: 3,
    steps: [
      { n: 3, kind: 'undo', undoes: 2, state: 'past', reason: 'user', files: 1 },
      {
        n: 2,
        ref: 'refs/devenv/undo/2',
        kind: 'rollback',
        target: tag,
        reason: 'checkpointer',
        state: 'taken-back',
      },
      { n: 1, kind: 'rollback', target: tag, reason: 'user', files: 2, state: 'done', head: false },
    ],
  });
  expect(text).toMatch(
    /redo > +3 .*\n.* 2 .*reset to .*by the checkpointer.*taken back.*\nundo > +1 .*2 files/,
  );
  expect(text).toContain('devenv undo takes 1 back; devenv undo --redo does again what 3 took back');
});

test('[invariant 33] undo --list counts what a step changed, not what differed and was left', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  t.write('.gitignore', '# no rules any more\n');
  t.write('.env', 'SECRET=1\n');
  t.write('a.txt', 'now\n');
  const done = await t.rollBack({ target: tag });
  expect([...done.written, ...done.deleted]).toEqual(['.gitignore', 'a.txt']);
  await t.undo();
  const ctx = testContext({ env: t.env, cwd: t.dir });
  expect((await undoCommand(ctx, { list: true })).json).toMatchObject({
    steps: [{ files: 2 }, { files: 2 }],
  });
});
