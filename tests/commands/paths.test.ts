import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkpoints } from '../../src/commands/checkpoints.ts';
import { diff } from '../../src/commands/diff.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { makeRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';
import { testContext } from './context.ts';

test.each(['', '../..', '/', '../x'])(
  '%j is no path of this work tree: said so, and nothing is done',
  async (wrong) => {
    const t = await makeRepo();
    await t.checkpoint();
    t.write('a.txt', 'mine');
    const ctx = testContext({ env: t.env, cwd: t.dir });
    const says = { code: 'usage', message: /^(a path is empty|.* is not in the work tree .*)$/ };
    const expected = expect.objectContaining({
      code: says.code,
      message: expect.stringMatching(says.message),
    });
    await expect(rollback(ctx, { tag: 'last', dryRun: false, yes: true, paths: [wrong] })).rejects.toEqual(
      expected,
    );
    for (const interactive of [false, true])
      await expect(diff({ ...ctx, interactive }, { paths: ['a.txt', wrong] })).rejects.toEqual(expected);
    await expect(diff({ ...ctx, json: true }, { paths: [wrong] })).rejects.toEqual(expected);
    await expect(checkpoints(ctx, { touching: [wrong] })).rejects.toEqual(expected);
    expect(t.read('a.txt')).toBe('mine');
  },
);

test('what git takes as a path goes on working: patterns, words of magic, names through a link', async () => {
  const t = await makeRepo();
  await t.checkpoint();
  t.write('a.txt', 'mine');
  t.write('src/b.txt', 'mine');
  const link = path.join(tempDir('link'), 'here');
  symlinkSync(t.dir, link);
  const names = async (cwd: string, paths: readonly string[]): Promise<string | undefined> =>
    (await diff(testContext({ env: t.env, cwd }), { nameOnly: true, paths })).text;
  expect(await names(t.dir, ['*.txt'])).toBe('a.txt\nsrc/b.txt');
  expect(await names(path.join(t.dir, 'src'), [':/a.txt'])).toContain('a.txt');
  expect(await names(path.join(t.dir, 'src'), ['../a.txt'])).toContain('a.txt');
  expect(await names(path.join(link, 'src'), ['../a.txt'])).toContain('a.txt');
  expect(await names(t.dir, ['.'])).toBe('a.txt\nsrc/b.txt');
});

test('a path with words of magic that git does not know is wrong usage, not a defect', async () => {
  const t = await makeRepo();
  await t.checkpoint();
  t.write('a.txt', 'mine');
  const ctx = testContext({ env: t.env, cwd: t.dir });
  const wrong = ':(bogus)a.txt';
  await expect(diff(ctx, { paths: [wrong] })).rejects.toMatchObject({ code: 'usage' });
  await expect(checkpoints(ctx, { touching: [wrong] })).rejects.toMatchObject({ code: 'usage' });
});
