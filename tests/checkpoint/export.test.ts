import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { exportBranch, listCheckpoints } from '../../src/checkpoint/index.ts';
import { planExport, type Exported } from '../../src/checkpoint/export.ts';
import { checkpoints } from '../../src/commands/checkpoints.ts';
import { tempDir } from '../support/temp.ts';
import { testContext } from '../commands/context.ts';
import { makeRepo, openTestRepo, visibleState, withGitShim, type TestRepo } from './repo.ts';

const start = Date.parse('2026-03-01T12:00:00Z');

async function make(t: TestRepo, i: number, message?: string, verdict: 'passed' | 'failed' = 'passed') {
  t.write('a.txt', `${i}\n`);
  t.write(`new ${i}.txt`, 'untracked\n');
  return t.checkpoint({ now: start + i * 60_000, verdict, ...(message === undefined ? {} : { message }) });
}

const exported = async (t: TestRepo, branch = 'saved'): Promise<Exported> =>
  exportBranch(t.repo, t.env, { branch, checkpoints: await listCheckpoints(t.repo) });

describe('checkpoints as a branch', () => {
  test('a line of normal commits with the trees, dates and words of the checkpoints, on the commit of the first', async () => {
    const t = await makeRepo();
    const head = await t.git('rev-parse', 'HEAD');
    const one = await make(t, 1, 'First\n\nin two parts');
    const two = await make(t, 2, undefined, 'failed');
    await t.git('config', 'user.name', 'Zoë');
    const before = await visibleState(t);
    const done = await exported(t);
    expect(done).toMatchObject({ branch: 'saved', created: true, added: [one.tag, two.tag] });
    expect(await visibleState(t)).toEqual({
      ...before,
      refs: [...before.refs, `refs/heads/saved ${done.commit}`],
    });
    expect(await t.git('log', '--format=%T %P %an <%ae> %at %cn %s', 'saved')).toBe(
      [
        `${two.tree} ${await t.git('rev-parse', 'saved~1')} Zoë <tester@example.org> ${start / 1000 + 120} devenv ${two.tag} (failed)`,
        `${one.tree} ${head} Zoë <tester@example.org> ${start / 1000 + 60} devenv First`,
        `${await t.git('rev-parse', 'main^{tree}')}  Tester <tester@example.org> ${await t.git('log', '-1', '--format=%at', 'main')} Tester Start`,
      ].join('\n'),
    );
    expect(await t.git('log', '-1', '--format=%(trailers:key=Devenv-Verdict,valueonly)', 'saved')).toBe(
      'failed',
    );
    expect(await t.git('fsck', '--strict')).not.toContain('error');
  });

  test('edits that were hidden from git are not in it, and named', async () => {
    const t = await makeRepo({ files: { conf: 'public\n', 'd/c': 'public\n' } });
    await t.git('update-index', '--skip-worktree', 'conf', 'd/c');
    t.remove('conf');
    t.write('conf/below', 'secret\n');
    await make(t, 1);
    t.write('d/c', 'secret\n');
    await make(t, 2);
    const notes: string[] = [];
    const ctx = testContext({ env: t.env, cwd: t.dir, note: (text) => notes.push(text) });
    await checkpoints(ctx, { exportTo: 'saved' });
    expect(notes).toEqual(['left out, hidden from git: conf, conf/below, d/c']);
    expect(await t.git('diff', '--name-only', 'main', 'saved~1')).toBe('a.txt\nnew 1.txt');
    expect(await t.git('diff', '--name-only', 'saved~1', 'saved')).toBe('a.txt\nnew 2.txt');
  });

  test('is continued by the next export, and only by what is newer', async () => {
    const t = await makeRepo();
    await make(t, 1);
    const first = await exported(t);
    expect(await exported(t)).toEqual({
      branch: 'saved',
      commit: first.commit,
      created: false,
      added: [],
      left: [],
    });
    const two = await make(t, 2);
    const second = await exported(t);
    expect(second).toMatchObject({ created: false, added: [two.tag] });
    expect(await t.git('rev-parse', 'saved~1')).toBe(first.commit);
  });

  test('leaves every branch alone that is not such an export, or not any more, or checked out', async () => {
    const t = await makeRepo();
    await make(t, 1);
    await expect(exported(t, 'main')).rejects.toMatchObject({ code: 'refused' });
    await t.git('branch', 'theirs');
    await expect(exported(t, 'theirs')).rejects.toMatchObject({ code: 'refused' });
    await exported(t);
    await make(t, 2);
    const dir = path.join(tempDir('linked'), 'wt');
    await t.git('worktree', 'add', '-q', dir, 'saved');
    await expect(exported(t)).rejects.toThrow(/checked out in .*wt/);
    await run(['git', 'commit', '-q', '--allow-empty', '-m', 'Mine'], { cwd: dir, env: t.env });
    await t.git('worktree', 'remove', '--force', dir);
    const refs = await t.git('for-each-ref', 'refs/heads');
    await expect(exported(t)).rejects.toMatchObject({ code: 'refused' });
    await t.git('branch', '-f', 'amended', 'saved~1');
    await expect(exported(t, '--bad')).rejects.toMatchObject({ code: 'usage' });
    await expect(exported(t, 'a..b')).rejects.toMatchObject({ code: 'usage' });
    await t.git('branch', '-D', 'amended');
    expect(await t.git('for-each-ref', 'refs/heads')).toBe(refs);
  });

  test('an amended export is theirs, whatever its message says', async () => {
    const t = await makeRepo();
    await make(t, 1);
    const { commit } = await exported(t);
    const amended = await t.git(
      'commit-tree',
      '-p',
      'main',
      '-m',
      await t.git('log', '-1', '--format=%B', 'saved'),
      'main^{tree}',
    );
    await t.git('update-ref', 'refs/heads/saved', amended);
    await make(t, 2);
    await expect(exported(t)).rejects.toMatchObject({ code: 'refused' });
    expect(await t.git('rev-parse', 'saved')).not.toBe(commit);
    expect(await t.git('rev-parse', 'saved')).toBe(amended);
  });

  test('a commit that somebody puts on the branch in this very moment stays', async () => {
    const t = await makeRepo();
    await make(t, 1);
    const { commit } = await exported(t);
    await make(t, 2);
    const theirs = await t.git('commit-tree', '-p', commit ?? '', '-m', 'Theirs', 'saved^{tree}');
    const env = await withGitShim(
      t.env,
      `case "$*" in *fast-import*) $git update-ref refs/heads/saved ${theirs};; esac`,
    );
    const racing = await openTestRepo(t.dir, env);
    await expect(exported(racing)).rejects.toThrow(/changed meanwhile/);
    expect(await t.git('rev-parse', 'saved')).toBe(theirs);
  });

  test.each(['HEAD', '@', '@{-1}', '-x', 'a..b', 'a b', ''])('%j is no name of a branch', async (branch) => {
    const t = await makeRepo();
    await make(t, 1);
    await t.git('switch', '-q', '-c', 'other');
    const refs = await t.git('for-each-ref');
    await expect(exported(t, branch)).rejects.toMatchObject({ code: 'usage' });
    expect(await t.git('for-each-ref')).toBe(refs);
  });

  test('a branch that git could not have beside another one is refused by its name', async () => {
    const t = await makeRepo();
    await make(t, 1);
    await t.git('branch', 'exp');
    await t.git('branch', 'deep/down/here');
    const refused = (other: string) => ({
      code: 'refused',
      message: expect.stringContaining(`there is a branch ${other}: `),
    });
    await expect(exported(t, 'exp/sub')).rejects.toMatchObject(refused('exp'));
    await expect(exported(t, 'exp/sub/sub')).rejects.toMatchObject(refused('exp'));
    await expect(exported(t, 'deep')).rejects.toMatchObject(refused('deep/down/here'));
    await expect(exported(t, 'deep/down')).rejects.toMatchObject(refused('deep/down/here'));
    expect(await exported(t, 'deep/down/too')).toMatchObject({ created: true });
  });

  test('works without a commit before, without an identity, and with an empty tree', async () => {
    const t = await makeRepo({ commit: false, files: {} });
    await t.git('config', '--unset', 'user.name');
    await t.git('config', '--unset', 'user.email');
    const empty = await t.checkpoint({ now: start });
    const two = await make(t, 1);
    await exported(t);
    expect(await t.git('log', '--format=%T %an', 'saved')).toBe(`${two.tree} devenv\n${empty.tree} devenv`);
  });

  test('the command keeps to its filters and says what it did', async () => {
    const t = await makeRepo();
    const one = await make(t, 1);
    await make(t, 2, undefined, 'failed');
    const ctx = testContext({ env: t.env, cwd: t.dir });
    const { json, text } = await checkpoints(ctx, { good: true, exportTo: 'good' });
    expect(json).toMatchObject({ branch: 'good', created: true, added: [one.tag] });
    expect(text).toMatch(/good is a new branch with 1 checkpoint/);
    const none = await checkpoints(ctx, { until: '2020-01-01', exportTo: 'none' });
    expect(none.text).toMatch(/no checkpoint to export/);
    expect(await t.git('for-each-ref', 'refs/heads/none')).toBe('');
  });
});

test('what is added: oldest first, only what is newer than the last one', () => {
  const list = [
    'checkpoint-20260101-000000-10',
    'checkpoint-20260101-000000-9',
    'checkpoint-20260101-000000',
  ];
  const all = list.map((tag) => ({ tag }));
  const tags = (last?: string): string[] => planExport(all, last).map(({ tag }) => tag);
  expect(tags()).toEqual(list.toReversed());
  expect(tags('checkpoint-20260101-000000-9')).toEqual(['checkpoint-20260101-000000-10']);
  expect(tags('checkpoint-20260202-000000')).toEqual([]);
});
