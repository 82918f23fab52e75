import { describe, expect, test } from 'vitest';
import { checkpoints } from '../../src/commands/checkpoints.ts';
import { pin } from '../../src/commands/pin.ts';
import { prune } from '../../src/commands/prune.ts';
import { trash } from '../../src/commands/trash.ts';
import { rollback } from '../../src/commands/rollback.ts';
import type { CommandResult } from '../../src/commands/context.ts';
import { devenv } from '../support/cli.ts';
import { makeRepo, type TestRepo } from '../checkpoint/repo.ts';
import { testContext } from './context.ts';

const day = 86_400_000;

/** Three of one hour, four days ago, and one of now. */
async function repoWithOld(): Promise<{ t: TestRepo; tags: readonly string[] }> {
  const t = await makeRepo();
  t.write('devenv.yaml', 'suites: {}\n');
  const hour = Math.floor((Date.now() - 4 * day) / 3_600_000) * 3_600_000;
  const tags: string[] = [];
  for (const at of [hour, hour + 1000, hour + 2000, Date.now()]) {
    t.write('a.txt', `state ${tags.length}\n`);
    tags.push((await t.checkpoint({ now: at, verdict: 'passed', message: `number ${tags.length}` })).tag);
  }
  return { t, tags };
}

const facts = (result: CommandResult): Record<string, unknown> => JSON.parse(JSON.stringify(result.json));

describe('prune', () => {
  test('--dry-run explains each, in words and as JSON, and does nothing', async () => {
    const { t, tags } = await repoWithOld();
    const ctx = testContext({ cwd: t.dir, env: t.env });
    const before = await t.git('for-each-ref');
    const result = await prune(ctx, { dryRun: true });
    expect(await t.git('for-each-ref')).toBe(before);
    const [n0 = '', n1 = '', n2 = '', n3 = ''] = tags;
    const lines = (result.text ?? '').split('\n');
    expect(lines.map((line) => line.split('  ').slice(0, 2)).slice(0, 4)).toEqual([
      ['keep', n3],
      ['keep', n2],
      ['drop', n1],
      ['drop', n0],
    ]);
    expect(lines[2]).toContain(`of this hour, ${n2} is kept`);
    expect(lines[0]).toContain('the last good one of main');
    expect(lines.at(-1)).toBe('would drop 2 (into the trash for 7 days), keep 2, forget 0 for good');
    expect(facts(result)).toMatchObject({
      dryRun: true,
      keep: [
        { tag: n3 },
        { tag: n2, verdict: 'passed', reasons: expect.arrayContaining(['hourly within 7d']) },
      ],
      drop: [{ tag: n1, reasons: [`of this hour, ${n2} is kept`] }, { tag: n0 }],
      gone: [],
    });
  });

  test('what it dropped is listed, can be rolled back to, and comes back pinned', async () => {
    const { t, tags } = await repoWithOld();
    const ctx = testContext({ cwd: t.dir, env: t.env });
    expect((await trash(ctx)).text).toBe('the trash is empty');
    const result = await prune(ctx, { dryRun: false });
    expect(result.text).toMatch(/^2 moved to the trash, 2 checkpoints kept; /);
    const listed = await trash(ctx);
    expect(facts(listed)).toMatchObject({
      checkpoints: [
        { tag: tags[1], message: 'number 1', trashedAt: expect.any(String), goneAt: expect.any(String) },
        { tag: tags[0] },
      ],
    });
    expect(listed.text).toMatch(new RegExp(`${tags[1]}.*passed.*just now.*(6d|7d).*number 1`));
    await rollback(ctx, { tag: tags[0], dryRun: false, yes: false });
    expect(t.read('a.txt')).toBe('state 0\n');
    expect((await prune(ctx, { dryRun: false, restore: tags[1] })).text).toBe(
      `${tags[1]} is back, and pinned`,
    );
    expect((await checkpoints(ctx, {})).text).toMatch(new RegExp(`${tags[1]}.*number 1 \\(pinned\\)`));
    await expect(prune(ctx, { dryRun: false, restore: 'no-such' })).rejects.toMatchObject({
      code: 'unknown-tag',
    });
  });

  test('the built program takes checkpoint pin and unpin', async () => {
    const { t, tags } = await repoWithOld();
    const where = { cwd: t.dir, env: t.env };
    const pinned = await devenv(['checkpoint', 'pin', tags[0] ?? '', '--json'], where);
    expect(JSON.parse(pinned.stdout)).toMatchObject({ tag: tags[0], pinned: true, changed: true });
    const plan = await devenv(['prune', '--dry-run'], where);
    expect(plan.stdout).toMatch(new RegExp(`keep +${tags[0]} +pinned`));
    expect((await devenv(['checkpoint', 'unpin', tags[0] ?? ''], where)).stdout).toBe(
      `${tags[0]} is not pinned any more\n`,
    );
    expect((await devenv(['checkpoint', 'pins', 'last'], where)).code).toBe(2);
    expect((await devenv(['checkpoint', 'pin'], where)).code).toBe(2);
    expect((await devenv(['checkpoint', 'pin', 'nothing'], where)).code).toBe(4);
    expect((await devenv(['prune', '--restore', 'nothing'], where)).code).toBe(4);
  });
});

test('pin says what was so already', async () => {
  const { t, tags } = await repoWithOld();
  const ctx = testContext({ cwd: t.dir, env: t.env });
  expect((await pin(ctx, { action: 'unpin', tag: 'last' })).text).toBe(`${tags[3]} was not pinned`);
  await pin(ctx, { action: 'pin', tag: '-1' });
  expect((await pin(ctx, { action: 'pin', tag: 'last' })).text).toBe(`${tags[3]} was pinned already`);
  await expect(pin(ctx, { action: 'pni', tag: 'last' })).rejects.toMatchObject({
    code: 'usage',
    hint: 'did you mean pin?',
  });
});
