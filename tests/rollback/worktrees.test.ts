import { rmSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { lastGood, listCheckpoints, resolveCheckpoint } from '../../src/checkpoint/index.ts';
import { makeRepo, openTestRepo, type TestRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';

async function addTree(t: TestRepo, dir: string): Promise<TestRepo> {
  await t.git('worktree', 'add', '-q', '-f', '--detach', dir, 'main');
  return openTestRepo(dir, t.env);
}

test('a new work tree inherits nothing of a removed one with its name, but has it by its own name', async () => {
  const t = await makeRepo();
  const dir = path.join(tempDir('linked'), 'side');
  const first = await addTree(t, dir);
  first.write('a.txt', 'good\n');
  const good = await first.checkpoint({ verdict: 'passed' });
  first.write('a.txt', 'work of the first\n');
  await first.rollBack();
  await t.git('worktree', 'remove', '--force', dir);

  const second = await addTree(t, dir);
  // Within one second nothing but their marks tells them apart.
  const made = path.join(second.repo.gitDir, 'commondir');
  utimesSync(made, Date.now() / 1000 + 1, Date.now() / 1000 + 1);
  second.write('a.txt', 'work of the second\n');
  await expect(second.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
  await expect(second.rollBack({ target: undefined })).rejects.toMatchObject({ code: 'unknown-tag' });
  // What passed there is worth a good one of its own here.
  second.write('a.txt', 'good\n');
  expect((await second.checkpoint({ verdict: 'passed' })).created).toBe(true);
  second.write('a.txt', 'work of the second\n');
  expect(second.read('a.txt')).toBe('work of the second\n');
  await second.rollBack({ target: good.tag });
  await second.rollBack({ target: 'undo/1' });
  expect(second.read('a.txt')).toBe('work of the first\n');
  await second.undo();
  await second.undo();
  expect(second.read('a.txt')).toBe('work of the second\n');
  await expect(second.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
});

test('a work tree keeps its steps when it is moved, its clock was set back, or its mark is lost', async () => {
  const t = await makeRepo();
  const dir = path.join(tempDir('linked'), 'side');
  const before = await addTree(t, dir);
  before.write('a.txt', 'good\n');
  await before.checkpoint({ verdict: 'passed' });
  before.write('a.txt', 'work\n');
  await before.rollBack();
  await t.git('worktree', 'move', dir, `${dir}-moved`);
  const moved = await openTestRepo(`${dir}-moved`, t.env);
  const inHour = Date.now() / 1000 + 3600;
  utimesSync(path.join(moved.repo.gitDir, 'commondir'), inHour, inHour);
  expect((await lastGood(moved.repo))?.verdict).toBe('passed');
  await moved.undo();
  expect(moved.read('a.txt')).toBe('work\n');
  rmSync(path.join(moved.repo.gitDir, 'devenv-notes'), { recursive: true });
  utimesSync(path.join(moved.repo.gitDir, 'commondir'), 0, 0);
  await moved.redo();
  expect(moved.read('a.txt')).toBe('good\n');
});

test('a linked work tree in a folder called main is not the main one', async () => {
  const t = await makeRepo();
  const linked = await addTree(t, path.join(tempDir('linked'), 'main'));
  t.write('a.txt', 'good\n');
  await t.checkpoint({ verdict: 'passed' });
  t.write('a.txt', 'work\n');
  await t.rollBack();
  await expect(linked.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
  await expect(linked.rollBack({ target: undefined })).rejects.toMatchObject({ code: 'unknown-tag' });
  linked.write('a.txt', 'linked\n');
  await linked.checkpoint();
  expect((await listCheckpoints(t.repo)).map(({ worktree }) => worktree)).toEqual(['main.linked', 'main']);
  await t.undo();
  expect(t.read('a.txt')).toBe('work\n');
});

test('last, -1 and -2 are the newest of this work tree', async () => {
  const t = await makeRepo();
  const side = await addTree(t, path.join(tempDir('linked'), 'side'));
  await expect(side.rollBack({ target: 'last' })).rejects.toMatchObject({
    message: 'there is no checkpoint yet',
  });
  t.write('a.txt', 'one\n');
  await t.checkpoint();
  await expect(side.rollBack({ target: 'last' })).rejects.toMatchObject({
    message: 'there is no checkpoint of this work tree yet',
  });
  t.write('a.txt', 'two\n');
  const two = await t.checkpoint();
  side.write('a.txt', 'side\n');
  side.write('agent.txt', 'side\n');
  const other = await side.checkpoint();
  for (const [target, text] of [
    ['last', 'two\n'],
    ['-1', 'two\n'],
    ['-2', 'one\n'],
    [two.tag, 'two\n'],
    [other.tag, 'side\n'],
  ] as const) {
    await t.rollBack({ target });
    expect([target, t.read('a.txt')]).toEqual([target, text]);
  }
  expect((await resolveCheckpoint(side.repo, 'last')).tag).toBe(other.tag);
  await expect(resolveCheckpoint(side.repo, '-2')).rejects.toMatchObject({ code: 'unknown-tag' });
});
