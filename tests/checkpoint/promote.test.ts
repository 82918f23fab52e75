import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkPromotion } from '../../src/checkpoint/promote.ts';
import { promote, type Promoted } from '../../src/checkpoint/index.ts';
import { promoteCheckpoint } from '../../src/commands/promote.ts';
import { testContext } from '../commands/context.ts';
import {
  exactState,
  filesOf,
  makeRepo,
  openTestRepo,
  stagedState,
  withGitShim,
  type TestRepo,
} from './repo.ts';

const commit = (t: TestRepo, input: { target?: string; message?: string; verify?: boolean } = {}) =>
  promote(t.repo, t.env, {
    verify: true,
    now: Date.now(),
    maxFileBytes: 1024 * 1024,
    target: 'last',
    ...input,
  });

function hook(t: TestRepo, name: string, script: string): void {
  mkdirSync(path.join(t.dir, '.git/hooks'), { recursive: true });
  writeFileSync(path.join(t.dir, '.git/hooks', name), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(t.dir, '.git/hooks', name), 0o755);
}

const ownFiles = (t: TestRepo): string[] => readdirSync(path.join(t.dir, '.git/devenv')).sort();

/** A checkpoint with an edit, a new and a deleted file; then more edits, one of them staged. */
async function work(t: TestRepo): Promise<void> {
  t.write('a.txt', 'edited\n');
  t.write('new file.txt', 'new\n');
  t.remove('src/b.txt');
  await t.checkpoint({ message: 'Let users log in' });
  t.write('a.txt', 'edited later\n');
  t.write('src/deep/c.txt', 'staged later\n');
  await t.git('add', 'src/deep/c.txt');
  t.write('later.txt', 'later\n');
}

