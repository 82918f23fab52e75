import { expect, test } from 'vitest';
import { rollback } from '../../src/commands/rollback.ts';
import { undo } from '../../src/commands/undo.ts';
import { makeRepo, type TestRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';
import { testContext } from './context.ts';

async function ready(): Promise<{ t: TestRepo; tag: string; ctx: ReturnType<typeof testContext> }> {
  const t = await makeRepo({
    files: { 'devenv.yaml': 'name: x\n', 'a.txt': '1\n2\n3\n', 'src/b.txt': 'b\n' },
  });
  const { tag } = await t.checkpoint({ verdict: 'passed' });
  t.write('a.txt', '1\nzwei\nzweieinhalb\n3\n');
  t.write('new.txt', 'new\n');
  t.remove('src/b.txt');
  return { t, tag, ctx: testContext({ env: t.env, cwd: t.dir }) };
}

test('[invariant 33] says whose changes go, in files and lines, and the one command that brings them back', async () => {
  const { ctx, tag } = await ready();
  const done = await rollback(ctx, { dryRun: false, yes: false });
  expect(done.text).toContain(`put back ${tag}: 2 files written, 1 file deleted`);
  expect(done.text).toContain('3 files (+3 -2 lines)');
  expect(done.text).toMatch(/kept in refs\/devenv\/undo\/1; bring it back with: devenv undo$/);
  const undone = await undo(ctx, {});
  expect(undone.text).toMatch(/bring it back with: devenv undo --redo$/);
  const redone = await undo(ctx, { redo: true });
  expect(redone.text).toMatch(/bring it back with: devenv undo$/);
});

test('[invariant 34] a dry run, also of undo, lists each file and changes nothing', async () => {
  const { t, ctx, tag } = await ready();
  const dry = await rollback(ctx, { tag, dryRun: true, yes: false });
  expect(dry.text).toContain('would go: your changes in');
  for (const line of ['write   a.txt', 'write   src/b.txt', 'delete  new.txt'])
    expect(dry.text).toContain(line);
  expect(dry.json).toMatchObject({
    undo: null,
    back: null,
    written: ['a.txt', 'src/b.txt'],
    deleted: ['new.txt'],
  });
  await rollback(ctx, { tag, dryRun: false, yes: false });
  expect((await undo(ctx, { dryRun: true })).json).toMatchObject({
    undo: null,
    written: ['a.txt', 'new.txt'],
    deleted: ['src/b.txt'],
  });
  expect(t.read('src/b.txt')).toBe('b\n');
});

test('the shapes of --json, with only some paths', async () => {
  const { ctx, tag } = await ready();
  const done = await rollback(ctx, { tag, dryRun: false, yes: false, paths: ['src', 'a.txt'] });
  expect(done.json).toEqual({
    from: expect.stringMatching(/^[0-9a-f]{40}$/),
    to: tag,
    undo: 'refs/devenv/undo/1',
    back: 'devenv undo',
    written: ['a.txt', 'src/b.txt'],
    deleted: [],
    restarted: [],
    kept: [],
    staged: false,
    head: false,
    putAway: { files: 2, added: 2, removed: 2 },
    warnings: [],
  });
  expect((await undo(ctx, { list: true })).json).toMatchObject({
    undo: 1,
    redo: null,
    steps: [{ n: 1, kind: 'rollback', undoes: null, target: tag, files: 2, state: 'done' }],
  });
});

test('commits that were pushed are warned of on standard error', async () => {
  const { t, ctx, tag } = await ready();
  const remote = tempDir('remote');
  await t.git('init', '-q', '--bare', remote);
  await t.git('remote', 'add', 'origin', remote);
  await t.git('commit', '-qam', 'Later');
  await t.git('push', '-q', '-u', 'origin', 'main');
  const done = await rollback(ctx, { tag, dryRun: false, yes: false, head: true });
  expect(ctx.notes.join()).toMatch(
    /warning: 1 commit that main loses was pushed .*origin\/main.*--force-with-lease/,
  );
  expect(done.text).toContain(`branch and HEAD went to where ${tag} has them`);
});
