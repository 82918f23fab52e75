import { expect, test } from 'vitest';
import { showName } from '../../src/base/index.ts';
import { diff } from '../../src/commands/diff.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { undo } from '../../src/commands/undo.ts';
import { makeRepo } from '../checkpoint/repo.ts';
import { testContext } from './context.ts';

test('a name that would do something to a terminal is quoted as git quotes it; others stay as they are', () => {
  for (const name of ['a.txt', 'mit Leerzeichen', 'Grüße.md', 'a"b', 'back\\slash'])
    expect(showName(name)).toBe(name);
  expect(showName('\u001B[2Kx')).toBe('"\\033[2Kx"');
  expect(showName('a\n  delete  important')).toBe('"a\\n  delete  important"');
  expect(showName('q"\\\t')).toBe('"q\\"\\\\\\t"');
  for (const name of [' a', 'a ', 'src/a ', '\u00A0a']) expect(showName(name)).toBe(`"${name}"`);
  expect(showName('\u202Egpj.exe')).toBe('"\\342\\200\\256gpj.exe"');
});

test('no name of a file forges a line of the plan of rollback or undo; --json has it as it is', async () => {
  const t = await makeRepo({ files: { 'a.txt': 'a\n' } });
  const { tag } = await t.checkpoint();
  const evil = 'new\n  delete  important\u001B[1A';
  t.write(evil, 'x');
  const ctx = testContext({ env: t.env, cwd: t.dir });
  const line = '  delete  "new\\n  delete  important\\033[1A"';
  for (const dryRun of [true, false]) {
    const done = await rollback(ctx, { tag, dryRun, yes: false });
    expect(done.text?.split('\n')).toContain(line);
    expect(done.text?.split('\n')).not.toContain('  delete  important\u001B[1A');
    expect(done.json).toMatchObject({ deleted: [evil] });
  }
  const undone = await undo(ctx, { dryRun: true });
  expect(undone.text?.split('\n')).toContain(line.replace('delete  "', 'write   "'));
});

test('a space at the end of a name is seen in plans and in a diff', async () => {
  const t = await makeRepo({ files: { 'a.txt': 'a\n' } });
  const { tag } = await t.checkpoint();
  for (const name of [' first', 'last ', 'zz ']) t.write(name, 'x');
  const ctx = testContext({ env: t.env, cwd: t.dir });
  expect((await diff(ctx, { nameOnly: true })).text).toBe('" first"\n"last "\n"zz "');
  const done = await rollback(ctx, { tag, dryRun: false, yes: false });
  expect(done.text).toContain('  delete  " first"\n  delete  "last "\n');
  const undone = await undo(ctx, {});
  expect(undone.text).toContain('  write   " first"\n  write   "last "\n');
});

test('nor of an error', async () => {
  const t = await makeRepo({ files: { 'a.txt': 'a\n' } });
  await t.checkpoint();
  const ctx = testContext({ env: t.env, cwd: t.dir });
  await expect(
    rollback(ctx, { tag: 'last', dryRun: false, yes: false, paths: ['no\u001B[2K'] }),
  ).rejects.toThrow('"no\\033[2K" is neither in');
});
