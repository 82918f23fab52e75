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
