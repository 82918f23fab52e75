import { expect, test } from 'vitest';
import { createCheckpoint, checkpointNames, newestName } from '../../src/checkpoint/index.ts';
import { lastRefNames, readRef, refFinder } from '../../src/git/index.ts';
import { makeRepo } from '../checkpoint/repo.ts';

const prefix = 'refs/devenv/checkpoints/';
const at = (seconds: number): number => Date.UTC(2026, 0, 2, 3, 4, 5) + seconds * 1000;

test('packed, loose or both: a ref, and the newest name, is the one that a look at all of them finds', async () => {
  const t = await makeRepo();
  const add = async (seconds: number): Promise<string> => {
    t.write('a.txt', String(Math.random()));
    const made = await createCheckpoint(t.repo, {
      verdict: 'unverified',
      reason: 'user',
      tags: 'all',
      now: at(seconds),
    });
    return made.tag;
  };
  expect(await newestName(t.repo)).toBeUndefined();
  for (const seconds of [0, 0, 0, 7]) await add(seconds);
  // More than ten of one second: as texts, -10 comes before -2.
  for (let i = 0; i < 11; i++) await add(7);
  const expectNewest = async (): Promise<void> => {
    const [newest] = await checkpointNames(t.repo);
    expect(await newestName(t.repo)).toBe(newest);
    expect(newest).toMatch(/^checkpoint-20260102-03041\d(-\d+)?$/);
    const isRef = await refFinder(t.repo, 'refs/tags/');
    for (const name of await checkpointNames(t.repo)) {
      expect(await readRef(t.repo, prefix + name)).toBe(await t.git('rev-parse', prefix + name));
      expect(isRef(`refs/tags/${name}`)).toBe(true);
    }
    expect(isRef('refs/tags/checkpoint-20260102-0304')).toBe(false);
    expect(await readRef(t.repo, `${prefix}checkpoint-20260102-0304`)).toBeUndefined();
  };
  await expectNewest();
  expect(await newestName(t.repo)).toBe('checkpoint-20260102-030412-12');
  await t.git('pack-refs', '--all');
  await expectNewest();
  expect(await lastRefNames(t.repo, prefix, 'checkpoint-20260102-030412'.length)).toHaveLength(12);
  await add(9);
  await expectNewest();
  // The clock went back: still later than every other one.
  expect(await add(-60)).toBe('checkpoint-20260102-030414-2');
  await expectNewest();
});
