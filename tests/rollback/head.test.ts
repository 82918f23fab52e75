import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { recover } from '../../src/rollback/index.ts';
import { planHead } from '../../src/rollback/head.ts';
import { writeJournal } from '../../src/rollback/journal.ts';
import { filesOf, makeRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';

interface Whole {
  readonly head: string;
  readonly branches: string;
  readonly files: Record<string, string>;
  readonly staged: string;
}

async function whole(t: TestRepo): Promise<Whole> {
  return {
    head: await t.git('symbolic-ref', '-q', 'HEAD').catch(() => t.git('rev-parse', 'HEAD')),
    branches: await t.git('for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads'),
    files: filesOf(t.dir),
    staged: await stagedState(t),
  };
}

async function commit(t: TestRepo, text: string): Promise<string> {
  t.write('a.txt', text);
  t.write(`${text}.txt`, text);
  await t.git('add', '-A');
  await t.git('commit', '-qm', text);
  return t.git('rev-parse', 'HEAD');
}

describe('[invariant 4] --head: branch, HEAD, index and files go back; undo and redo bring all of it again', () => {
  const wentBack = async (t: TestRepo, tag: string, then: Whole): Promise<void> => {
    t.write('a.txt', 'staged later');
    await t.git('add', '-A');
    t.write('a.txt', 'edited later');
    const now = await whole(t);
    expect((await t.rollBack({ target: tag, head: true })).head).toBe(true);
    expect(await whole(t)).toEqual(then);
    for (let round = 0; round < 2; round++) {
      await t.undo();
      expect(await whole(t)).toEqual(now);
      await t.redo();
      expect(await whole(t)).toEqual(then);
    }
    await t.git('fsck', '--strict');
  };
  const saved = async (t: TestRepo): Promise<{ tag: string; then: Whole }> => {
    t.write('a.txt', 'then staged');
    await t.git('add', 'a.txt');
    t.write('a.txt', 'then edited');
    const { tag } = await t.checkpoint();
    return { tag, then: await whole(t) };
  };

  test('on the same branch, with a line in its reflog and in that of HEAD', async () => {
    const t = await makeRepo();
    const first = await t.git('rev-parse', 'HEAD');
    const { tag, then } = await saved(t);
    await commit(t, 'later');
    await wentBack(t, tag, then);
    for (const ref of ['main', 'HEAD'])
      expect(await t.git('reflog', '-1', '--format=%H %gs', ref)).toMatch(
        new RegExp(`^${first} devenv: back to`),
      );
  });

  test('from another branch, which stays where it is', async () => {
    const t = await makeRepo();
    const { tag, then } = await saved(t);
    await commit(t, 'on main');
    await t.git('switch', '-q', '-c', 'topic/x');
    const topic = await commit(t, 'on topic');
    await wentBack(t, tag, { ...then, branches: `${then.branches}\nrefs/heads/topic/x ${topic}` });
  });

  test('detached then and now', async () => {
    const t = await makeRepo();
    await t.git('switch', '-q', '--detach');
    const { tag, then } = await saved(t);
    await commit(t, 'detached too');
    await wentBack(t, tag, then);
  });

  test('detached then, on a branch now', async () => {
    const t = await makeRepo();
    await t.git('switch', '-q', '--detach');
    const { tag, then } = await saved(t);
    await t.git('stash', '-q');
    await t.git('switch', '-q', 'main');
    const main = await commit(t, 'on main');
    await t.git('stash', 'drop', '-q');
    await wentBack(t, tag, { ...then, branches: `refs/heads/main ${main}` });
  });

  test('on a branch then, detached now', async () => {
    const t = await makeRepo();
    const { tag, then } = await saved(t);
    await t.git('switch', '-q', '--detach');
    await commit(t, 'detached');
    await wentBack(t, tag, then);
  });

  test('a branch that is gone now comes back, and goes again with undo', async () => {
    const t = await makeRepo();
    await t.git('switch', '-q', '-c', 'gone');
    await commit(t, 'on gone');
    const { tag, then } = await saved(t);
    await t.git('stash', '-q');
    await t.git('switch', '-q', 'main');
    await t.git('branch', '-q', '-D', 'gone');
    await t.git('stash', 'drop', '-q');
    await wentBack(t, tag, then);
  });

  test('from a branch without a commit', async () => {
    const t = await makeRepo();
    const { tag, then } = await saved(t);
    await t.git('checkout', '-q', '--orphan', 'empty');
    await wentBack(t, tag, then);
  });
});

test('commits that no other branch holds stay reachable, whatever moved', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  const onMain = await commit(t, 'on main');
  await t.git('switch', '-q', '-c', 'topic', 'HEAD~1');
  const onTopic = await commit(t, 'on topic');
  await t.rollBack({ target: tag, head: true });
  const since = await commit(t, 'since');
  await t.undo();
  await t.git('reflog', 'expire', '--expire=now', '--all');
  await t.git('branch', '-q', '-D', 'main');
  await t.git('gc', '-q', '--prune=now');
  for (const one of [onMain, onTopic, since]) expect(await t.git('cat-file', '-t', one)).toBe('commit');
});

