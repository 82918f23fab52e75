import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { listCheckpoints } from '../../src/checkpoint/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { tempDir } from '../support/temp.ts';
import { filesOf, gitIn, makeRepo, openTestRepo, stagedState, visibleState, type TestRepo } from './repo.ts';

const files = {
  'a.txt': 'a\n',
  'src/b.txt': 'b\n',
  'src/deep/c.txt': 'c\n',
  'old.txt': 'never opened since\n',
  '.gitignore': 'ignored/\n*.log\n',
};

/** Edits of every sort: changed, deleted, new, moved, a link, an executable, staged and not, a folder for a file. */
async function edit(t: TestRepo, round: number): Promise<void> {
  t.write('a.txt', `a ${round}\n`);
  t.write(`new ${round}.txt`, `new ${round}\n`);
  t.write(`deep/er/${round}.bin`, Buffer.from([0, 255, round, 13, 10]));
  t.write('staged.txt', `staged ${round}\n`);
  await t.git('add', 'staged.txt');
  t.write('staged.txt', `staged and edited ${round}\n`);
  t.write('ignored/kept.log', 'ignored\n');
  t.remove('link');
  symlinkSync(round % 2 === 0 ? 'a.txt' : '../outside', path.join(t.dir, 'link'));
  writeFileSync(path.join(t.dir, `tool-${round}.sh`), '#!/bin/sh\n', { mode: 0o755 });
  t.remove('swap');
  t.write(round % 2 === 0 ? 'swap' : 'swap/inside', `swap ${round}\n`);
  if (round % 2 === 1) t.remove('src/b.txt');
  else t.write('src/b.txt', 'b is back\n');
}

/** The whole way: two checkpoints that a person cannot see, back to the first, undone, undone again. */
async function wholeWay(t: TestRepo): Promise<void> {
  await edit(t, 0);
  const [seen, first, firstStaged] = [await visibleState(t), filesOf(t.dir), await stagedState(t)];
  const { tag, tree } = await t.checkpoint({ verdict: 'passed' });
  expect(await visibleState(t), 'a checkpoint changes nothing').toEqual(seen);
  expect(await t.git('rev-parse', `${tag}^{tree}`)).toBe(tree);
  expect(await t.git('rev-parse', `devenv/checkpoints/${tag}^{tree}`)).toBe(tree);
  await edit(t, 1);
  const [now, nowStaged] = [filesOf(t.dir), await stagedState(t)];
  const second = await t.checkpoint();
  const head = await headOf(t);

  const outcome = await t.rollBack({ target: tag, yes: true });
  expect(filesOf(t.dir), 'rolled back').toEqual(first);
  expect(await stagedState(t)).toBe(firstStaged);
  expect(await headOf(t)).toBe(head);
  expect(outcome.undo).toMatch(/^refs\/devenv\/undo\/\d+$/);
  await t.undo();
  expect(filesOf(t.dir), 'undone').toEqual(now);
  expect(await stagedState(t)).toBe(nowStaged);
  expect(await headOf(t)).toBe(head);

  expect((await listCheckpoints(t.repo)).map((one) => one.tag)).toEqual([second.tag, tag]);
  expect((await t.checkpoint()).created, 'the same tree makes no second one').toBe(false);
}

const headOf = async (t: TestRepo): Promise<string> =>
  readFileSync(path.join(t.repo.gitDir, 'HEAD'), 'utf8') +
  (await t.git('rev-parse', '--verify', '--quiet', 'HEAD').catch(() => 'none'));

/** Clones as a user would, from a repository with a few commits that is still there. */
async function cloned(...options: string[]): Promise<{ readonly t: TestRepo; readonly origin: TestRepo }> {
  const origin = await makeRepo({ files });
  await origin.git('config', 'uploadpack.allowFilter', 'true');
  await origin.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  for (const n of [1, 2, 3]) {
    origin.write('a.txt', `a, commit ${n}\n`);
    await origin.git('commit', '-qam', `Commit ${n}`);
  }
  const dir = path.join(tempDir('clone'), 'clone');
  await gitIn(path.dirname(dir), origin.env)('clone', '-q', ...options, `file://${origin.dir}`, dir);
  return { t: await openTestRepo(dir, origin.env), origin };
}

/** Counts how often git asks the origin for anything from now on. */
async function countFetches(t: TestRepo): Promise<() => number> {
  const log = path.join(tempDir('fetches'), 'log');
  const script = path.join(path.dirname(log), 'upload-pack');
  writeFileSync(script, `#!/bin/sh\necho fetch >> '${log}'\nexec git upload-pack "$@"\n`, { mode: 0o755 });
  await t.git('config', 'remote.origin.uploadpack', script);
  return () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0);
}

