import { expect, test } from 'vitest';
import { checkpoint } from '../../src/commands/checkpoint.ts';
import { open } from '../../src/commands/open.ts';
import { promoteCheckpoint } from '../../src/commands/promote.ts';
import { prune } from '../../src/commands/prune.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { undo } from '../../src/commands/undo.ts';
import { makeRepo, type TestRepo } from '../checkpoint/repo.ts';
import { testContext } from './context.ts';

const mistake = 'devenv.yaml:1:19: unknown key "comand" in suites.unit (did you mean "command"?)';
const mistaken = 'suites: { unit: { comand: x } }\n';

async function broken(): Promise<{ t: TestRepo; tag: string; ctx: ReturnType<typeof testContext> }> {
  const t = await makeRepo({ files: { 'devenv.yaml': 'name: x\n', 'a.txt': '1\n' } });
  const { tag } = await t.checkpoint({ verdict: 'passed' });
  t.write('devenv.yaml', mistaken);
  return { t, tag, ctx: testContext({ env: t.env, cwd: t.dir }) };
}

test('a mistake in devenv.yaml does not keep it from being put back, nor that from being taken back', async () => {
  const { t, tag, ctx } = await broken();
  const dry = await rollback(ctx, { dryRun: true, yes: false });
  expect(dry.json).toMatchObject({ to: tag, written: ['devenv.yaml'] });
  expect(t.read('devenv.yaml')).toBe(mistaken);
  expect((await rollback(ctx, { tag, dryRun: false, yes: false })).json).toMatchObject({ to: tag });
  expect(t.read('devenv.yaml')).toBe('name: x\n');
  await undo(ctx, {});
  expect(t.read('devenv.yaml')).toBe(mistaken);
  expect((await undo(ctx, { list: true })).json).toMatchObject({ redo: 2 });
  await undo(ctx, { redo: true });
  expect(t.read('devenv.yaml')).toBe('name: x\n');
  expect(ctx.notes.filter((note) => note === `warning: ${mistake}`)).toHaveLength(3);
  expect(ctx.notes.join('\n')).toContain('the defaults hold for this command');
});

test('work is kept unverified in spite of a mistake, with the defaults, and that is said', async () => {
  const { t, ctx } = await broken();
  t.write('devenv.yaml', `checkpoint: { tags: none, max_file: 1kB }\n${mistaken}`);
  t.write('a.txt', '2\n'.repeat(1000));
  const kept = await checkpoint(ctx, { verify: false });
  expect(kept.json).toMatchObject({ verdict: 'unverified', created: true, skipped: [] });
  const { tag } = kept.json as { tag: string };
  expect(await t.git('show', `${tag}:a.txt`)).toBe('2\n'.repeat(1000).trimEnd());
  expect(ctx.notes).toEqual([
    `warning: ${mistake.replace(':1:', ':2:')}`,
    'warning: the configuration has a mistake, so the defaults hold for this command (checkpoint.max_file 50 MB, checkpoint.tags all, ...)',
  ]);
  await expect(checkpoint(ctx, { verify: true })).rejects.toMatchObject({ code: 'config' });
});

test('a mistake is no obstacle to open, promote and what is in the trash; it is one to verdicts and to prune', async () => {
  const { t, tag, ctx } = await broken();
  await expect(checkpoint(ctx, { verify: true })).rejects.toMatchObject({ code: 'config', message: mistake });
  await expect(prune(ctx, { dryRun: false })).rejects.toMatchObject({ code: 'config' });
  await expect(prune(ctx, { dryRun: false, restore: 'nosuch' })).rejects.toMatchObject({
    code: 'unknown-tag',
  });
  const input = { list: false, close: true, yes: false, detach: true, wait: false };
  await expect(open(ctx, { ...input, tag })).rejects.toMatchObject({ code: 'unknown-tag' });
  t.write('devenv.yaml', 'name: x\n');
  t.write('a.txt', '2\n');
  const { tag: second } = await t.checkpoint();
  t.write('devenv.yaml', mistaken);
  expect((await promoteCheckpoint(ctx, { tag: second, message: 'Two', verify: true })).json).toMatchObject({
    tag: second,
  });
  expect(t.read('devenv.yaml')).toBe(mistaken);
});

test('an unknown layout and a missing env_file are such mistakes too', async () => {
  const { t, tag, ctx } = await broken();
  for (const text of ['layout: nosuch\n', 'env_file: nosuch\n', 'a: [\n']) {
    t.write('devenv.yaml', text);
    expect((await rollback(ctx, { tag, dryRun: false, yes: false })).json).toMatchObject({ to: tag });
    expect(t.read('devenv.yaml')).toBe('name: x\n');
  }
});
