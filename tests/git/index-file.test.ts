import { lstatSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { updateIndex } from '../../src/git/index.ts';
import { makeRepo } from '../checkpoint/repo.ts';

test('[invariant 3] an edit of the same size and second stays visible after the staged state was put back', async () => {
  const t = await makeRepo();
  const file = path.join(t.dir, 'a.txt');
  const second = (): number => Math.floor(lstatSync(file).ctimeMs / 1000);
  const past = Math.floor(Date.now() / 1000) - 100;
  const write = (text: string): void => {
    t.write('a.txt', text);
    utimesSync(file, past, past);
  };
  let before: number;
  do {
    write('1\n');
    before = second();
    await t.git('add', 'a.txt');
    write('2\n');
  } while (second() !== before);
  // All in one second, as a script does it; devenv comes later.
  utimesSync(path.join(t.dir, '.git/index'), past, past);
  expect(await t.git('status', '--porcelain')).toBe('MM a.txt');
  const oid = await t.git('rev-parse', 'HEAD:a.txt');
  await updateIndex(t.repo, [{ path: 'src/b.txt', mode: '100644', oid }]);
  expect(await t.git('status', '--porcelain')).toBe('MM a.txt\nMM src/b.txt');
  const made = await t.checkpoint();
  expect(await t.git('show', `${made.tag}:a.txt`)).toBe('2');
});

test('what the user hid from git stays hidden, split index or not', async () => {
  const t = await makeRepo();
  const flags = async (): Promise<string> => t.git('ls-files', '-v', 'a.txt', 'src');
  await t.git('update-index', '--skip-worktree', 'a.txt');
  await t.git('update-index', '--assume-unchanged', 'src/b.txt');
  await t.git('update-index', '--skip-worktree', '--assume-unchanged', 'src/deep/c.txt');
  const before = await flags();
  for (const step of [[], ['--split-index'], ['--no-split-index']]) {
    await t.git('update-index', ...step);
    const oid = await t.git('hash-object', '-w', '--stdin');
    const paths = ['a.txt', 'src/b.txt', 'src/deep/c.txt'];
    await updateIndex(
      t.repo,
      paths.map((name) => ({ path: name, mode: '100644', oid })),
    );
    expect(await flags()).toBe(before);
    expect(await t.git('rev-parse', ':a.txt')).toBe(oid);
  }
});

test('a rollback to other staged content leaves a hidden file hidden', async () => {
  const t = await makeRepo();
  await t.git('update-index', '--skip-worktree', 'a.txt');
  t.write('a.txt', 'mine\n');
  const { tag } = await t.checkpoint();
  await t.git('update-index', '--no-skip-worktree', 'a.txt');
  t.write('a.txt', 'staged later\n');
  await t.git('add', 'a.txt');
  await t.git('update-index', '--skip-worktree', 'a.txt');
  await t.rollBack({ target: tag, yes: true });
  expect(await t.git('ls-files', '-v', 'a.txt')).toBe('S a.txt');
  expect(await t.git('diff', '--cached', '--name-only')).toBe('');
  await t.undo();
  expect(await t.git('ls-files', '-v', 'a.txt')).toBe('S a.txt');
  expect(await t.git('show', ':a.txt')).toBe('staged later');
});