/** A clone that shows only `src`; of `far`, which each commit changes, it has no blob. */
async function sparseAndPartial(): Promise<{ readonly t: TestRepo; readonly fetches: () => number }> {
  const { t, origin } = await cloned('--filter=blob:none', '--no-checkout');
  for (const n of [1, 2]) {
    origin.write('far/away.txt', `far away ${n}\n`);
    origin.write('src/b.txt', `b ${n}\n`);
    await origin.git('add', '-A');
    await origin.git('commit', '-qm', `Far away ${n}`);
  }
  await t.git('fetch', '-q');
  await t.git('sparse-checkout', 'set', '--cone', 'src');
  await t.git('checkout', '-q', '-B', 'main', 'origin/main');
  return { t, fetches: await countFetches(t) };
}

describe('[invariant 13] a checkpoint, a rollback and its undo are exact', () => {
  test('in an ordinary repository', async () => {
    const t = await makeRepo({ files });
    await wholeWay(t);
    await t.git('fsck', '--strict');
  });

  test('before the first commit', async () => {
    const t = await makeRepo({ files, commit: false });
    await wholeWay(t);
    expect(await t.git('rev-parse', '--verify', '--quiet', 'HEAD').catch(() => 'none')).toBe('none');
    await t.git('fsck', '--strict');
    // The first commit can still be made, and the checkpoints of before it are still there.
    await t.git('add', '-A');
    await t.git('commit', '-qm', 'First');
    t.write('a.txt', 'after the first commit\n');
    const now = filesOf(t.dir);
    await t.rollBack({ target: '-2', yes: true });
    expect(filesOf(t.dir)).not.toEqual(now);
    await t.undo();
    expect(filesOf(t.dir)).toEqual(now);
  });

  test('with HEAD detached', async () => {
    const t = await makeRepo({ files });
    await t.git('checkout', '-q', '--detach');
    await wholeWay(t);
    expect((await listCheckpoints(t.repo)).map((one) => one.branch)).toEqual([null, null]);
    expect(await t.git('branch', '--list')).toMatch(/detached/);
  });

  test('in a linked work tree, which leaves the main one and a second linked one alone', async () => {
    const main = await makeRepo({ files });
    const dirs = ['one', 'two and a space'].map((name) => path.join(tempDir('linked'), name));
    for (const [n, dir] of dirs.entries()) await main.git('worktree', 'add', '-q', '-b', `branch-${n}`, dir);
    const [one, two] = [
      await openTestRepo(dirs[0] ?? '', main.env),
      await openTestRepo(dirs[1] ?? '', main.env),
    ];
    for (const t of [main, two]) await edit(t, 7);
    const others = async (): Promise<unknown> => [await visibleState(main), await visibleState(two)];
    const before = await others();
    await wholeWay(one);
    expect(await others()).toEqual(before);
    expect(new Set((await listCheckpoints(one.repo)).map((checkpoint) => checkpoint.worktree))).toEqual(
      new Set(['one']),
    );
    await expect(main.rollBack({ target: undefined })).rejects.toMatchObject({ code: 'unknown-tag' });
    await expect(two.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
    await main.git('fsck', '--strict');
  });

  test('in a linked work tree that was moved, and one with its own settings', async () => {
    const main = await makeRepo({ files });
    const dir = path.join(tempDir('linked'), 'before');
    await main.git('worktree', 'add', '-q', '--detach', dir);
    await main.git('worktree', 'move', dir, `${dir} and after`);
    const moved = await openTestRepo(`${dir} and after`, main.env);
    await main.git('config', 'extensions.worktreeConfig', 'true');
    await moved.git('config', '--worktree', 'core.autocrlf', 'true');
    await wholeWay(await openTestRepo(moved.dir, main.env));
  });

  test('with its git directory elsewhere (--separate-git-dir)', async () => {
    const gitDir = path.join(tempDir('gitdir'), 'of a shop.git');
    const t = await makeRepo({ files, init: [`--separate-git-dir=${gitDir}`] });
    expect(t.repo.gitDir).toBe(gitDir);
    await wholeWay(t);
    await t.git('fsck', '--strict');
  });

  test('with a work tree named by core.worktree', async () => {
    const t = await makeRepo({ files });
    const dir = tempDir('elsewhere');
    await t.git('config', 'core.worktree', dir);
    await gitIn(t.dir, t.env)('--git-dir=.git', `--work-tree=${dir}`, 'checkout', '-qf', 'HEAD', '--', '.');
    writeFileSync(path.join(dir, '.git'), `gitdir: ${t.dir}/.git\n`);
    await wholeWay(await openTestRepo(dir, t.env));
    expect(Object.keys(filesOf(t.dir)).sort()).toEqual(Object.keys(files).sort());
  });

  test('in a shallow clone, which stays shallow', async () => {
    const { t, origin } = await cloned('--depth=1');
    await wholeWay(t);
    expect(await t.git('rev-list', '--count', 'HEAD')).toBe('1');
    await t.git('fsck', '--strict');
    await t.git('fetch', '-q', '--unshallow');
    expect(await t.git('rev-list', '--count', 'HEAD')).toBe(await origin.git('rev-list', '--count', 'HEAD'));
  });

  test.each(['blob:none', 'tree:0', 'blob:limit=1k'])(
    'in a partial clone (%s), whether it can reach its origin or not: nothing is fetched',
    async (filter) => {
      const { t, origin } = await cloned(`--filter=${filter}`);
      const fetches = await countFetches(t);
      await wholeWay(t);
      expect(fetches()).toBe(0);
      renameSync(origin.dir, `${origin.dir}-gone`);
      await edit(t, 2);
      const [now, { tag }] = [filesOf(t.dir), await t.checkpoint()];
      await edit(t, 3);
      await t.rollBack({ target: tag, yes: true });
      expect(filesOf(t.dir)).toEqual(now);
      await expect(t.git('fetch', '-q')).rejects.toThrow(
        /Could not read from remote|does not appear to be a git repository|does not exist/,
      );
      renameSync(`${origin.dir}-gone`, origin.dir);
      await t.git('fetch', '-q');
      await t.git('fsck', '--connectivity-only');
    },
  );

  test('in a partial and sparse clone, whose other files were never fetched', async () => {
    const { t, fetches } = await sparseAndPartial();
    await wholeWay(t);
    expect(fetches()).toBe(0);
    expect(existsSync(path.join(t.dir, 'far'))).toBe(false);
    // It was there to be fetched, and would have been counted.
    expect(await t.git('show', 'HEAD:far/away.txt')).toBe('far away 2');
    expect(fetches()).toBe(1);
  });

  test('also to a checkpoint of another commit, that differs by files which were never fetched', async () => {
    const { t, fetches } = await sparseAndPartial();
    t.write('src/b.txt', 'on the newer commit\n');
    const [then, { tag }] = [filesOf(t.dir), await t.checkpoint()];
    await t.git('stash', '-q');
    await t.git('checkout', '-q', 'HEAD~1');
    t.write('src/new.txt', 'on the older commit\n');
    const [now, fetched] = [filesOf(t.dir), fetches()];
    await t.rollBack({ target: tag, yes: true });
    expect(filesOf(t.dir)).toEqual(then);
    await t.undo();
    expect(filesOf(t.dir)).toEqual(now);
    expect(fetches()).toBe(fetched);
  });

  test('with SHA-256', async () => {
    const t = await makeRepo({ files, init: ['--object-format=sha256'] });
    expect(t.repo.objectFormat).toBe('sha256');
    await wholeWay(t);
    expect((await listCheckpoints(t.repo)).every((one) => /^[0-9a-f]{64}$/.test(one.tree))).toBe(true);
    await t.git('fsck', '--strict');
  });

  test('with reftable, where git has it', async ({ skip }) => {
    const t = await makeRepo({ files, init: ['--ref-format=reftable'] }).catch(() => undefined);
    if (!t) {
      skip('this git has no reftable');
      return;
    }
    expect(t.repo.refFormat).toBe('reftable');
    await wholeWay(t);
  });

  test('from a folder of the work tree it is the whole of it', async () => {
    const t = await makeRepo({ files });
    const inside = await openRepo({ cwd: path.join(t.dir, 'src/deep'), env: t.env });
    expect(inside.root).toBe(t.dir);
    await wholeWay({ ...t, repo: inside });
  });
});

describe('[invariant 13] what holds no work tree is refused in plain words', () => {
  test.each([
    [
      'a bare repository',
      async (dir: string, env: NodeJS.ProcessEnv) => void (await gitIn(dir, env)('init', '-q', '--bare')),
    ],
    [
      'the inside of .git',
      async (dir: string, env: NodeJS.ProcessEnv) => {
        mkdirSync(path.join(dir, 'x'));
        await gitIn(path.join(dir, 'x'), env)('init', '-q');
        renameSync(path.join(dir, 'x/.git'), path.join(dir, 'y'));
        for (const name of ['HEAD', 'objects', 'refs', 'config', 'hooks', 'info', 'description', 'branches'])
          renameSync(path.join(dir, 'y', name), path.join(dir, name));
        await gitIn(dir, env)('config', 'core.bare', 'true');
      },
    ],
    ['no repository', async () => {}],
    [
      'a .git that points nowhere',
      async (dir: string) => writeFileSync(path.join(dir, '.git'), 'gitdir: /nowhere/at/all\n'),
    ],
    ['an empty .git', async (dir: string) => mkdirSync(path.join(dir, '.git'))],
  ])('%s', async (_, make) => {
    const { env } = await makeRepo();
    const dir = tempDir('none');
    await make(dir, env);
    const before = filesOf(dir);
    await expect(openRepo({ cwd: dir, env })).rejects.toMatchObject({
      code: 'no-repo',
      message: expect.stringContaining(dir),
    });
    expect(filesOf(dir)).toEqual(before);
  });
});
