import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  describeBroken,
  findBrokenRefs,
  lastGood,
  listCheckpoints,
  quarantineRefs,
  snapshot,
} from '../../src/checkpoint/index.ts';
import { gitError } from '../../src/git/index.ts';
import { tempDir } from '../support/temp.ts';
import { makeRepo, openTestRepo, type TestRepo } from './repo.ts';

const big = 'x'.repeat(3 * 1024);
const options = { now: Date.now(), maxFileBytes: 1024 };

async function keys(t: TestRepo, change: () => void): Promise<readonly [string, string]> {
  const { key } = await snapshot(t.repo, options);
  change();
  return [key, (await snapshot(t.repo, options)).key];
}

test('a file that is too large to be held makes another key with each change, and the same one without', async () => {
  const t = await makeRepo();
  t.write('big', big);
  const [one, two] = await keys(t, () => appendFileSync(path.join(t.dir, 'big'), 'more'));
  expect(one).not.toBe(two);
  const [three, four] = await keys(t, () => {});
  expect(three).toBe(four);
});

test('so does a change inside a submodule that was dirty before, and inside a repository of its own', async () => {
  const inner = await makeRepo();
  const t = await makeRepo();
  await t.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.dir, 'sub');
  await t.git('commit', '-q', '-m', 'Sub');
  await t.git('init', '-q', 'own');
  t.write('sub/a.txt', 'dirty\n');
  t.write('own/file', 'one\n');
  for (const file of ['sub/a.txt', 'own/file']) {
    const [one, two] = await keys(t, () => t.write(file, 'dirty in another way\n'));
    expect([file, one === two]).toEqual([file, false]);
  }
  const [three, four] = await keys(t, () => {});
  expect(three).toBe(four);
});

test('a tree that lacks a tracked file as it was tested is not called passed', async () => {
  const t = await makeRepo({ files: { big: 'small yet\n', other: 'o\n' } });
  t.write('big', big);
  for (const taken of [undefined, await snapshot(t.repo, options)]) {
    const made = await t.checkpoint({ verdict: 'passed', tags: 'good', maxFileBytes: 1024, snapshot: taken });
    expect(made).toMatchObject({
      verdict: 'unverified',
      skipped: [{ path: 'big', reason: 'larger than 1 KB' }],
      reason: expect.stringContaining('big'),
    });
  }
  expect(await t.git('tag')).toBe('');
  // An untracked one is nobody's promise.
  await t.git('checkout', '-q', 'big');
  t.write('untracked', big);
  expect((await t.checkpoint({ verdict: 'passed', maxFileBytes: 1024 })).verdict).toBe('passed');
});

test('with HEAD detached, the last good one is of this line of work, not of any detached one', async () => {
  const t = await makeRepo();
  const start = await t.git('rev-parse', 'HEAD');
  await t.git('checkout', '-q', '--detach');
  await t.git('commit', '-q', '--allow-empty', '-m', 'Elsewhere');
  const made = await t.checkpoint({ verdict: 'passed' });
  expect((await lastGood(t.repo))?.tag).toBe(made.tag);
  await t.git('checkout', '-q', start);
  expect(await lastGood(t.repo)).toBeUndefined();
});

test('a full disk is called so in each of the words git has for it', () => {
  for (const words of ['fatal: write error: No space left on device', 'error: Out of diskspace'])
    expect(gitError('saving a checkpoint', words)).toMatchObject({ code: 'disk-full' });
});

test('a checkpoint of the same tree is not called passed while a tracked file that changed is not in it', async () => {
  const t = await makeRepo({ files: { big: 'small yet\n' } });
  const good = await t.checkpoint({ verdict: 'passed', maxFileBytes: 1024 });
  t.write('big', big);
  for (const taken of [undefined, await snapshot(t.repo, options)]) {
    const same = await t.checkpoint({ verdict: 'passed', maxFileBytes: 1024, snapshot: taken });
    expect(same).toMatchObject({ tag: good.tag, created: false, verdict: 'unverified', lacking: ['big'] });
    expect(same.skipped).toEqual([{ path: 'big', reason: 'larger than 1 KB' }]);
  }
  expect((await lastGood(t.repo))?.tag).toBe(good.tag);
});

test('what is good is good on the branch it is on: after a squash the same tree is worth a checkpoint of its own', async () => {
  const t = await makeRepo();
  await t.git('switch', '-qc', 'topic');
  t.write('a.txt', 'better\n');
  await t.git('commit', '-qam', 'Better');
  const there = await t.checkpoint({ verdict: 'passed' });
  await t.git('switch', '-q', 'main');
  await t.git('merge', '-q', '--squash', 'topic');
  await t.git('commit', '-qm', 'Squashed');
  await t.git('branch', '-qD', 'topic');
  expect(await lastGood(t.repo)).toBeUndefined();
  const here = await t.checkpoint({ verdict: 'passed' });
  expect([here.created, here.tree]).toEqual([true, there.tree]);
  expect((await lastGood(t.repo))?.tag).toBe(here.tag);
  expect((await t.checkpoint({ verdict: 'passed' })).created).toBe(false);
});

