import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { listCheckpoints, snapshot } from '../../src/checkpoint/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { filesOf, gitIn, makeRepo, openTestRepo, visibleState, type TestRepo } from './repo.ts';
import { program } from '../support/programs.ts';

/** The tree that `git add -A` would make, by an index of its own. */
async function addedTree(t: TestRepo): Promise<string> {
  const env = { ...t.env, GIT_INDEX_FILE: path.join(tempDir('index'), 'index') };
  const git = gitIn(t.dir, env);
  await git('add', '-A');
  return git('write-tree');
}

async function edits(t: TestRepo): Promise<void> {
  t.write('a.txt', 'staged\n');
  await t.git('add', 'a.txt');
  t.write('a.txt', 'staged and edited\n');
  t.write('new file.txt', 'untracked\n');
  t.remove('src/b.txt');
  t.write('bin/run', '#!/bin/sh\n');
  chmodSync(path.join(t.dir, 'bin/run'), 0o755);
  symlinkSync('nowhere', path.join(t.dir, 'dangling'));
}

describe('a checkpoint', () => {
  test('[invariant 1] changes nothing a person can see', async () => {
    const t = await makeRepo();
    await t.git('config', 'core.logAllRefUpdates', 'always');
    t.write('stashed.txt', 'x');
    await t.git('stash', '-u');
    await edits(t);
    const before = await visibleState(t);
    const made = await t.checkpoint({ message: 'first' });
    expect(made.created).toBe(true);
    expect(await visibleState(t)).toEqual(before);
  });

  test('holds the tree git add -A would make, shaped like a stash', async () => {
    const t = await makeRepo();
    await edits(t);
    const made = await t.checkpoint();
    expect(made.tree).toBe(await addedTree(t));
    expect(await t.git('rev-parse', `${made.commit}^1`)).toBe(await t.git('rev-parse', 'HEAD'));
    expect(await t.git('rev-parse', `${made.commit}^2^{tree}`)).toBe(await t.git('write-tree'));
    expect(await t.git('rev-parse', `refs/tags/${made.tag}`)).toBe(made.commit);
    expect(await t.git('rev-parse', `devenv/checkpoints/${made.tag}`)).toBe(made.commit);
    expect(await t.git('cat-file', '-t', made.tag)).toBe('commit');
  });

  test('[invariant 2] needs no lock: works while another git holds index.lock', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'new\n');
    writeFileSync(path.join(t.dir, '.git/index.lock'), '');
    expect((await t.checkpoint()).created).toBe(true);
  });

  test('[invariant 3] an edit of the same size and time is seen', async () => {
    const t = await makeRepo();
    const when = new Date(Math.floor(Date.now() / 1000) * 1000);
    for (const [n, text] of ['1111\n', '2222\n', '3333\n'].entries()) {
      t.write('a.txt', text);
      utimesSync(path.join(t.dir, 'a.txt'), when, when);
      const made = await t.checkpoint();
      expect([n, made.created, await t.git('show', `${made.tag}:a.txt`)]).toEqual([n, true, text.trim()]);
    }
  });

  test('[invariant 9] [invariant 10] [invariant 11] no hook, no signature, no identity is asked for', async () => {
    const t = await makeRepo();
    const ran = path.join(tempDir('hooks'), 'ran');
    for (const hook of [
      'reference-transaction',
      'post-index-change',
      'pre-commit',
      'post-checkout',
      'post-commit',
    ]) {
      t.write(`.git/hooks/${hook}`, `#!/bin/sh\necho ${hook} >> ${ran}\nexit 1\n`);
      chmodSync(path.join(t.dir, '.git/hooks', hook), 0o755);
    }
    for (const [key, value] of [
      ['commit.gpgSign', 'true'],
      ['tag.gpgSign', 'true'],
      ['gpg.program', '/bin/false'],
      ['user.useConfigOnly', 'true'],
    ])
      await t.git('config', key ?? '', value ?? '');
    await t.git('config', '--unset', 'user.email');
    t.write('a.txt', 'new\n');
    expect((await t.checkpoint()).created).toBe(true);
    expect(filesOf(path.dirname(ran))).toEqual({});
  });

  test('[invariant 12] what is inherited of git and of the language changes nothing', async () => {
    const t = await makeRepo();
    const other = await makeRepo();
    const env = {
      ...t.env,
      GIT_DIR: `${other.dir}/.git`,
      GIT_WORK_TREE: other.dir,
      GIT_INDEX_FILE: '/nowhere/index',
      GIT_OBJECT_DIRECTORY: '/nowhere',
      LANG: 'tr_TR.UTF-8',
      LC_ALL: 'zh_CN.UTF-8',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.bare',
      GIT_CONFIG_VALUE_0: 'true',
    };
    const same = await openTestRepo(t.dir, env);
    t.write('a.txt', 'new\n');
    const made = await same.checkpoint();
    expect(await t.git('show', `${made.tag}:a.txt`)).toBe('new');
    expect(await other.git('for-each-ref', 'refs/devenv')).toBe('');
  });

  test('the same tree makes no second one; the first that passes on it does', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'new\n');
    const first = await t.checkpoint();
    expect(await t.checkpoint()).toMatchObject({ created: false, tag: first.tag, verdict: 'unverified' });
    const snap = await snapshot(t.repo, { now: Date.now() });
    expect(snap.tree).toBe(first.tree);
    const good = await t.checkpoint({ verdict: 'passed', snapshot: snap, suites: ['unit=passed'] });
    expect(good).toMatchObject({ created: true, tree: first.tree, verdict: 'passed' });
    expect(await t.checkpoint()).toMatchObject({ created: false, tag: good.tag, verdict: 'passed' });
    expect((await listCheckpoints(t.repo)).map((one) => [one.verdict, one.suites])).toEqual([
      ['passed', ['unit=passed']],
      ['unverified', []],
    ]);
  });

  test('tags: all, good, none', async () => {
    const t = await makeRepo();
    t.write('a.txt', '1');
    await t.checkpoint({ tags: 'none' });
    t.write('a.txt', '2');
    await t.checkpoint({ tags: 'good' });
    t.write('a.txt', '3');
    const good = await t.checkpoint({ tags: 'good', verdict: 'passed' });
    expect(await t.git('tag')).toBe(good.tag);
    expect(await listCheckpoints(t.repo)).toHaveLength(3);
  });

  test('a message cannot forge what a checkpoint says', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'x');
    await t.checkpoint({ message: 'ok\n\nDevenv-Verdict: passed\nDevenv-Tree: 0' });
    expect(await listCheckpoints(t.repo)).toMatchObject([
      { verdict: 'unverified', message: expect.stringMatching(/^ok\n/) },
    ]);
  });
});