describe('a commit of a checkpoint', () => {
  test('[invariant 6] that is taken back leaves a file on the disk that was ignored before it', async () => {
    const t = await makeRepo({ files: { '.gitignore': '.env\n', a: 'a\n' } });
    t.write('.env', 'secret\n');
    await t.git('add', '-f', '.env');
    await t.checkpoint({ message: 'With settings' });
    await t.git('rm', '-q', '--cached', '.env');
    const before = await exactState(t);
    await commit(t);
    await t.undo();
    expect(await exactState(t)).toEqual(before);
  });

  test('is a normal one: tree, parent, identity, message; the files stay, status shows what came later', async () => {
    const t = await makeRepo();
    await work(t);
    const head = await t.git('rev-parse', 'HEAD');
    const files = filesOf(t.dir);
    const made = await commit(t);
    expect(await t.git('rev-parse', 'main')).toBe(made.commit);
    expect(await t.git('log', '-1', '--format=%P|%an <%ae>|%cn|%B')).toBe(
      `${head}|Tester <tester@example.org>|Tester|Let users log in\n`.trimEnd(),
    );
    expect(await t.git('rev-parse', 'HEAD^{tree}')).toBe(await t.git('rev-parse', `${made.tag}^{tree}`));
    expect(filesOf(t.dir)).toEqual(files);
    expect(await t.git('status', '--porcelain')).toBe(' M a.txt\n M src/deep/c.txt\n?? later.txt');
    expect(ownFiles(t)).toEqual([]);
    expect(await t.git('reflog', '-1', '--format=%gs')).toBe('commit: Let users log in');
  });

  test('can be taken back: branch, files and staged state as before', async () => {
    const t = await makeRepo();
    await work(t);
    const [files, staged, head] = [filesOf(t.dir), await stagedState(t), await t.git('rev-parse', 'HEAD')];
    const { undo } = await commit(t, { message: 'Other words' });
    expect(await t.git('log', '-1', '--format=%s')).toBe('Other words');
    const back = await t.undo();
    expect(back.to).toBe(undo);
    expect(await t.git('rev-parse', 'main')).toBe(head);
    expect(filesOf(t.dir)).toEqual(files);
    expect(await stagedState(t)).toBe(staged);
  });

  test('hooks run on what is committed, and may refuse: then nothing has changed', async () => {
    const t = await makeRepo();
    await work(t);
    hook(t, 'pre-commit', 'git show :a.txt; git diff --cached --name-only; exit 1');
    const before = [
      filesOf(t.dir),
      await stagedState(t),
      await t.git('for-each-ref', 'refs/heads', 'refs/devenv/undo'),
    ];
    await expect(commit(t)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/edited\n.*a\.txt\nnew file\.txt\nsrc\/b\.txt/s),
    });
    expect([
      filesOf(t.dir),
      await stagedState(t),
      await t.git('for-each-ref', 'refs/heads', 'refs/devenv/undo'),
    ]).toEqual(before);
    expect(ownFiles(t)).toEqual([]);
    expect((await commit(t, { verify: false })).branch).toBe('main');
  });

  test('a hook that changes what is committed has its way', async () => {
    const t = await makeRepo();
    await work(t);
    hook(
      t,
      'pre-commit',
      'oid=$(echo formatted | git hash-object -w --stdin); git update-index --cacheinfo 100644,$oid,a.txt',
    );
    await commit(t);
    expect(await t.git('show', 'HEAD:a.txt')).toBe('formatted');
    expect(t.read('a.txt')).toBe('edited later\n');
    expect(await t.git('diff', '--cached', '--name-only')).toBe('');
  });

  test("signing is the user's: one that fails makes no commit", async () => {
    const t = await makeRepo();
    await work(t);
    await t.git('config', 'commit.gpgSign', 'true');
    await t.git('config', 'gpg.program', '/bin/false');
    await expect(commit(t)).rejects.toMatchObject({ code: 'failed' });
    expect(await t.git('for-each-ref', 'refs/devenv/undo')).toBe('');
  });

  test('what git converts is converted: no file shows as changed after it', async () => {
    const t = await makeRepo({ files: { '.gitattributes': '* text=auto\n', 'a.txt': 'a\n' } });
    t.write('a.txt', 'a\r\nb\r\n');
    t.write('sub/wörd "x"\n.txt', 'c\r\n');
    await t.checkpoint({ message: 'Lines' });
    await commit(t);
    expect(await t.git('show', 'HEAD:a.txt')).toBe('a\nb');
    expect(t.read('a.txt')).toBe('a\r\nb\r\n');
    expect(await t.git('status', '--porcelain')).toBe('');
    expect(ownFiles(t)).toEqual([]);
  });

  test('line ends that were committed as they are stay so, as git add does it; modes are in it', async () => {
    const t = await makeRepo({ files: { 'dos.txt': 'a\r\n', 'run.sh': 'x\n' } });
    t.write('.gitattributes', '*.txt text=auto\n');
    t.write('dos.txt', 'a\r\nb\r\n');
    chmodSync(path.join(t.dir, 'run.sh'), 0o755);
    await t.checkpoint({ message: 'All' });
    await commit(t);
    expect(await t.git('show', 'HEAD:dos.txt')).toBe('a\r\nb');
    expect(await t.git('ls-tree', 'HEAD', 'run.sh')).toMatch(/^100755/);
    expect(await t.git('status', '--porcelain')).toBe('');
  });

  test.each([['skip-worktree'], ['assume-unchanged']])(
    'edits that were hidden from git (%s) are left out of it, and named',
    async (flag) => {
      const t = await makeRepo({ files: { 'a.txt': 'a\n', conf: 'public\r\n', 'd/conf': 'public\n' } });
      t.write('.gitattributes', '* text=auto\n');
      await t.git('update-index', `--${flag}`, 'conf', 'd/conf');
      t.write('conf', 'secret\n');
      t.remove('d');
      t.write('d', 'secret\n');
      t.write('a.txt', 'edited\n');
      await t.checkpoint({ message: 'Work' });
      const [before, flags] = [await exactState(t), await t.git('ls-files', '-v')];
      const notes: string[] = [];
      const ctx = testContext({ env: t.env, cwd: t.dir, note: (text) => notes.push(text) });
      const { json } = await promoteCheckpoint(ctx, { tag: 'last', verify: true });
      expect(json).toMatchObject({ left: ['conf', 'd', 'd/conf'] });
      expect(notes).toEqual(['left out, hidden from git: conf, d, d/conf']);
      expect(await t.git('diff', '--name-only', 'HEAD~1', 'HEAD')).toBe('.gitattributes\na.txt');
      expect(t.read('conf')).toBe('secret\n');
      expect((await t.git('ls-files', '-v')).split('\n')).toEqual(
        expect.arrayContaining(flags.split('\n').filter((line) => line.endsWith('conf'))),
      );
      await t.undo();
      expect(await exactState(t)).toEqual(before);
      expect(await t.git('ls-files', '-v')).toBe(flags);
    },
  );

  test('of hidden edits alone there is none; the first one of a branch leaves the hidden file staged', async () => {
    const t = await makeRepo({ files: { conf: 'public\n' } });
    await t.git('update-index', '--skip-worktree', 'conf');
    t.write('conf', 'secret\n');
    await t.checkpoint({ message: 'Work' });
    await expect(commit(t)).rejects.toThrow(/nothing to commit: .* hidden from git: conf$/);
    expect(await t.git('for-each-ref', 'refs/devenv/undo')).toBe('');
    await t.git('update-index', '--no-skip-worktree', 'conf');
    t.write('conf', 'public\n');
    await t.git('switch', '-q', '--orphan', 'other');
    t.write('conf', 'secret\n');
    t.write('a.txt', 'a\n');
    await t.git('add', 'conf');
    await t.git('update-index', '--skip-worktree', 'conf');
    await t.checkpoint({ message: 'First' });
    const before = await exactState(t);
    expect(await commit(t)).toMatchObject({ parent: null, left: ['conf'] });
    expect(await t.git('ls-tree', '--name-only', 'HEAD')).toBe('a.txt');
    expect(await t.git('ls-files', '-v')).toBe('H a.txt\nS conf');
    await t.undo();
    expect(await exactState(t)).toEqual(before);
    expect(await t.git('ls-files', '-v')).toBe('S conf');
  });

  test('the first commit of a repository', async () => {
    const t = await makeRepo({ commit: false });
    await t.checkpoint({ message: 'First' });
    const made = await commit(t);
    expect(made.parent).toBeNull();
    expect(await t.git('status', '--porcelain')).toBe('');
  });

  test("refused, with the way out, where it would take others' commits back or nothing is to be committed", async () => {
    const t = await makeRepo();
    const { tag } = await t.checkpoint({ message: 'Same as HEAD' });
    await expect(commit(t)).rejects.toThrow('nothing to commit');
    t.write('a.txt', 'x\n');
    await t.git('commit', '-qam', 'Theirs');
    await expect(commit(t, { target: tag })).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('git switch -c NAME'),
    });
    expect(await t.git('for-each-ref', 'refs/devenv/undo')).toBe('');
  });

  test('a commit that somebody makes in this very moment is not taken back', async () => {
    const t = await makeRepo();
    await work(t);
    const theirs = await t.git('commit-tree', '-p', 'HEAD', '-m', 'Theirs', 'HEAD^{tree}');
    const env = await withGitShim(t.env, `case "$*" in *--message=*) $git update-ref HEAD ${theirs};; esac`);
    const files = filesOf(t.dir);
    await expect(commit(await openTestRepo(t.dir, env))).rejects.toThrow(/another commit was made meanwhile/);
    expect(await t.git('rev-parse', 'main')).toBe(theirs);
    expect(filesOf(t.dir)).toEqual(files);
    expect(await t.git('for-each-ref', 'refs/devenv/undo')).toBe('');
  });

  test('a lock on the index: the commit is there, and it says how the index follows', async () => {
    const t = await makeRepo();
    await work(t);
    hook(t, 'post-commit', 'touch .git/index.lock');
    await expect(commit(t)).rejects.toMatchObject({
      message: expect.stringMatching(/committed as .* could not follow/),
    });
    expect(existsSync(path.join(t.dir, '.git/index.lock'))).toBe(true);
    expect(readFileSync(path.join(t.dir, 'a.txt'), 'utf8')).toBe('edited later\n');
  });

  test('the command says what it did and how to take it back', async () => {
    const t = await makeRepo();
    await work(t);
    const ctx = testContext({ env: t.env, cwd: t.dir });
    const { json, text } = await promoteCheckpoint(ctx, { tag: 'last', verify: true });
    const made = json as Promoted;
    expect(made).toMatchObject({ branch: 'main', message: 'Let users log in', undo: 'refs/devenv/undo/1' });
    expect(text).toMatch(/committed checkpoint-\S+ on main as .*devenv undo/s);
  });
});

describe('whether a checkpoint can be a commit here', () => {
  const chosen = { tag: 'checkpoint-x', head: 'c1', partial: false, message: 'words' };
  const present = { head: 'c1', branch: 'main', state: 'clean' };
  test.each([
    ['in a merge', chosen, { ...present, state: 'merging' }, undefined, 'refused'],
    ['detached', chosen, { ...present, branch: null }, undefined, 'refused'],
    ['on another commit', chosen, { ...present, head: 'c2' }, undefined, 'refused'],
    ['made before the first commit', { ...chosen, head: null }, present, undefined, 'refused'],
    ['partial', { ...chosen, partial: true }, present, undefined, 'refused'],
    ['no message', { ...chosen, message: ' ' }, present, undefined, 'usage'],
  ] as const)('%s: no', (_, one, here, message, code) => {
    expect(() => checkPromotion(one, here, message)).toThrow(expect.objectContaining({ code }));
  });
  test('its own message, or the one given', () => {
    expect(checkPromotion(chosen, present, undefined)).toEqual({ branch: 'main', message: 'words' });
    expect(checkPromotion({ ...chosen, message: '' }, present, 'given')).toMatchObject({ message: 'given' });
  });
});
