import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkpointNames, createCheckpoint, listTrash } from '../../src/checkpoint/index.ts';
import { openRepo, type Repo } from '../../src/git/index.ts';
import { until } from '../support/until.ts';
import { testProject, type TestProject } from '../verify/support.ts';
import { startWatching, type Watching } from './support.ts';

const suites = [{ name: 'unit', command: 'grep -q good code.txt' }];

/** Two checkpoints of one hour, three days ago: one of them is to go. */
async function twoOld(t: TestProject, repo: Repo): Promise<void> {
  const hour = Math.floor((Date.now() - 3 * 86_400_000) / 3_600_000) * 3_600_000;
  for (const n of [0, 1]) {
    t.write('code.txt', `good ${n}, then\n`);
    await createCheckpoint(repo, { verdict: 'passed', reason: 'timer', tags: 'all', now: hour + n * 1000 });
  }
}

const tagged = (w: Watching): number => w.decisions().filter((kind) => kind === 'tagged').length;

test('after a checkpoint old ones are dropped by themselves, at most once an hour', async () => {
  const input = { suites, checkpoint: { everyMs: 300, quietMs: 100 } };
  const t = testProject(input);
  const repo = await openRepo({ cwd: t.root, env: t.env });
  await twoOld(t, repo);
  t.write('code.txt', 'good now\n');
  await using w = await startWatching({ ...input, on: t });
  await until('the trash', async () => (await listTrash(repo)).length === 1);
  expect(await checkpointNames(repo)).toHaveLength(2);
  await until('the note', () => t.store.getValue(t.project.id, 'prunedAt'));
  expect(t.store.recentEvents(t.project.id, 50)).toContainEqual(
    expect.objectContaining({ kind: 'prune', data: { moved: 1, gone: 0 } }),
  );

  // Within the hour the next checkpoint drops nothing, though there is something again.
  const before = t.store.getValue(t.project.id, 'prunedAt');
  t.write('code.txt', 'good again\n');
  await until('the next checkpoint', () => tagged(w) === 2);
  expect(await checkpointNames(repo)).toHaveLength(3);
  expect(t.store.getValue(t.project.id, 'prunedAt')).toBe(before);

  // An hour is over.
  t.store.setValue(t.project.id, 'prunedAt', Date.now() - 3_600_001);
  t.write('code.txt', 'good once more\n');
  await until('another look', () => {
    const at = Number(t.store.getValue(t.project.id, 'prunedAt'));
    return Date.now() - at < 3_000_000;
  });
  expect(tagged(w)).toBe(3);
});

test('what goes wrong with it is noted and stops no checkpoint', async () => {
  const input = { suites, checkpoint: { everyMs: 300, quietMs: 100 } };
  const t = testProject(input);
  const repo = await openRepo({ cwd: t.root, env: t.env });
  await twoOld(t, repo);
  t.write('code.txt', 'good now\n');
  // A ref that leads nowhere, of a kind that no checkpoint looks at.
  writeFileSync(path.join(repo.commonDir, 'refs/devenv/lost'), `${'1'.repeat(40)}\n`);
  await using w = await startWatching({ ...input, on: t });
  await until('the note', () => t.store.getValue(t.project.id, 'prunedAt'));
  t.write('code.txt', 'good again\n');
  await until('a checkpoint', () => tagged(w) > 0);
  expect((await checkpointNames(repo)).length).toBeGreaterThan(2);
  expect(w.view().why).toMatch(/^(tagged|unchanged)/);
});
