import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { listCheckpoints, readMoment } from '../../src/checkpoint/index.ts';
import { checkpointsBefore } from '../../src/checkpoint/filter.ts';
import { checkpoints, type CheckpointsInput } from '../../src/commands/checkpoints.ts';
import { tempDir } from '../support/temp.ts';
import { testContext } from '../commands/context.ts';
import { gitIn, makeRepo, openTestRepo, withGitShim, type TestRepo } from './repo.ts';

const start = Date.parse('2026-03-01T12:00:00Z');
const hour = 3_600_000;

/** Tags of what the options find, newest first. */
async function found(t: TestRepo, input: CheckpointsInput, cwd = t.dir): Promise<string[]> {
  const clock = { now: () => start + 10 * hour, monotonic: () => 0, sleep: async () => {} };
  const { json } = await checkpoints(testContext({ env: t.env, cwd, json: true, clock }), input);
  return (json as { checkpoints: { tag: string }[] }).checkpoints.map(({ tag }) => tag);
}

describe('which checkpoints', () => {
  test('good ones, by time, the newest few', async () => {
    const t = await makeRepo();
    const tags: string[] = [];
    for (const [i, verdict] of (['passed', 'failed', 'passed'] as const).entries()) {
      t.write('a.txt', `${i}\n`);
      tags.unshift((await t.checkpoint({ now: start + i * hour, verdict })).tag);
    }
    const [newest = '', middle = '', oldest = ''] = tags;
    expect(await found(t, {})).toEqual(tags);
    expect(await found(t, { good: true })).toEqual([newest, oldest]);
    expect(await found(t, { good: true, limit: '1' })).toEqual([newest]);
    expect(await found(t, { limit: '2' })).toEqual([newest, middle]);
    expect(await found(t, { since: '9h' })).toEqual([newest, middle]);
    expect(await found(t, { until: '9h' })).toEqual([middle, oldest]);
    expect(await found(t, { since: '2026-03-01T12:30:00Z', until: '2026-03-01T13:30:00Z' })).toEqual([
      middle,
    ]);
    await expect(found(t, { limit: 'x' })).rejects.toMatchObject({ code: 'usage' });
  });

  test('those that changed a path: since the one before, deletions and new files too', async () => {
    const t = await makeRepo();
    const at = (i: number) => ({ now: start + i * hour });
    t.write('src/b.txt', 'edited before the first\n');
    const one = await t.checkpoint(at(0));
    t.write('a.txt', 'x\n');
    await t.checkpoint(at(1));
    t.write('src/new.txt', 'new\n');
    const three = await t.checkpoint(at(2));
    t.write('a.txt', 'y\n');
    await t.checkpoint(at(3));
    t.remove('src/new.txt');
    const five = await t.checkpoint(at(4));
    expect(await found(t, { touching: ['src'] })).toEqual([five.tag, three.tag, one.tag]);
    expect(await found(t, { touching: ['new.txt'] }, path.join(t.dir, 'src'))).toEqual([five.tag, three.tag]);
    expect(await found(t, { touching: ['src/new.txt', 'src/b.txt'], limit: '2' })).toEqual([
      five.tag,
      three.tag,
    ]);
    // The one before is the one before in the whole list, not in what the other options leave of it.
    expect(await found(t, { touching: ['a.txt'], until: '7h' })).toHaveLength(2);
  });

  test('what another project of the repository judged is marked, and is no good one here', async () => {
    const t = await makeRepo();
    for (const name of ['api', 'ui']) t.write(`${name}/devenv.yaml`, `name: ${name}\n`);
    const at = (i: number, name: string) =>
      ({ now: start + i * hour, verdict: 'passed', root: path.join(t.dir, name) }) as const;
    const ours = await t.checkpoint(at(0, 'api'));
    t.write('a.txt', 'x\n');
    const theirs = await t.checkpoint(at(1, 'ui'));
    const api = path.join(t.dir, 'api');
    expect(await found(t, {}, api)).toEqual([theirs.tag, ours.tag]);
    expect(await found(t, { good: true }, api)).toEqual([ours.tag]);
    expect(await found(t, { good: true })).toEqual([theirs.tag, ours.tag]);
    const { text } = await checkpoints(testContext({ env: t.env, cwd: api }), {});
    expect(text).toMatch(/ passed \(ui\) /);
    expect(text?.match(/ passed /g)).toHaveLength(2);
    const fromTop = await checkpoints(testContext({ env: t.env, cwd: t.dir }), {});
    expect(fromTop.text).not.toContain('(ui)');
  });

  test('before the first commit everything in the first one is new', async () => {
    const t = await makeRepo({ commit: false });
    const { tag } = await t.checkpoint();
    expect(await found(t, { touching: ['a.txt'] })).toEqual([tag]);
    expect(await found(t, { touching: ['absent'] })).toEqual([]);
  });

  test('in a linked work tree the one before is its own', async () => {
    const t = await makeRepo();
    const dir = path.join(tempDir('linked'), 'wt');
    await t.git('worktree', 'add', '-q', dir, 'HEAD');
    const linked = await openTestRepo(dir, t.env);
    await t.checkpoint({ now: start });
    linked.write('a.txt', 'other\n');
    const other = await linked.checkpoint({ now: start + 1000 });
    t.write('src/b.txt', 'mine\n');
    await t.checkpoint({ now: start + 2000 });
    linked.write('src/b.txt', 'other\n');
    await linked.checkpoint({ now: start + 3000 });
    expect(await found(t, { touching: ['a.txt'] })).toEqual([other.tag]);
    await t.git('worktree', 'remove', '--force', dir);
  });

  test('many at once take a fixed number of processes', async () => {
    const t = await makeRepo();
    const tree = await t.git('rev-parse', 'HEAD^{tree}');
    const head = await t.git('rev-parse', 'HEAD');
    const stream = Array.from({ length: 300 }, (_, i) => {
      const name = `checkpoint-20260301-${String(100_000 + i)}`;
      const text = `${name}\n\nDevenv-Verdict: passed\nDevenv-Tree: ${tree}\nDevenv-Head: ${head}\n`;
      return `commit refs/devenv/checkpoints/${name}\ncommitter d <d> ${i} +0000\ndata ${text.length}\n${text}\nfrom ${head}\nM 100644 inline ${i % 3 === 0 ? 'a.txt' : 'b.txt'}\ndata 4\n${1000 + i}\n\n`;
    });
    await run(['git', 'fast-import', '--quiet'], { cwd: t.dir, env: t.env, input: stream.join('') });
    const counted = await countingGit(t.env);
    expect(await found({ ...t, env: counted.env }, { touching: ['src'] })).toEqual([]);
    // Each one differs from its neighbours in a.txt where one of the two wrote it.
    expect(await found({ ...t, env: counted.env }, { touching: ['a.txt'] })).toHaveLength(200);
    expect(counted.calls()).toBeLessThanOrEqual(2 * 3);
  });
});

