import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { listUndoEntries } from '../../src/checkpoint/index.ts';
import { exactState, filesOf, makeRepo, openTestRepo, visibleState } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';

describe('rollback and undo', () => {
  test('[invariant 4] also what was taken out of the index and announced again', async () => {
    const t = await makeRepo();
    await t.git('rm', '-q', '--cached', 'a.txt');
    t.write('a.txt', 'once more\n');
    await t.git('add', '-N', 'a.txt');
    const made = await t.checkpoint();
    const then = await exactState(t);
    const others = [
      ['reset', '-q'],
      ['rm', '-q', '--cached', 'a.txt'],
      ['add', 'a.txt'],
    ];
    for (const other of others) {
      await t.git(...other);
      const now = await exactState(t);
      await t.rollBack({ target: made.tag });
      expect(await exactState(t)).toEqual(then);
      await t.undo();
      expect(await exactState(t)).toEqual(now);
      await t.redo();
      expect(await exactState(t)).toEqual(then);
    }
  });

  test('[invariant 4] what was announced and is gone goes, and comes back with undo', async () => {
    const t = await makeRepo({ files: { 'a.txt': 'a\n', 'empty.txt': '' } });
    const made = await t.checkpoint();
    const then = await exactState(t);
    t.remove('empty.txt');
    for (const name of ['new.txt', 'deep/new.txt', 'dé/"ü"\n.txt']) {
      t.write(name, 'later\n');
      await t.git('add', '-N', name);
      t.remove(name);
    }
    await t.git('rm', '-q', '--cached', 'a.txt');
    await t.git('add', '-N', 'a.txt');
    t.remove('a.txt');
    const now = await exactState(t);
    for (let round = 0; round < 2; round++) {
      await t.rollBack({ target: made.tag });
      expect(await exactState(t)).toEqual(then);
      await t.undo();
      expect(await exactState(t)).toEqual(now);
    }
  });

  test('[invariant 4] put everything back exactly, again and again', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'staged\n');
    await t.git('add', 'a.txt');
    t.write('a.txt', 'edited\n');
    t.write('untracked.txt', 'u\n');
    t.write('announced.txt', 'later\n');
    await t.git('add', '-N', 'announced.txt');
    const made = await t.checkpoint();
    const then = await exactState(t);
    t.write('a.txt', 'broken\n');
    await t.git('add', 'a.txt');
    chmodSync(path.join(t.dir, 'a.txt'), 0o755);
    t.remove('src');
    t.remove('untracked.txt');
    await t.git('rm', '-q', '--cached', 'src/b.txt', 'announced.txt');
    t.write('more/new.txt', 'n\n');
    await t.git('add', 'more/new.txt');
    symlinkSync('a.txt', path.join(t.dir, 'link'));
    const now = await exactState(t);
    for (let round = 0; round < 2; round++) {
      const back = await t.rollBack({ target: made.tag });
      expect(back).toMatchObject({
        to: made.tag,
        undo: `refs/devenv/undo/${round * 2 + 1}`,
        deleted: ['link', 'more/new.txt'],
      });
      expect(await exactState(t)).toEqual(then);
      const undone = await t.undo();
      expect(undone.to).toBe(back.undo);
      expect(await exactState(t)).toEqual(now);
    }
    await expect(t.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
  });

  test('several rollbacks are undone one after the other', async () => {
    const t = await makeRepo();
    const states: string[] = [];
    for (const text of ['1', '2', '3']) {
      t.write('a.txt', text);
      states.push((await t.checkpoint()).tag);
    }
    t.write('a.txt', 'now');
    await t.rollBack({ target: states[1] });
    await t.rollBack({ target: states[0] });
    await t.undo();
    expect(t.read('a.txt')).toBe('2');
    await t.undo();
    expect(t.read('a.txt')).toBe('now');
    expect((await listUndoEntries(t.repo)).map((entry) => entry.kind)).toEqual([
      'rollback',
      'rollback',
      'undo',
      'undo',
    ]);
    // The state before an undo can be had back too.
    await t.rollBack({ target: 'undo/3' });
    expect(t.read('a.txt')).toBe('1');
    await t.undo();
    expect(t.read('a.txt')).toBe('now');
  });

  test('[invariant 1] [invariant 4] HEAD, branch, index and reflog stay; files that do not differ keep their times', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'good\n');
    await t.checkpoint();
    t.write('a.txt', 'bad\n');
    const { status: _, files: before, ...rest } = await visibleState(t);
    await t.rollBack();
    const { status: __, files: after, ...restAfter } = await visibleState(t);
    expect(restAfter).toEqual(rest);
    const others = (files: readonly string[]): readonly string[] =>
      files.filter((line) => !line.startsWith('a.txt'));
    expect(others(after)).toEqual(others(before));
  });

  test('the last good one is the default; without one it says so', async () => {
    const t = await makeRepo();
    await expect(t.rollBack({ target: undefined })).rejects.toMatchObject({
      code: 'unknown-tag',
      message: expect.stringContaining('no good checkpoint'),
    });
    t.write('a.txt', 'good\n');
    const good = await t.checkpoint({ verdict: 'passed' });
    t.write('a.txt', 'meh\n');
    await t.checkpoint();
    expect((await t.rollBack({ target: undefined })).to).toBe(good.tag);
    expect(t.read('a.txt')).toBe('good\n');
    await t.git('checkout', '-q', '-f', '--orphan', 'elsewhere');
    await expect(t.rollBack({ target: undefined })).rejects.toMatchObject({ code: 'unknown-tag' });
  });

  test('commits made since stay on the branch; --head takes branch and HEAD back, undo returns them', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'good\n');
    const made = await t.checkpoint();
    const then = await t.git('rev-parse', 'HEAD');
    await t.git('commit', '-qam', 'Later');
    t.write('a.txt', 'more\n');
    const later = await t.git('rev-parse', 'HEAD');
    await t.rollBack({ target: made.tag });
    expect([await t.git('rev-parse', 'HEAD'), t.read('a.txt'), await t.git('status', '--porcelain')]).toEqual(
      [later, 'good\n', ''],
    );
    await t.undo();
    await t.rollBack({ target: made.tag, head: true });
    expect([await t.git('rev-parse', 'main'), await t.git('status', '--porcelain')]).toEqual([
      then,
      ' M a.txt',
    ]);
    await t.undo();
    expect([await t.git('rev-parse', 'main'), t.read('a.txt'), await t.git('status', '--porcelain')]).toEqual(
      [later, 'more\n', ' M a.txt'],
    );
  });

  test('[invariant 5] what came after the present was saved survives', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'good\n');
    await t.checkpoint();
    t.write('a.txt', 'bad\n');
    t.write('ignored/out.bin', 'built\n');
    t.write('debug.log', 'log\n');
    await t.rollBack();
    expect(t.read('ignored/out.bin') + t.read('debug.log')).toBe('built\nlog\n');
  });

  test('[invariant 6] an ignored file in the way is saved first and comes back with undo', async () => {
    const t = await makeRepo();
    t.write('.gitignore', '');
    t.write('.env', 'SHARED=1\n');
    t.write('dist/a', 'old build\n');
    const made = await t.checkpoint();
    t.write('.gitignore', '.env\ndist/\n');
    t.write('.env', 'SECRET=2\n');
    t.write('dist/a', 'new build\n');
    const undo = await t.rollBack({ target: made.tag });
    expect([t.read('.env'), t.read('dist/a')]).toEqual(['SHARED=1\n', 'old build\n']);
    expect(await t.git('show', `${undo.undo}:.env`)).toBe('SECRET=2');
    await t.undo();
    expect([t.read('.env'), t.read('dist/a'), t.read('.gitignore')]).toEqual([
      'SECRET=2\n',
      'new build\n',
      '.env\ndist/\n',
    ]);
  });

  test('[invariant 6] an ignored folder in the way is refused, and nothing has changed', async () => {
    const t = await makeRepo();
    t.write('ignored', 'a file then\n');
    await t.git('add', '-f', 'ignored');
    t.write('a.txt', 'good\n');
    await t.checkpoint();
    await t.git('rm', '-q', '--cached', 'ignored');
    t.remove('ignored');
    t.write('ignored/data', 'mine\n');
    t.write('a.txt', 'bad\n');
    await expect(t.rollBack()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('in the way'),
    });
    expect([t.read('ignored/data'), t.read('a.txt')]).toEqual(['mine\n', 'bad\n']);
    await expect(t.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
  });

  test('[invariant 7] [invariant 8] bytes come back whatever the line end settings and filters', async () => {
    for (const config of [
      {},
      { 'core.autocrlf': 'true', 'core.safecrlf': 'true' },
      { 'core.autocrlf': 'input' },
      { 'core.eol': 'crlf' },
    ]) {
      const t = await makeRepo({
        files: {
          '.gitattributes': '*.txt text=auto\n*.nb filter=strip\n*.id ident\n',
          'a.txt': 'one\n',
          'clean.txt': 'x\ny\n',
          'n.nb': 'code\n',
          'v.id': '$Id$\n',
        },
      });
      await t.git('config', 'filter.strip.clean', "sed '/^OUTPUT/d'");
      for (const [key, value] of Object.entries(config)) await t.git('config', key, value);
      await t.git('rm', '-q', '--cached', '-r', '.');
      await t.git('reset', '-q', '--hard');
      t.write('a.txt', 'one\r\ntwo\nthree\r\n');
      t.write('n.nb', 'code 2\nOUTPUT 42\n');
      t.write('new.txt', 'crlf\r\n');
      const then = filesOf(t.dir);
      const made = await t.checkpoint();
      for (const file of Object.keys(then)) t.write(file, 'overwritten\n');
      const broken = filesOf(t.dir);
      await t.rollBack({ target: made.tag });
      expect([config, filesOf(t.dir)]).toEqual([config, then]);
      await t.undo();
      expect(filesOf(t.dir)).toEqual(broken);
    }
  });

  test('[invariant 19] file, folder and link change places, and nothing outside is touched', async () => {
    const t = await makeRepo();
    const outside = tempDir('outside');
    writeFileSync(path.join(outside, 'b.txt'), 'not yours\n');
    symlinkSync('src', path.join(t.dir, 'link'));
    const made = await t.checkpoint();
    const then = filesOf(t.dir);
    t.remove('a.txt');
    t.write('a.txt/inside', 'a folder now\n');
    t.remove('src');
    symlinkSync(outside, path.join(t.dir, 'src'));
    t.remove('link');
    t.write('link/deep/file', 'x\n');
    const now = filesOf(t.dir);
    await t.rollBack({ target: made.tag });
    expect(filesOf(t.dir)).toEqual(then);
    expect(lstatSync(path.join(t.dir, 'src')).isDirectory()).toBe(true);
    await t.undo();
    expect(filesOf(t.dir)).toEqual(now);
    expect(readlinkSync(path.join(t.dir, 'src'))).toBe(outside);
    expect(readFileSync(path.join(outside, 'b.txt'), 'utf8')).toBe('not yours\n');
  });

  test('[invariant 19] an ignored link to outside in the way is saved, not followed', async () => {
    const t = await makeRepo();
    const outside = tempDir('outside');
    const made = await t.checkpoint();
    await t.git('rm', '-q', '-r', '--cached', 'src');
    t.remove('src');
    t.write('.gitignore', 'src\n');
    symlinkSync(outside, path.join(t.dir, 'src'));
    await t.rollBack({ target: made.tag });
    expect(t.read('src/b.txt')).toBe('b\n');
    expect(filesOf(outside)).toEqual({});
    await t.undo();
    expect(readlinkSync(path.join(t.dir, 'src'))).toBe(outside);
  });

  test('[invariant 29] two at once: each either works or says why, no file is lost', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'good\n');
    const [one, two] = await Promise.all([t.checkpoint(), t.checkpoint()]);
    expect(one.tree).toBe(two.tree);
    t.write('a.txt', 'bad\n');
    const results = await Promise.allSettled([
      t.rollBack({ target: 'last' }),
      t.rollBack({ target: 'last' }),
    ]);
    expect(results.some((result) => result.status === 'fulfilled')).toBe(true);
    expect(t.read('a.txt')).toBe('good\n');
  });

  test('[invariant 34] deleting a great part is refused without --yes; a dry run says what happens', async () => {
    const t = await makeRepo();
    const made = await t.checkpoint();
    for (let n = 0; n < 30; n++) t.write(`many/${n}.txt`, `${n}\n`);
    const before = await visibleState(t);
    const dry = await t.rollBack({ target: made.tag, dryRun: true });
    expect(await visibleState(t)).toEqual(before);
    await expect(t.rollBack({ target: made.tag })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('30 of 34'),
      hint: expect.stringContaining('--yes'),
    });
    expect(await visibleState(t)).toEqual(before);
    const done = await t.rollBack({ target: made.tag, yes: true });
    expect([dry.written, dry.deleted, dry.undo]).toEqual([done.written, done.deleted, null]);
    expect(existsSync(path.join(t.dir, 'many'))).toBe(false);
    await t.undo();
    expect(t.read('many/29.txt')).toBe('29\n');
  });

  test('another work tree has its own rollbacks to undo, and its own last good one', async () => {
    const t = await makeRepo();
    const dir = path.join(tempDir('linked'), 'side');
    await t.git('worktree', 'add', '-q', dir);
    const side = await openTestRepo(dir, t.env);
    t.write('a.txt', 'good\n');
    await t.checkpoint({ verdict: 'passed' });
    t.write('a.txt', 'bad\n');
    await t.rollBack();
    await expect(side.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
    await expect(side.rollBack({ target: undefined })).rejects.toMatchObject({ code: 'unknown-tag' });
  });

  test('[invariant 35] names: tag, beginning, last, -1, -2, a slip of the finger', async () => {
    const t = await makeRepo();
    const at = Date.UTC(2026, 0, 2, 3, 4, 5);
    t.write('a.txt', '1');
    const one = await t.checkpoint({ now: at });
    t.write('a.txt', '2');
    const two = await t.checkpoint({ now: at });
    t.write('a.txt', '3');
    const three = await t.checkpoint({ now: at - 3_600_000 });
    expect([one.tag, two.tag, three.tag]).toEqual([
      'checkpoint-20260102-030405',
      'checkpoint-20260102-030405-2',
      'checkpoint-20260102-030405-3',
    ]);
    for (const [name, text] of [
      ['-2', '2'],
      ['last', '3'],
      ['20260102-030405', '1'],
      [two.commit.slice(0, 9), '2'],
      ['-1', '3'],
      [`refs/tags/${one.tag}`, '1'],
    ] as const) {
      await t.rollBack({ target: name });
      expect([name, t.read('a.txt')]).toEqual([name, text]);
    }
    // Plain git finds it by the name without `refs/` too.
    expect(await t.git('rev-parse', `devenv/checkpoints/${two.tag}`)).toBe(two.commit);
    await expect(t.rollBack({ target: '20260102' })).rejects.toMatchObject({
      code: 'unknown-tag',
      message: expect.stringContaining('could be any of 3'),
    });
    await expect(t.rollBack({ target: 'checkpoint-20260102-030406' })).rejects.toMatchObject({
      code: 'unknown-tag',
      hint: expect.stringContaining('did you mean'),
    });
  });

  test('[invariant 36] push --all and clone move no checkpoint', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'x');
    await t.checkpoint();
    const remote = tempDir('remote');
    await t.git('init', '-q', '--bare', remote);
    await t.git('push', '-q', '--all', remote);
    await t.git('push', '-q', '--follow-tags', remote, 'main');
    expect(await t.git('ls-remote', remote)).not.toContain('checkpoint');
  });

  test('[invariant 28] gc, repack and prune between any two steps lose nothing', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'good\n');
    const made = await t.checkpoint();
    const prune = async (): Promise<void> => {
      await t.git('reflog', 'expire', '--expire=now', '--all');
      await t.git('gc', '-q', '--prune=now');
    };
    await prune();
    t.write('a.txt', 'bad\n');
    await t.rollBack({ target: made.tag });
    await prune();
    await t.undo();
    await prune();
    expect(t.read('a.txt')).toBe('bad\n');
    await t.rollBack({ target: made.tag });
    expect(t.read('a.txt')).toBe('good\n');
    mkdirSync(path.join(t.dir, 'empty'));
    await t.git('fsck', '--strict');
  });
});