test('a branch whose name has no room any more is refused before anything changes', async () => {
  const t = await makeRepo();
  await t.git('switch', '-qc', 'feat');
  t.write('a.txt', 'edited\n');
  const { tag } = await t.checkpoint();
  await t.git('stash', '-q');
  await t.git('switch', '-q', 'main');
  await t.git('branch', '-q', '-D', 'feat');
  await t.git('switch', '-qc', 'feat/x');
  const before = await whole(t);
  const refused = { code: 'refused', message: 'git has no room for branch feat beside branch feat/x' };
  await expect(t.rollBack({ target: tag, head: true, yes: true })).rejects.toMatchObject(refused);
  await expect(t.rollBack({ target: tag, head: true, dryRun: true })).rejects.toMatchObject(refused);
  expect(await whole(t)).toEqual(before);
  await t.git('branch', '-m', 'feat/x', 'other');
  await t.rollBack({ target: tag, head: true, yes: true });
  expect([await t.git('branch', '--show-current'), t.read('a.txt')]).toEqual(['feat', 'edited\n']);
});

test('a branch that another work tree has checked out is refused, with its folder', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  await commit(t, 'later');
  await t.git('switch', '-q', '-c', 'topic');
  const dir = path.join(tempDir('linked'), 'side');
  await t.git('worktree', 'add', '-q', dir, 'main');
  const before = await whole(t);
  const refused = { code: 'refused', message: `branch main is checked out in another work tree: ${dir}` };
  await expect(t.rollBack({ target: tag, head: true })).rejects.toMatchObject(refused);
  await expect(t.rollBack({ target: tag, head: true, dryRun: true })).rejects.toMatchObject(refused);
  // In the middle of a rebase, HEAD there names no branch.
  const main = await t.git('rev-parse', 'main');
  await t.git('-C', dir, 'rebase', '-q', '--force-rebase', '--exec', 'false', 'HEAD~1').catch(() => '');
  expect(await t.git('-C', dir, 'branch', '--show-current')).toBe('');
  await expect(t.rollBack({ target: tag, head: true })).rejects.toMatchObject(refused);
  expect([await whole(t), await t.git('rev-parse', 'main')]).toEqual([before, main]);
  await expect(t.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
  // Without --head nothing of it is touched.
  await t.rollBack({ target: tag });
});

test('pushed commits that a branch loses are warned of, with what is then needed', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  const remote = tempDir('remote');
  await t.git('init', '-q', '--bare', remote);
  await t.git('remote', 'add', 'origin', remote);
  await commit(t, 'one');
  await commit(t, 'two');
  await t.git('push', '-q', '-u', 'origin', 'main');
  await commit(t, 'only here');
  const dry = await t.rollBack({ target: tag, head: true, dryRun: true });
  const done = await t.rollBack({ target: tag, head: true });
  for (const { warnings } of [dry, done])
    expect(warnings).toEqual([
      expect.stringMatching(
        /^2 commits that main loses were pushed \(origin\/main has them\).*--force-with-lease/,
      ),
      expect.stringMatching(/^3 commits (would )?leave main: \S+ only here, \S+ two, \S+ one; /),
    ]);
  // Forwards again: nothing is lost.
  expect((await t.undo()).warnings).toEqual([]);
  await t.git('update-ref', '-d', 'refs/remotes/origin/main');
  expect((await t.redo()).warnings).toEqual([expect.stringMatching(/^3 commits leave main/)]);
});

test('where the user turned reflogs off, none is begun', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  await commit(t, 'later');
  await t.git('config', 'core.logAllRefUpdates', 'false');
  t.remove('.git/logs');
  await t.rollBack({ target: tag, head: true });
  expect(existsSync(path.join(t.repo.gitDir, 'logs/refs/heads/main'))).toBe(false);
});

test('[invariant 26] killed between the branch and HEAD: the next one finishes it', async () => {
  const t = await makeRepo();
  const { tag, commit: target } = await t.checkpoint();
  const then = await whole(t);
  await commit(t, 'on main');
  await t.git('switch', '-q', '-c', 'topic');
  const before = await whole(t);
  const dry = await t.rollBack({ target: tag, head: true });
  await t.undo();
  expect(await whole(t)).toEqual(before);
  // The journal of that rollback, with all files and the branch done, HEAD not yet.
  const present = await t.git('rev-parse', dry.undo ?? '');
  const [from, to] = [await t.git('rev-parse', 'main'), await t.git('rev-parse', 'main~1')];
  const move = planHead(
    { branch: 'topic', head: from },
    { 'refs/heads/main': from },
    { branch: 'main', head: to, refs: { 'refs/heads/main': to } },
  );
  const stage = path.join(t.repo.gitDir, 'devenv/stage-0-killed');
  await t.git('update-ref', 'refs/heads/main', to);
  writeJournal(t.repo, {
    version: 1,
    root: t.dir,
    kind: 'rollback',
    pid: 2 ** 22 + 1,
    started: '',
    undo: 'refs/devenv/undo/9',
    present,
    target,
    name: tag,
    stage,
    steps: [],
    index: [],
    head: move,
  });
  expect(await recover(t.repo)).toMatchObject({ outcome: 'finished', undo: 'refs/devenv/undo/9' });
  expect(await t.git('rev-parse', '--symbolic-full-name', 'HEAD', 'main')).toContain('refs/heads/main');
  expect((await whole(t)).branches).toContain(then.branches);
  expect(existsSync(stage)).toBe(false);
});