/** An environment in which every call of git is counted. */
async function countingGit(env: NodeJS.ProcessEnv): Promise<{ env: NodeJS.ProcessEnv; calls: () => number }> {
  const log = path.join(tempDir('log'), 'calls');
  writeFileSync(log, '');
  const counting = await withGitShim(env, `echo x >> ${log}`);
  return { env: counting, calls: () => readFileSync(log, 'utf8').split('\n').length - 1 };
}

describe('a moment', () => {
  // Local time, whatever the zone of this machine.
  const now = new Date(2026, 2, 10, 15, 30).getTime();
  test.each([
    ['2h', 'start', new Date(2026, 2, 10, 13, 30)],
    ['90m ago', 'start', new Date(2026, 2, 10, 14, 0)],
    ['today', 'start', new Date(2026, 2, 10)],
    ['yesterday', 'start', new Date(2026, 2, 9)],
    ['yesterday', 'end', new Date(new Date(2026, 2, 10).getTime() - 1)],
    ['2026-02-28', 'start', new Date(2026, 1, 28)],
    ['2026-02-28', 'end', new Date(new Date(2026, 2, 1).getTime() - 1)],
    ['2026-02-28 14:05', 'end', new Date(2026, 1, 28, 14, 5)],
    ['9:15', 'start', new Date(2026, 2, 10, 9, 15)],
    ['2026-02-28T14:05:00Z', 'start', new Date('2026-02-28T14:05:00Z')],
  ] as const)('%s (%s)', (text, edge, expected) => {
    expect(new Date(readMoment('--since', text, now, edge))).toEqual(expected);
  });
  test.each([
    '',
    'soon',
    '2026-02-31',
    '2026-13-01',
    '3',
    '12 parsecs',
    '25:99',
    '99:99',
    '24:00',
    '12:60',
    '12:00:60',
    '2026-01-31 24:00',
    '2026-02-31 10:00',
  ])('not one: %s', (text) => {
    expect(() => readMoment('--since', text, now, 'start')).toThrow(/--since: neither a time nor a day/);
  });
});

test('the one before, by work tree', () => {
  const one = (tag: string, worktree: string) => ({ tag, worktree, commit: `c-${tag}` });
  const before = checkpointsBefore([one('d', 'x'), one('c', 'main'), one('b', 'x'), one('a', 'main')]);
  expect([...before].map(([tag, { tag: earlier }]) => `${tag}<${earlier}`)).toEqual(['c<a', 'd<b']);
});

test('the list is the same in whatever number it is asked for', async () => {
  const t = await makeRepo();
  for (let i = 0; i < 4; i++) {
    t.write('a.txt', `${i}\n`);
    await t.checkpoint({ now: start + i * 1000 });
  }
  const all = await listCheckpoints(t.repo);
  expect(await listCheckpoints(t.repo, { limit: 2 })).toEqual(all.slice(0, 2));
  expect(await gitIn(t.dir, t.env)('for-each-ref', '--count=1', 'refs/devenv/checkpoints/')).toContain(
    'commit',
  );
});