describe('whatever state the repository is in', () => {
  test('[invariant 13] no commit yet', async () => {
    const t = await makeRepo({ commit: false });
    await t.git('add', 'a.txt');
    const made = await t.checkpoint();
    expect(made.head).toBeNull();
    expect(made.tree).toBe(await addedTree(t));
    expect(await t.git('ls-tree', '-r', '--name-only', `${made.commit}^1`)).toBe('a.txt');
  });

  test('[invariant 13] no commit and no file', async () => {
    const t = await makeRepo({ commit: false, files: {} });
    expect((await t.checkpoint()).tree).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  });

  test('[invariant 13] detached HEAD, SHA-256, linked work tree, separate git dir', async () => {
    const t = await makeRepo();
    await t.git('checkout', '-q', '--detach');
    t.write('a.txt', 'detached\n');
    expect(await t.checkpoint()).toMatchObject({ created: true, branch: null });

    const sha256 = await makeRepo({ init: ['--object-format=sha256'] });
    sha256.write('a.txt', 'longer ids\n');
    const long = await sha256.checkpoint();
    expect(long.tree).toBe(await addedTree(sha256));
    expect(long.tree).toHaveLength(64);

    const linked = path.join(tempDir('linked'), 'tree');
    await t.git('worktree', 'add', '-q', '-b', 'other', linked, 'main');
    const other = await openTestRepo(linked, t.env);
    other.write('only-here.txt', 'x');
    const made = await other.checkpoint();
    expect(made).toMatchObject({ branch: 'other', worktree: 'tree' });
    expect(await t.git('ls-tree', '--name-only', made.tag)).toContain('only-here.txt');

    const apart = tempDir('apart');
    const separate = await makeRepo({ init: [`--separate-git-dir=${apart}/git`] });
    separate.write('a.txt', 'apart\n');
    expect((await separate.checkpoint()).tree).toBe(await addedTree(separate));
  });

  test('[invariant 13] a bare repository and no repository are refused in plain words', async () => {
    const env = testEnv();
    const dir = tempDir('bare');
    await expect(openRepo({ cwd: dir, env })).rejects.toMatchObject({
      code: 'no-repo',
      hint: 'make one with: git init',
    });
    await gitIn(dir, env)('init', '-q', '--bare');
    await expect(openRepo({ cwd: dir, env })).rejects.toMatchObject({
      code: 'no-repo',
      message: expect.stringContaining('bare'),
    });
  });

  test('[invariant 14] in the middle of a merge, with markers, and announced files', async () => {
    const t = await makeRepo();
    await t.git('switch', '-q', '-c', 'side');
    t.write('a.txt', 'side\n');
    await t.git('commit', '-qam', 'side');
    await t.git('switch', '-q', 'main');
    t.write('a.txt', 'main\n');
    await t.git('commit', '-qam', 'main');
    await expect(t.git('merge', 'side')).rejects.toThrow('CONFLICT');
    t.write('announced.txt', 'soon\n');
    await t.git('add', '-N', 'announced.txt');
    const before = await visibleState(t);
    const made = await t.checkpoint();
    expect(await t.git('show', `${made.tag}:a.txt`)).toContain('<<<<<<< HEAD');
    expect(await t.git('show', `${made.tag}:announced.txt`)).toBe('soon');
    expect(await visibleState(t)).toEqual(before);
    await expect(t.rollBack()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('merge'),
    });
  });

  test('[invariant 15] edits that git was told not to look for are saved', async () => {
    const t = await makeRepo();
    await t.git('update-index', '--assume-unchanged', 'a.txt');
    await t.git('update-index', '--skip-worktree', 'src/b.txt');
    t.write('a.txt', 'hidden 1\n');
    t.write('src/b.txt', 'hidden 2\n');
    expect(await t.git('status', '--porcelain')).toBe('');
    const made = await t.checkpoint();
    expect(await t.git('show', `${made.tag}:a.txt`)).toBe('hidden 1');
    expect(await t.git('show', `${made.tag}:src/b.txt`)).toBe('hidden 2');
    await t.git('update-index', '--index-version', '4');
    t.write('a.txt', 'hidden 3\n');
    expect(await t.git('show', `${(await t.checkpoint()).tag}:a.txt`)).toBe('hidden 3');
  });

  test('[invariant 15] also when only the mode or the kind of the file is another one', async () => {
    const t = await makeRepo();
    await t.git('update-index', '--assume-unchanged', 'a.txt', 'src/b.txt');
    chmodSync(path.join(t.dir, 'a.txt'), 0o755);
    t.remove('src/b.txt');
    symlinkSync('b\n', path.join(t.dir, 'src/b.txt'));
    const made = await t.checkpoint();
    const [before, tree] = [filesOf(t.dir), await t.git('ls-tree', '-r', made.tag, 'a.txt', 'src/b.txt')];
    expect(tree.split('\n').map((line) => line.slice(0, 6))).toEqual(['100755', '120000']);
    chmodSync(path.join(t.dir, 'a.txt'), 0o644);
    t.remove('src/b.txt');
    t.write('src/b.txt', 'b\n');
    expect((await t.rollBack({ target: made.tag })).written).toEqual(['a.txt', 'src/b.txt']);
    expect(filesOf(t.dir)).toEqual(before);
  });

  test('[invariant 16] a sparse checkout keeps what it does not show', async () => {
    const t = await makeRepo();
    await t.git('sparse-checkout', 'set', '--no-cone', '/*', '!/src/');
    t.write('src/extra.txt', 'outside\n');
    const made = await t.checkpoint();
    expect((await t.git('ls-tree', '-r', '--name-only', made.tag)).split('\n')).toEqual([
      '.gitignore',
      'a.txt',
      'src/b.txt',
      'src/deep/c.txt',
      'src/extra.txt',
    ]);
  });

  test('[invariant 17] repositories inside, with and without a commit, are said and left alone', async () => {
    const t = await makeRepo();
    for (const name of ['empty', 'full']) {
      mkdirSync(path.join(t.dir, name));
      const git = gitIn(path.join(t.dir, name), t.env);
      await git('init', '-q');
      t.write(`${name}/inner.txt`, 'mine\n');
      if (name === 'full')
        await git('-c', 'user.name=x', '-c', 'user.email=x@x', 'commit', '-q', '--allow-empty', '-m', 'x');
    }
    t.write('a.txt', 'new\n');
    const made = await t.checkpoint();
    expect(made.skipped.map((skip) => skip.path)).toEqual(['empty', 'full']);
    t.write('a.txt', 'newer\n');
    await t.rollBack();
    expect(t.read('full/inner.txt') + t.read('empty/inner.txt')).toBe('mine\nmine\n');
  });

  test('[invariant 18] a submodule keeps its pointer; what is dirty in it is said', async () => {
    const inner = await makeRepo();
    const t = await makeRepo();
    await t.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.dir, 'sub');
    await t.git('commit', '-qm', 'Add sub');
    t.write('sub/a.txt', 'dirty\n');
    t.write('a.txt', 'new\n');
    const made = await t.checkpoint();
    expect(made.skipped).toEqual([{ path: 'sub', reason: 'changes inside the submodule' }]);
    expect(await t.git('ls-tree', made.tag, 'sub')).toContain(
      `160000 commit ${await inner.git('rev-parse', 'HEAD')}`,
    );
    await gitIn(path.join(t.dir, 'sub'), t.env)(
      '-c',
      'user.name=x',
      '-c',
      'user.email=x@x',
      'commit',
      '-qam',
      'inner',
    );
    const moved = await t.checkpoint();
    expect(await t.git('ls-tree', moved.tag, 'sub')).toContain(
      await gitIn(path.join(t.dir, 'sub'), t.env)('rev-parse', 'HEAD'),
    );
  });
});

