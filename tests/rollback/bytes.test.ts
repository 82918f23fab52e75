import { chmodSync, existsSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { filesOf, makeRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';

/** A repository with one commit more than its checkpoint: going back deletes what that commit added. */
async function committedSince(
  files: Readonly<Record<string, string>>,
  prepare: (t: TestRepo) => Promise<unknown>,
): Promise<TestRepo> {
  const t = await makeRepo({ files: { base: 'base\n' } });
  await prepare(t);
  await t.checkpoint();
  for (const [name, content] of Object.entries(files)) t.write(name, content);
  await t.git('-c', 'core.safecrlf=false', 'add', '-A');
  await t.git('-c', 'core.safecrlf=false', 'commit', '-q', '-m', 'More');
  return t;
}

const filter = async (t: TestRepo, smudge: string, required: boolean): Promise<void> => {
  await t.git('config', 'filter.l.clean', 'sed s/^BIG$/ptr/');
  await t.git('config', 'filter.l.smudge', smudge);
  await t.git('config', 'filter.l.required', String(required));
};

const texts = { 'run.sh': '#!/bin/sh\necho hi\n', 'mixed.txt': 'one\r\ntwo\n', 'crlf.txt': 'one\r\n' };

const lineEnds: readonly (readonly [string, (t: TestRepo) => Promise<unknown>])[] = [
  ['autocrlf=true', (t) => t.git('config', 'core.autocrlf', 'true')],
  ['autocrlf=input', (t) => t.git('config', 'core.autocrlf', 'input')],
  ['eol=crlf', async (t) => t.write('.gitattributes', '* text eol=crlf\n')],
  ['eol=lf', async (t) => t.write('.gitattributes', '* text eol=lf\n')],
  ['ident', async (t) => t.write('.gitattributes', '* ident\n')],
];

test.each(lineEnds)('[invariant 7] undo brings clean files back byte for byte: %s', async (_, prepare) => {
  const t = await committedSince({ ...texts, 'id.txt': '$Id$\n' }, prepare);
  expect(await t.git('status', '--porcelain')).toBe('');
  const then = filesOf(t.dir);
  await t.rollBack({ target: '-1' });
  expect(existsSync(path.join(t.dir, 'run.sh'))).toBe(false);
  await t.undo();
  expect(filesOf(t.dir)).toEqual(then);
  expect(await t.git('status', '--porcelain')).toBe('');
  // The steps after it know as much.
  await t.redo();
  await t.undo();
  expect(filesOf(t.dir)).toEqual(then);
});

test('[invariant 7] a tracked file that a rule ignores too comes back byte for byte, however often', async () => {
  const t = await committedSince({ 'm.log': 'one\ntwo\n' }, () => Promise.resolve());
  t.write('.gitignore', '*.log\n');
  await t.git('add', '-A');
  await t.git('commit', '-q', '-m', 'Ignore');
  await t.git('config', 'core.autocrlf', 'true');
  const then = filesOf(t.dir);
  await t.rollBack({ target: '-1' });
  for (let n = 0; n < 2; n++) {
    await t.undo();
    expect(filesOf(t.dir)).toEqual(then);
    await t.redo();
    expect(existsSync(path.join(t.dir, 'm.log'))).toBe(false);
  }
});

test('[invariant 7] [invariant 8] a pointer that no filter had replaced comes back as it was', async () => {
  const t = await committedSince({ '.gitattributes': '*.bin filter=l\n', 'b.bin': 'ptr\n' }, (r) =>
    filter(r, 'sed s/^ptr$/BIG/', true),
  );
  await t.rollBack({ target: '-1' });
  await t.undo();
  expect(t.read('b.bin')).toBe('ptr\n');
});

test('[invariant 7] [invariant 8] what was replaced comes back as it was, without its filter', async () => {
  const t = await committedSince({ '.gitattributes': '*.bin filter=l\n', 'b.bin': 'BIG\n' }, (r) =>
    filter(r, 'sed s/^ptr$/BIG/', true),
  );
  await t.rollBack({ target: '-1' });
  await t.git('config', 'filter.l.smudge', 'false');
  const outcome = await t.rollBack({ target: 'undo/1' });
  expect([t.read('b.bin'), outcome.warnings]).toEqual(['BIG\n', []]);
});

test.each(lineEnds)('git calls a file that came back clean, and so does devenv: %s', async (_, prepare) => {
  const t = await makeRepo({ files: { 'lf.txt': 'a\nb $Id$\n' } });
  await prepare(t);
  const { tag } = await t.checkpoint();
  const before = await t.git('status', '--porcelain');
  t.write('lf.txt', 'edited\n');
  await t.rollBack({ target: tag });
  expect(await t.git('status', '--porcelain')).toBe(before);
  await t.rollBack({ target: tag }).then(({ written }) => expect(written).toEqual([]));
  t.write('lf.txt', 'edited again\n');
  await t.rollBack({ target: tag });
  await t.undo();
  expect(t.read('lf.txt')).toBe('edited again\n');
});

test('[invariant 8] a conversion that was set between rollback and undo changes nothing', async () => {
  const t = await committedSince(texts, async () => {});
  const then = filesOf(t.dir);
  await t.rollBack({ target: '-1' });
  await t.git('config', 'core.autocrlf', 'true');
  t.write('base', 'edited since\n');
  await t.undo();
  expect(filesOf(t.dir)).toEqual(then);
});

test('[invariant 7] with autocrlf=input a file that was clean comes back without its Windows line ends: it is named', async () => {
  const t = await makeRepo();
  await t.git('config', 'core.autocrlf', 'input');
  t.write('crlf.txt', 'one\r\ntwo\r\n');
  t.write('lf.txt', 'one\n');
  await t.git('-c', 'core.safecrlf=false', 'add', '-A');
  await t.git('commit', '-q', '-m', 'Line ends');
  await t.checkpoint();
  t.write('crlf.txt', 'edited\r\n');
  t.write('lf.txt', 'edited\n');
  const { warnings: told } = await t.rollBack({ target: '-1', dryRun: true });
  const { warnings } = await t.rollBack({ target: '-1', yes: true });
  expect(warnings).toEqual([expect.stringMatching(/as git checks it out .*: crlf\.txt$/)]);
  expect(told).toEqual(warnings);
  await t.undo();
  expect([t.read('crlf.txt'), t.read('lf.txt')]).toEqual(['edited\r\n', 'edited\n']);
});

test('[invariant 7] a file that is on the disk as in HEAD, but staged otherwise, keeps its bytes', async () => {
  const t = await committedSince({ '.gitattributes': '* text eol=crlf\n', 'a.txt': 'a\n' }, async () => {});
  t.write('a.txt', 'b\n');
  await t.git('add', '-A');
  t.write('a.txt', 'a\n');
  await t.checkpoint();
  t.write('a.txt', 'lost\n');
  await t.rollBack({ target: 'last' });
  expect(t.read('a.txt')).toBe('a\n');
});

test('[invariant 8] a filter that fails does not stop a rollback: the file comes as git holds it, and is named', async () => {
  const files = {
    '.gitattributes': '*.bin filter=l\n*.txt text eol=crlf\n',
    'a.bin': 'BIG\n',
    'b.bin': 'BIG\n',
    'c.bin': 'BIG\n',
    'd.bin': 'BIG\n',
    'e.bin': 'BIG\n',
    'z.txt': 'z\r\n',
  };
  const t = await committedSince(files, (r) => filter(r, 'cat', true));
  await t.checkpoint();
  for (const name of Object.keys(files).slice(1)) t.remove(name);
  await t.git('config', 'filter.l.smudge', 'false');
  const { warnings: told } = await t.rollBack({ target: 'last', dryRun: true });
  expect(readdirSync(path.join(t.dir, '.git/devenv'))).toEqual([]);
  const outcome = await t.rollBack({ target: 'last' });
  expect(told).toEqual(outcome.warnings);
  expect(Object.keys(files).map((name) => t.read(name))).toEqual([
    files['.gitattributes'],
    ...Array.from({ length: 5 }, () => 'ptr\n'),
    'z\r\n',
  ]);
  const failed = outcome.warnings.filter((line) => line.includes('filter failed'));
  expect(failed).toEqual([expect.stringMatching(/a\.bin, b\.bin, c\.bin and 2 more/)]);
});

test('[invariant 8] what git converts on the way out of a checkpoint is named', async () => {
  const t = await makeRepo({ files: { 'a.txt': 'a\n', 'b.txt': 'b\n' } });
  await t.git('config', 'core.autocrlf', 'true');
  await t.checkpoint();
  t.remove('a.txt');
  t.write('b.txt', 'edited\n');
  const { warnings: told } = await t.rollBack({ target: 'last', dryRun: true });
  const outcome = await t.rollBack({ target: 'last' });
  expect(outcome.warnings).toEqual([expect.stringMatching(/clean.*a\.txt, b\.txt/)]);
  expect(told).toEqual(outcome.warnings);
  // What was edited comes back as it was.
  await t.undo();
  expect([existsSync(path.join(t.dir, 'a.txt')), t.read('b.txt')]).toEqual([false, 'edited\n']);
});

const modeOf = (t: TestRepo, file: string): number => statSync(path.join(t.dir, file)).mode & 0o777;

test('[invariant 20] with core.fileMode=false undo brings the executable bit of the disk back', async () => {
  const t = await makeRepo({ files: { base: 'base\n', 'kept.sh': 'kept\n' } });
  await t.git('config', 'core.fileMode', 'false');
  await t.checkpoint();
  const scripts = ['tool', 'private', 'kept.sh'];
  for (const name of scripts) t.write(name, 'work\n');
  [0o755, 0o700, 0o755].forEach((mode, i) => chmodSync(path.join(t.dir, scripts[i] ?? ''), mode));
  await t.rollBack({ target: 'last' });
  expect([existsSync(path.join(t.dir, 'tool')), modeOf(t, 'kept.sh')]).toEqual([false, 0o755]);
  await t.undo();
  expect(scripts.map((name) => modeOf(t, name))).toEqual([0o755, 0o700, 0o755]);
});

test('[invariant 20] permissions that were noted once do not come back when the file had others since', async () => {
  const t = await makeRepo({ files: { base: 'base\n' } });
  await t.checkpoint();
  t.write('new', 'new\n');
  chmodSync(path.join(t.dir, 'new'), 0o600);
  await t.rollBack({ target: 'last' });
  await t.undo();
  expect(modeOf(t, 'new')).toBe(0o600);
  chmodSync(path.join(t.dir, 'new'), 0o644);
  await t.rollBack({ target: 'last' });
  await t.undo();
  expect(modeOf(t, 'new')).toBe(0o644);
});

test('[invariant 20] where git knows the executable bit, it comes from the checkpoint', async () => {
  const t = await makeRepo({ files: { base: 'base\n' } });
  t.write('tool', 'one\n');
  await t.checkpoint();
  chmodSync(path.join(t.dir, 'tool'), 0o755);
  await t.rollBack({ target: 'last' });
  expect(modeOf(t, 'tool') & 0o111).toBe(0);
  await t.undo();
  expect(modeOf(t, 'tool') & 0o111).not.toBe(0);
});

test('[invariant 19] [invariant 4] a folder that became a link which leads round in a circle', async () => {
  const t = await makeRepo();
  t.remove('a.txt');
  const { tag } = await t.checkpoint();
  symlinkSync('a.txt', path.join(t.dir, 'a.txt'));
  t.remove('src');
  symlinkSync('a.txt', path.join(t.dir, 'src'));
  await t.git('add', '-A', '--', 'src');
  t.remove('.gitignore');
  const before = { files: filesOf(t.dir), staged: await stagedState(t) };
  await t.rollBack({ target: tag });
  await t.undo();
  expect({ files: filesOf(t.dir), staged: await stagedState(t) }).toEqual(before);
});
