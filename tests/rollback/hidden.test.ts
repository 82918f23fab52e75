import { chmodSync, existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { filesOf, makeRepo, type TestRepo } from '../checkpoint/repo.ts';

// What the user told git not to look at: skip-worktree, assume-unchanged.
const flagsOf = (t: TestRepo): Promise<string> => t.git('ls-files', '-v', '-s');

test('flags of entries that a rollback takes out of the index are there again after its undo, and after redo and undo', async () => {
  const t = await makeRepo();
  await t.checkpoint();
  for (const [name, flags] of [
    ['l', ['--skip-worktree']],
    ['m', ['--assume-unchanged']],
    ['n', ['--skip-worktree', '--assume-unchanged']],
  ] as const) {
    t.write(name, 'staged\n');
    await t.git('add', name);
    await t.git('update-index', ...flags, name);
    t.write(name, 'hidden\n');
  }
  const before = [await flagsOf(t), filesOf(t.dir)];
  await t.rollBack();
  expect(await t.git('ls-files', 'l', 'm', 'n')).toBe('');
  await t.undo();
  expect([await flagsOf(t), filesOf(t.dir)]).toEqual(before);
  await t.redo();
  await t.undo();
  expect([await flagsOf(t), filesOf(t.dir)]).toEqual(before);
});

test.each(['assume-unchanged', 'skip-worktree'])(
  'a file (%s) that was deleted is missing in the tree, and comes back',
  async (flag) => {
    const t = await makeRepo();
    const { tag, tree } = await t.checkpoint();
    await t.git('update-index', `--${flag}`, 'a.txt');
    t.remove('a.txt');
    const without = await t.checkpoint();
    expect(without.tree).not.toBe(tree);
    expect(await t.git('ls-tree', '--name-only', without.tag)).not.toContain('a.txt');
    const now = filesOf(t.dir);
    const done = await t.rollBack({ target: tag, paths: ['a.txt'] });
    expect(done.written).toEqual(['a.txt']);
    await t.undo();
    expect(filesOf(t.dir)).toEqual(now);
  },
);

test('an edit that was hidden comes back from its checkpoint, also after the file was deleted', async () => {
  const t = await makeRepo();
  await t.git('update-index', '--skip-worktree', 'a.txt');
  t.write('a.txt', 'mine\n');
  await t.checkpoint();
  t.remove('a.txt');
  await t.rollBack();
  expect(t.read('a.txt')).toBe('mine\n');
});

test('what a sparse checkout keeps off the disk is not deleted', async () => {
  const t = await makeRepo();
  await t.git('sparse-checkout', 'set', '--no-cone', '/a.txt');
  expect(existsSync(path.join(t.dir, 'src'))).toBe(false);
  t.write('a.txt', 'edited\n');
  const { tag } = await t.checkpoint();
  expect(await t.git('ls-tree', '-r', '--name-only', tag)).toContain('src/b.txt');
});

test('a name that was announced then and is hidden now is announced again, and stays hidden', async () => {
  const t = await makeRepo();
  t.write('n', 'new\n');
  await t.git('add', '-N', 'n');
  const { tag } = await t.checkpoint();
  await t.git('add', 'n');
  await t.git('update-index', '--skip-worktree', 'n');
  t.write('a.txt', 'edited\n');
  await t.rollBack({ target: tag });
  expect(await t.git('ls-files', '-v', 'n')).toBe('S n');
  expect(await t.git('diff', '--cached', '--name-only')).toBe('');
});

test.each([
  ['skip-worktree', 'new\n', false],
  ['skip-worktree', '', false],
  ['skip-worktree', 'new\n', true],
  ['assume-unchanged', 'new\n', false],
  ['assume-unchanged', '', true],
  ['skip-worktree', 'new\n', false, 'split index'],
  ['assume-unchanged', '', true, 'split index'],
])(
  'a name that was only announced, then hidden (%s, %j, gone: %s, %s), goes and comes back with undo',
  async (flag, content, gone, split = '') => {
    const t = await makeRepo();
    await t.git('config', 'core.splitIndex', String(split !== ''));
    await t.git('update-index', '--refresh');
    await t.checkpoint();
    t.write('n', content);
    chmodSync(path.join(t.dir, 'n'), 0o755);
    await t.git('add', '-N', 'n');
    await t.git('update-index', `--${flag}`, 'n');
    if (gone) t.remove('n');
    t.write('a.txt', 'edited\n');
    const now = async () => [
      await flagsOf(t),
      await t.git('diff', '--cached', '--name-only'),
      filesOf(t.dir),
    ];
    const before = await now();
    await t.rollBack();
    expect(await t.git('ls-files', 'n')).toBe('');
    expect(existsSync(path.join(t.dir, 'n'))).toBe(false);
    await t.undo();
    expect(await now()).toEqual(before);
    const { tag } = await t.checkpoint();
    await t.git('update-index', `--no-${flag}`, 'n');
    await t.git('rm', '-q', '--cached', '-f', 'n');
    t.write('a.txt', 'edited again\n');
    await t.rollBack({ target: tag });
    expect(await t.git('ls-files', '-s', 'n')).toContain(gone ? '100755' : 'n');
  },
);

test('a file outside a sparse checkout that a rollback writes is kept off the disk again by undo, also for git', async () => {
  const t = await makeRepo();
  for (const name of ['in/a', 'in/b', 'out/a', 'out/b']) t.write(name, 'old\n');
  await t.git('add', '-A');
  await t.git('commit', '-qm', 'Folders');
  await t.git('sparse-checkout', 'set', '--cone', 'out');
  t.write('out/a', 'staged\n');
  await t.git('add', 'out/a');
  const { tag } = await t.checkpoint();
  // Another edit keeps the folder there, so that git does not look away from it as a whole.
  t.write('out/b', 'edited\n');
  await t.git('sparse-checkout', 'set', 'in');
  t.write('in/a', 'staged too\n');
  await t.git('add', 'in/a');
  const now = async () => [await flagsOf(t), await t.git('status', '--short'), filesOf(t.dir)];
  const before = await now();
  expect(before[0]).toContain('S ');
  await t.rollBack({ target: tag });
  await t.git('status');
  await t.undo();
  expect(await now()).toEqual(before);
});
