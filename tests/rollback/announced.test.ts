import { chmodSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeRepo, type TestRepo } from '../checkpoint/repo.ts';

// What `git add -N` has announced, and whose file is gone: only the index still tells what kind of file it was.
const kinds = ['a plain file', 'a program', 'a link'] as const;

async function announceAndRemove(t: TestRepo, kind: (typeof kinds)[number]): Promise<void> {
  if (kind === 'a link') symlinkSync('a.txt', path.join(t.dir, 'n'));
  else t.write('n', 'new\n');
  if (kind === 'a program') chmodSync(path.join(t.dir, 'n'), 0o755);
  await t.git('add', '-N', 'n');
  t.remove('n');
}

const staged = (t: TestRepo): Promise<string> => t.git('ls-files', '-s', 'n');

test.each(kinds)('%s that was announced and is gone is announced as such again by undo', async (kind) => {
  const t = await makeRepo();
  await t.checkpoint();
  await announceAndRemove(t, kind);
  const before = [await staged(t), await t.git('status', '--porcelain=v2')];
  t.write('a.txt', 'edited\n');
  await t.rollBack();
  expect(await staged(t)).toBe('');
  await t.undo();
  await t.git('checkout', '-q', '--', 'a.txt');
  expect([await staged(t), await t.git('status', '--porcelain=v2')]).toEqual(before);
});

test('a rollback from one kind to another gives the entry the kind that it had', async () => {
  const t = await makeRepo();
  await announceAndRemove(t, 'a program');
  const then = await staged(t);
  const { tag } = await t.checkpoint();
  await t.git('rm', '-q', '--cached', 'n');
  await announceAndRemove(t, 'a link');
  const now = await staged(t);
  expect(now).not.toBe(then);
  t.write('a.txt', 'edited\n');
  await t.rollBack({ target: tag });
  expect(await staged(t)).toBe(then);
  await t.undo();
  expect(await staged(t)).toBe(now);
});
