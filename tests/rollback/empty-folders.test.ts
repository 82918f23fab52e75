import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { filesOf, makeRepo, type TestRepo } from '../checkpoint/repo.ts';

// No checkpoint holds an empty folder; a step that is taken back leaves those that it found.

const at = (t: TestRepo, ...names: string[]): string => path.join(t.dir, ...names);

/** A checkpoint with files in folders that are empty, or gone, by now. */
async function emptied(): Promise<{ t: TestRepo; tag: string }> {
  const t = await makeRepo({ files: { 'a.txt': 'a\n', 'd/f': 'f\n', 'd/e/g': 'g\n', 'new/h': 'h\n' } });
  t.write('d/x/y/u', 'u\n');
  const { tag } = await t.checkpoint();
  for (const name of ['d', 'new']) rmSync(at(t, name), { recursive: true });
  mkdirSync(at(t, 'd/e'), { recursive: true });
  mkdirSync(at(t, 'd/x'));
  return { t, tag };
}

test('undo leaves the folders that were empty before the rollback, and takes those that it made', async () => {
  const { t, tag } = await emptied();
  const own = lstatSync(at(t, 'd/e')).ino;
  for (let round = 0; round < 2; round++) {
    if (round === 0) await t.rollBack({ target: tag });
    else await t.redo();
    expect(existsSync(at(t, 'd/x/y/u'))).toBe(true);
    await t.undo();
    expect(readdirSync(t.dir).toSorted()).toEqual(['.git', 'a.txt', 'd']);
    expect(readdirSync(at(t, 'd')).toSorted()).toEqual(['e', 'x']);
    expect([readdirSync(at(t, 'd/e')), readdirSync(at(t, 'd/x'))]).toEqual([[], []]);
    expect(lstatSync(at(t, 'd/e')).ino).toBe(own);
  }
});

test('an empty folder whose place a file took comes back with undo', async () => {
  const t = await makeRepo({ files: { 'a.txt': 'a\n', d: 'a file\n' } });
  const { tag } = await t.checkpoint();
  t.remove('d');
  mkdirSync(at(t, 'd'));
  await t.rollBack({ target: tag });
  expect(t.read('d')).toBe('a file\n');
  await t.undo();
  expect(readdirSync(at(t, 'd'))).toEqual([]);
});

test('a folder with files goes with the last of them, as with git', async () => {
  const t = await makeRepo({ files: { 'a.txt': 'a\n' } });
  const { tag } = await t.checkpoint();
  t.write('d/f', 'f\n');
  const before = filesOf(t.dir);
  await t.rollBack({ target: tag });
  expect(existsSync(at(t, 'd'))).toBe(false);
  await t.undo();
  expect(filesOf(t.dir)).toEqual(before);
});

test('a rollback that is taken back by itself leaves them too', async () => {
  const { t, tag } = await emptied();
  await t.git('add', '-A');
  // Nobody gives this lock up: the staged state cannot be put back.
  t.write('.git/index.lock', '');
  await expect(t.rollBack({ target: tag })).rejects.toThrow(/index\.lock/);
  expect(readdirSync(at(t, 'd')).toSorted()).toEqual(['e', 'x']);
  expect(existsSync(at(t, 'new'))).toBe(false);
});
