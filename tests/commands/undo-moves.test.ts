import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/index.ts';
import { promoteCheckpoint } from '../../src/commands/promote.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { undo } from '../../src/commands/undo.ts';
import { filesOf, makeRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';
import { testContext } from './context.ts';

const contextOf = (t: TestRepo): ReturnType<typeof testContext> => testContext({ env: t.env, cwd: t.dir });
const commits = (t: TestRepo): Promise<string> =>
  t.git('for-each-ref', '--format=%(objectname)', 'refs/heads');

test('[invariant 4] undo takes the very first commit back that promote made, and redo brings it again', async () => {
  const t = await makeRepo({ commit: false, files: { 'f.txt': '1\n', 'g.txt': '2\n' } });
  await t.git('add', 'g.txt');
  const before = { files: filesOf(t.dir), staged: await stagedState(t) };
  await t.checkpoint({ message: 'One' });
  const ctx = contextOf(t);
  await promoteCheckpoint(ctx, { tag: 'last', verify: true });
  const made = await commits(t);
  expect(made).not.toBe('');
  const promoted = await stagedState(t);
  const undone = await undo(ctx, {});
  expect(undone.text).toContain('branch and HEAD went to where refs/devenv/undo/1 has them');
  expect(await commits(t)).toBe('');
  expect(await t.git('symbolic-ref', 'HEAD')).toBe('refs/heads/main');
  expect({ files: filesOf(t.dir), staged: await stagedState(t) }).toEqual(before);
  expect(await t.git('rev-parse', 'refs/devenv/undo/2^1')).toBe(made);
  await undo(ctx, { redo: true });
  expect(await commits(t)).toBe(made);
  expect(await stagedState(t)).toBe(promoted);
});

test('undo --list calls the commit of a checkpoint what it is', async () => {
  const t = await makeRepo();
  t.write('a.txt', 'new\n');
  const { tag } = await t.checkpoint({ message: 'One' });
  const ctx = contextOf(t);
  await promoteCheckpoint(ctx, { tag: 'last', verify: true });
  expect((await undo(ctx, { list: true })).text).toMatch(new RegExp(`undo >   1  .*  commit of ${tag}`));
});

test('an undo that finds everything as it was says which step it took back', async () => {
  const t = await makeRepo({ files: { 'a.txt': '1\n' } });
  await t.checkpoint();
  t.write('a.txt', '2\n');
  const ctx = contextOf(t);
  await rollback(ctx, { tag: 'last', dryRun: false, yes: false });
  t.write('a.txt', '2\n');
  expect((await undo(ctx, { dryRun: true })).text).toBe(
    'nothing would change: everything is as in refs/devenv/undo/1; the step would count as taken back',
  );
  const done = await undo(ctx, {});
  expect(done.text?.split('\n')[0]).toBe(
    'nothing had to change: everything is as in refs/devenv/undo/1; the step counts as taken back',
  );
  expect((await undo(ctx, { list: true })).json).toMatchObject({ undo: null, redo: 2 });
});

test('which commits leave a branch is said, and what keeps them', async () => {
  const t = await makeRepo({ files: { 'a.txt': '1\n' } });
  t.write('a.txt', '2\n');
  await t.checkpoint({ message: 'One' });
  const ctx = contextOf(t);
  await promoteCheckpoint(ctx, { tag: 'last', verify: true });
  t.write('b.txt', 'later\n');
  await t.git('add', '-A');
  await t.git('commit', '-qm', 'Later \u001B[2K work');
  const later = await t.git('rev-parse', 'HEAD');
  const dry = await undo(ctx, { dryRun: true });
  expect(dry.json).toMatchObject({ warnings: [expect.stringMatching(/^2 commits would leave main: /)] });
  const done = await undo(ctx, {});
  const [said = ''] = ctx.notes.slice(-1);
  expect(said).toMatch(
    /^warning: 2 commits leave main: [0-9a-f]{7,} "Later .*", [0-9a-f]{7,} One; refs\/devenv\/undo\/2 keeps them$/,
  );
  expect(said).not.toContain('\u001B');
  expect(done.json).toMatchObject({ undo: 'refs/devenv/undo/2' });
  expect(await t.git('merge-base', '--is-ancestor', later, 'refs/devenv/undo/2')).toBe('');
  ctx.notes.length = 0;
  await undo(ctx, { redo: true });
  expect(ctx.notes).toEqual([]);
});

test('a branch that HEAD is not on keeps what leaves it in a ref of its own', async () => {
  const t = await makeRepo({ files: { 'a.txt': '1\n' } });
  await t.checkpoint();
  t.write('a.txt', '2\n');
  await t.git('commit', '-qam', 'Later');
  const later = await t.git('rev-parse', 'HEAD');
  await t.git('switch', '-q', '--orphan', 'other');
  t.write('x.txt', 'x');
  await t.git('add', '-A');
  await t.git('commit', '-qm', 'Other');
  const ctx = contextOf(t);
  await rollback(ctx, { tag: 'last', dryRun: false, yes: true, head: true });
  expect(ctx.notes.join('\n')).toMatch(
    /1 commit leaves main: \S+ Later; refs\/devenv\/heads\/1\/main keeps it$/,
  );
  expect(await t.git('rev-parse', 'refs/devenv/heads/1/main')).toBe(later);
});

test('an undo of an old step says first how old it is, and that commits were made since', async () => {
  const t = await makeRepo({ files: { 'a.txt': '1\n' } });
  const { tag } = await t.checkpoint();
  t.write('a.txt', '2\n');
  await rollback(contextOf(t), { tag: 'last', dryRun: false, yes: false });
  const saidBefore = async (days: number, redo = false): Promise<readonly string[]> => {
    const now = (): number => Date.now() + days * 24 * 60 * 60 * 1000;
    const ctx = testContext({ env: t.env, cwd: t.dir, clock: { ...systemClock, now } });
    await undo(ctx, { dryRun: true, redo });
    return ctx.notes;
  };
  expect(await saidBefore(0)).toEqual([]);
  expect(await saidBefore(3)).toEqual([`taking back the rollback to ${tag} of 3d ago`]);
  t.write('b.txt', 'b\n');
  await t.git('add', 'b.txt');
  await t.git('commit', '-q', '-m', 'More');
  const commit = 'HEAD has 1 commit that was not there then: it stays on the branch, only the files change';
  expect(await saidBefore(3)).toEqual([`taking back the rollback to ${tag} of 3d ago; ${commit}`]);
  await undo(contextOf(t), {});
  expect(await saidBefore(1, true)).toEqual(['doing again what the undo of 1 of 1d ago took back']);
});

test('an undo that moves the branch back says so of the commits made since', async () => {
  const t = await makeRepo({ files: { 'a.txt': '1\n' } });
  await t.checkpoint();
  await t.git('commit', '-q', '--allow-empty', '-m', 'Second');
  await rollback(contextOf(t), { tag: 'last', dryRun: false, yes: false, head: true });
  const ctx = contextOf(t);
  await undo(ctx, { dryRun: true });
  expect(ctx.notes).toEqual([]);
  await t.git('commit', '-q', '--allow-empty', '-m', 'Third');
  await undo(ctx, { dryRun: true });
  expect(ctx.notes[0]).toMatch(
    /^taking back .*HEAD has 1 commit that was not there then: the branch moves too$/,
  );
});