test('a ref that a power cut emptied keeps nobody from the next checkpoint, and what is in the way is told', async () => {
  const t = await makeRepo();
  await t.checkpoint({ verdict: 'passed' });
  t.write('a.txt', 'two\n');
  const lost = await t.checkpoint({ verdict: 'passed' });
  writeFileSync(path.join(t.dir, '.git/refs/devenv/checkpoints', lost.tag), '');
  for (const taken of [undefined, await snapshot(t.repo, options)]) {
    t.write('b.txt', `${taken === undefined}\n`);
    const made = await t.checkpoint({ verdict: 'passed', snapshot: taken });
    expect([made.created, made.tag > lost.tag]).toEqual([true, true]);
  }
  mkdirSync(path.join(t.dir, '.git/refs/devenv/present'), { recursive: true });
  writeFileSync(path.join(t.dir, '.git/refs/devenv/present/main'), '');
  await expect(t.rollBack({ target: 'last' })).rejects.toMatchObject({
    message: expect.stringContaining('reference broken'),
    hint: expect.stringContaining('devenv doctor --fix'),
  });
});

test('a rollback names tracked files that it cannot put back, of those that were asked for', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  appendFileSync(path.join(t.dir, 'a.txt'), Buffer.alloc(1024 * 1024 + 1));
  t.write('untracked.bin', Buffer.alloc(1024 * 1024 + 1));
  for (const paths of [undefined, ['a.txt']]) {
    const done = await t.rollBack({ target: tag, ...(paths ? { paths } : {}) });
    expect(done).toMatchObject({ undo: null, kept: [{ path: 'a.txt', reason: 'larger than 1 MB' }] });
  }
  expect((await t.rollBack({ target: tag, paths: ['src'] })).kept).toEqual([]);
  t.write('src/b.txt', 'changed\n');
  expect((await t.rollBack({ target: tag })).kept.map((one) => one.path)).toEqual(['a.txt']);
});

test('a broken checkpoint or undo entry is not passed over in silence', async () => {
  const t = await makeRepo();
  const empty = (ref: string): void => writeFileSync(path.join(t.dir, '.git/refs/devenv', ref), '');
  await t.checkpoint({ verdict: 'passed' });
  t.write('a.txt', 'two\n');
  const lost = await t.checkpoint({ verdict: 'passed' });
  empty(`checkpoints/${lost.tag}`);
  for (let n = 0; n < 2; n++) {
    let broken: readonly string[] = [];
    const found = await listCheckpoints(t.repo, { onBroken: (names) => (broken = names) });
    expect([found.length, broken]).toEqual([1, [lost.tag]]);
  }
  for (const target of [undefined, 'last', '-1'])
    expect((await t.rollBack({ target, dryRun: true })).warnings).toEqual([describeBroken([lost.tag])]);
  await expect(t.rollBack({ target: lost.tag })).rejects.toMatchObject({
    message: expect.stringContaining('is broken'),
    hint: expect.stringContaining('devenv doctor --fix'),
  });
  await t.rollBack();
  const first = await t.git('rev-parse', 'refs/devenv/undo/1');
  t.write('a.txt', 'three\n');
  await t.rollBack();
  empty('undo/1');
  await expect(t.redo()).rejects.toMatchObject({
    message: 'undo/1 is broken (a power cut?): it may be the last step',
  });
  writeFileSync(path.join(t.dir, '.git/refs/devenv/undo/1'), `${first}\n`);
  empty('undo/2');
  await expect(t.undo()).rejects.toMatchObject({
    message: expect.stringContaining('undo/2, newer than undo/1'),
  });
  expect(t.read('a.txt')).toBe('a\n');
  await quarantineRefs(t.repo, await findBrokenRefs(t.repo), Date.now());
  await t.undo();
  expect(t.read('a.txt')).toBe('two\n');
});

test('what is staged is worth a checkpoint, though the files are those of the one before', async () => {
  const t = await makeRepo();
  t.write('a.txt', 'two\n');
  t.write('src/b.txt', 'two\n');
  const before = await t.checkpoint();
  await t.git('add', 'a.txt');
  const staged = await t.checkpoint({ message: 'picked' });
  expect([staged.created, staged.tree, staged.filesChanged]).toEqual([true, before.tree, 0]);
  expect((await t.checkpoint()).created).toBe(false);
  // The memory of the last one may be lost.
  const { XDG_STATE_HOME: _, ...env } = t.env;
  const other = await openTestRepo(t.dir, { ...env, XDG_STATE_HOME: tempDir('state') });
  expect((await other.checkpoint()).created).toBe(false);
  await t.git('reset', '-q');
  expect((await t.checkpoint()).created).toBe(false);
  t.write('a.txt', 'three\n');
  await t.rollBack({ target: staged.tag });
  expect(await t.git('diff', '--cached', '--name-only')).toBe('a.txt');
  const taken = await snapshot(t.repo, options);
  await t.git('add', 'src/b.txt');
  expect((await t.checkpoint({ snapshot: taken })).created).toBe(false);
  expect((await t.checkpoint({ snapshot: await snapshot(t.repo, options) })).created).toBe(true);
  // A commit of all that is staged holds it itself.
  await t.git('commit', '-q', '-m', 'All');
  expect((await t.checkpoint()).created).toBe(false);
});