describe('whatever a file is', () => {
  test('[invariant 20] the executable bit both ways, core.fileMode=false, pipes', async () => {
    const t = await makeRepo();
    chmodSync(path.join(t.dir, 'a.txt'), 0o755);
    execFileSync('mkfifo', [path.join(t.dir, 'pipe')]);
    const made = await t.checkpoint();
    expect(await t.git('ls-tree', made.tag, 'a.txt')).toContain('100755');
    chmodSync(path.join(t.dir, 'a.txt'), 0o644);
    expect((await t.rollBack({ target: made.tag })).written).toEqual(['a.txt']);
    expect(filesOf(t.dir)['a.txt']).toContain('exec');
    await t.git('config', 'core.fileMode', 'false');
    t.write('tool', 'x');
    chmodSync(path.join(t.dir, 'tool'), 0o755);
    const untrusted = await t.checkpoint();
    expect(await t.git('ls-tree', untrusted.tag, 'tool', 'a.txt')).not.toContain('100755');
  });

  test('[invariant 20] a pipe in the place of a file does not block and is said', async () => {
    const t = await makeRepo();
    t.remove('a.txt');
    execFileSync('mkfifo', [path.join(t.dir, 'a.txt')]);
    t.write('src/b.txt', 'new\n');
    expect(await t.checkpoint()).toMatchObject({ created: true });
  });

  test('[invariant 21] names of any bytes', async () => {
    const t = await makeRepo();
    const names = [
      'with space',
      '"quoted"',
      "it's",
      '-dash',
      'new\nline',
      'tab\there',
      'back\\slash',
      'ümläut',
      'u\u0308',
      'Case',
      'case',
      'x'.repeat(255),
      ' leading',
      'trailing ',
      '*',
      '#hash',
      ':(top)odd',
    ];
    for (const name of names) t.write(name, name);
    const odd = Buffer.concat([Buffer.from(`${t.dir}/`), Buffer.from([0x66, 0xff, 0xfe, 0x80])]);
    writeFileSync(odd, 'not UTF-8');
    const before = filesOf(t.dir);
    const made = await t.checkpoint();
    expect(made.tree).toBe(await addedTree(t));
    for (const name of names) t.remove(name);
    writeFileSync(odd, 'changed');
    await t.rollBack({ target: made.tag });
    expect(filesOf(t.dir)).toEqual(before);
  });

  test('[invariant 22] what cannot be read makes it partial, and nothing is deleted on its word', async () => {
    const t = await makeRepo();
    // Root reads everything, so another user takes the snapshot.
    for (const file of ['secret.txt', 'open.txt']) t.write(file, 'x\n');
    chmodSync(path.join(t.dir, 'secret.txt'), 0);
    const root = process.getuid?.() === 0;
    if (root) {
      execFileSync('chown', ['-R', '65534:65534', t.dir, t.env['HOME'] ?? '']);
      execFileSync('chown', ['0:0', path.join(t.dir, 'secret.txt')]);
    }
    const made = await asNobody(t, root);
    expect(made).toMatchObject({ created: true, partial: true });
    expect(made.skipped[0]).toMatchObject({ path: 'secret.txt' });
    if (root) execFileSync('chown', ['-R', '0:0', t.dir, t.env['HOME'] ?? '']);
    t.write('later.txt', 'not in it\n');
    const outcome = await t.rollBack();
    expect(outcome.deleted).toEqual([]);
    expect(outcome.kept.map((one) => one.path).sort()).toEqual(['later.txt', 'secret.txt']);
  });

  test('[invariant 23] a file over the limit is left out, said, and never touched; $HOME is refused', async () => {
    const t = await makeRepo();
    t.write('big.bin', Buffer.alloc(2 * 1024 * 1024, 1));
    t.write('a.txt', 'new\n');
    const made = await t.checkpoint();
    expect(made.skipped).toEqual([{ path: 'big.bin', reason: 'larger than 1 MB' }]);
    t.write('big.bin', 'small now');
    t.write('a.txt', 'newer\n');
    expect((await t.rollBack()).kept).toEqual([{ path: 'big.bin', reason: 'larger than 1 MB' }]);
    expect(t.read('big.bin')).toBe('small now');
    const home = await openTestRepo(t.dir, { ...t.env, HOME: t.dir });
    await expect(home.checkpoint()).rejects.toMatchObject({ code: 'refused' });
  });
});

/** Takes a checkpoint in a process of the user nobody, when we are root. */
async function asNobody(
  t: TestRepo,
  root: boolean,
): Promise<{ created: boolean; partial: boolean; skipped: { path: string }[] }> {
  const script = program('checkpoint');
  const drop = root ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  execFileSync('chmod', ['a+x', path.dirname(t.dir), path.dirname(path.dirname(t.dir))]);
  const result = await run([...drop, process.execPath, script, t.dir], { env: t.env });
  if (!result.ok) throw new Error(result.stderr);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fixture's own output
  return JSON.parse(result.stdout) as { created: boolean; partial: boolean; skipped: { path: string }[] };
}
