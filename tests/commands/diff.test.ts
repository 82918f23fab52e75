import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { diff, type DiffCommandInput } from '../../src/commands/diff.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { makeRepo, visibleState, type TestRepo } from '../checkpoint/repo.ts';
import { testContext } from './context.ts';

const text = async (t: TestRepo, input: DiffCommandInput = {}, cwd = t.dir): Promise<string> =>
  (await diff(testContext({ env: t.env, cwd }), input)).text ?? '';

const json = async (t: TestRepo, input: DiffCommandInput = {}): Promise<unknown> =>
  (await diff(testContext({ env: t.env, cwd: t.dir, json: true }), input)).json;

test('against now: new files that git does not track yet are in it, ignored ones are not', async () => {
  const t = await makeRepo();
  t.write('gone.txt', 'was never added\n');
  const { tag } = await t.checkpoint();
  t.remove('gone.txt');
  t.write('new.txt', 'not tracked\n');
  t.write('ignored/x', 'ignored');
  t.write('a.txt', 'a\nb\n');
  const before = await visibleState(t);
  expect(await json(t)).toEqual({
    from: tag,
    to: null,
    files: [
      { path: 'a.txt', change: 'changed', added: 1, removed: 0 },
      { path: 'gone.txt', change: 'deleted', added: 0, removed: 1 },
      { path: 'new.txt', change: 'added', added: 1, removed: 0 },
    ],
    added: 2,
    removed: 1,
    skipped: [],
  });
  const patch = await text(t);
  expect(patch).toContain('+not tracked');
  expect(patch).toContain('-was never added');
  expect(await visibleState(t)).toEqual(before);
});

test('a file that was new at the checkpoint and is the same now is no difference', async () => {
  const t = await makeRepo();
  t.write('new.txt', 'not tracked\n');
  const { tag } = await t.checkpoint();
  expect(await text(t)).toBe(`no difference between ${tag} and now`);
  await t.git('add', 'new.txt');
  expect(await text(t)).toBe(`no difference between ${tag} and now`);
});

test('shows how much, only names, or only some paths, as seen from the folder it runs in', async () => {
  const t = await makeRepo();
  await t.checkpoint();
  t.write('a.txt', 'x\n');
  t.write('src/new.txt', 'y\n');
  expect(await text(t, { stat: true })).toContain('2 files changed');
  expect(await text(t, { nameOnly: true })).toBe('a.txt\nsrc/new.txt');
  expect(await text(t, { nameOnly: true, paths: ['src'] })).toBe('src/new.txt');
  expect(await text(t, { nameOnly: true, paths: ['new.txt'] }, path.join(t.dir, 'src'))).toBe('src/new.txt');
  expect(await json(t, { paths: [':!src'] })).toMatchObject({ files: [{ path: 'a.txt' }], added: 1 });
  await expect(text(t, { stat: true, nameOnly: true })).rejects.toMatchObject({ code: 'usage' });
});

test('between two checkpoints; binary files have no lines; names of any bytes', async () => {
  const t = await makeRepo();
  const one = await t.checkpoint({ now: Date.parse('2026-01-01T00:00:00Z') });
  t.write('pic ü\n.bin', Buffer.from([0, 1, 2, 0]));
  chmodSync(path.join(t.dir, 'a.txt'), 0o755);
  const two = await t.checkpoint({ now: Date.parse('2026-01-02T00:00:00Z') });
  t.write('later.txt', 'x');
  expect(await json(t, { from: one.tag, to: two.tag })).toMatchObject({
    from: one.tag,
    to: two.tag,
    files: [
      { path: 'a.txt', change: 'changed', added: 0, removed: 0 },
      { path: 'pic ü\n.bin', change: 'added', added: null, removed: null },
    ],
  });
});

test('an unknown name says the nearest one', async () => {
  const t = await makeRepo();
  await t.checkpoint({ now: Date.parse('2026-01-02T03:04:05Z') });
  await expect(text(t, { from: 'checkpoint-20260102-030406' })).rejects.toMatchObject({
    code: 'unknown-tag',
    hint: 'did you mean checkpoint-20260102-030405?',
  });
  t.write('a.txt', 'x');
  await t.checkpoint({ now: Date.parse('2026-03-02T03:04:05Z') });
  await expect(text(t, { from: '20260215' })).rejects.toMatchObject({
    hint: 'the nearest are checkpoint-20260102-030405 and checkpoint-20260302-030405',
  });
  await expect(text(t, { from: '20270101' })).rejects.toMatchObject({
    hint: 'the nearest are checkpoint-20260302-030405',
  });
});

test('the state before a rollback can be looked at too', async () => {
  const t = await makeRepo();
  await t.checkpoint();
  t.write('new.txt', 'x\n');
  await t.rollBack();
  expect(await json(t, { from: 'undo/1' })).toMatchObject({
    from: 'undo/1',
    files: [{ path: 'new.txt', change: 'deleted', removed: 1 }],
  });
  await expect(text(t, { from: 'undo/9' })).rejects.toMatchObject({ code: 'unknown-tag' });
});

test('keeps to checkpoint.max_file as the checkpoint did, and says what is not compared', async () => {
  const t = await makeRepo();
  writeFileSync(path.join(t.dir, 'devenv.yaml'), 'checkpoint: { max_file: 1kB }\n');
  t.write('large.bin', Buffer.alloc(2000, 'x'));
  await t.checkpoint({ maxFileBytes: 1024 });
  const ctx = testContext({ env: t.env, cwd: t.dir });
  expect((await diff(ctx, {})).text).toMatch(/^no difference/);
  expect(ctx.notes.join('\n')).toMatch(/not compared: large\.bin/);
});

test('paths stand behind --', () => {
  const parse = (...argv: string[]) => parseCommandLine(['diff', ...argv]);
  expect(parse('last', '--stat', '--', 'src', '--odd')).toMatchObject({
    parsed: { args: ['last'], options: { stat: true }, paths: ['src', '--odd'] },
  });
  expect(parse('--', 'a')).toMatchObject({ parsed: { args: [], paths: ['a'] } });
  expect(() => parse('a', 'b', 'c')).toThrow('too many arguments');
});
