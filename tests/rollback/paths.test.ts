import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseCommandLine } from '../../src/cli/program.ts';
import { planRollback } from '../../src/rollback/plan.ts';
import { filesOf, makeRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';

const exact = async (t: TestRepo): Promise<unknown> => ({
  files: filesOf(t.dir),
  staged: await stagedState(t),
});

const files = {
  'a.txt': 'a\n',
  'src/api/one.ts': 'one\n',
  'src/api/deep/two.ts': 'two\n',
  'src/api-old.ts': 'old\n',
  'src/ui.ts': 'ui\n',
};

/** A checkpoint with something staged, then everything otherwise. */
async function changed(): Promise<{ t: TestRepo; tag: string }> {
  const t = await makeRepo({ files });
  t.write('src/api/one.ts', 'one staged\n');
  t.write('a.txt', 'a staged\n');
  await t.git('add', '-A');
  t.write('src/api/one.ts', 'one then\n');
  const { tag } = await t.checkpoint();
  for (const file of Object.keys(files)) t.write(file, 'now\n');
  t.remove('src/api/deep');
  t.write('src/api/later.ts', 'later\n');
  await t.git('add', '-A');
  return { t, tag };
}

test('[invariant 4] only the paths that were named go back, in the files and in what is staged; undo is exact', async () => {
  const { t, tag } = await changed();
  const before = await exact(t);
  const done = await t.rollBack({ target: tag, paths: ['src/api', 'src/ui.ts'] });
  expect([done.written, done.deleted]).toEqual([
    ['src/api/deep/two.ts', 'src/api/one.ts', 'src/ui.ts'],
    ['src/api/later.ts'],
  ]);
  expect([t.read('src/api/one.ts'), t.read('src/ui.ts')]).toEqual(['one then\n', 'ui\n']);
  expect([t.read('a.txt'), t.read('src/api-old.ts')]).toEqual(['now\n', 'now\n']);
  expect(await t.git('show', ':src/api/one.ts')).toBe('one staged');
  expect(await t.git('show', ':a.txt')).toBe('now');
  expect(await t.git('ls-files', 'src/api')).toBe('src/api/deep/two.ts\nsrc/api/one.ts');
  await t.undo();
  expect(await exact(t)).toEqual(before);
  const after = await t.redo();
  expect([after.written, after.deleted]).toEqual([done.written, done.deleted]);
  await t.undo();
  expect(await exact(t)).toEqual(before);
});

test('a name that is no UTF-8 is named as Node hands it to us, and as it is shown', async () => {
  const { t } = await changed();
  const odd = Buffer.concat([Buffer.from(`${t.dir}/b`), Buffer.from([0xff]), Buffer.from('d.txt')]);
  writeFileSync(odd, 'then\n');
  const { tag } = await t.checkpoint();
  writeFileSync(odd, 'now\n');
  t.write('a.txt', 'later\n');
  const done = await t.rollBack({ target: tag, paths: [String(Buffer.from(odd)).slice(t.dir.length + 1)] });
  expect(done.written).toEqual(['b\uFFFDd.txt']);
  expect([readFileSync(odd, 'utf8'), t.read('a.txt')]).toEqual(['then\n', 'later\n']);
});

test('what was edited elsewhere after a rollback of some paths stays when that is taken back', async () => {
  const { t, tag } = await changed();
  await t.rollBack({ target: tag, paths: ['src/ui.ts'] });
  t.write('a.txt', 'edited since\n');
  await t.undo();
  expect([t.read('src/ui.ts'), t.read('a.txt')]).toEqual(['now\n', 'edited since\n']);
});

test('a dry run of paths says the same', async () => {
  const { t, tag } = await changed();
  const before = await exact(t);
  const dry = await t.rollBack({ target: tag, paths: ['src/api'], dryRun: true });
  expect(await exact(t)).toEqual(before);
  const done = await t.rollBack({ target: tag, paths: ['src/api'] });
  expect([dry.written, dry.deleted]).toEqual([done.written, done.deleted]);
});

test('names are taken literally, and from the folder one stands in', async () => {
  const t = await makeRepo({ files: { 'src/*.ts': 'star\n', 'src/a.ts': 'a\n', ':(top)x': 'x\n' } });
  const { tag } = await t.checkpoint();
  for (const file of ['src/*.ts', 'src/a.ts', ':(top)x']) t.write(file, 'now\n');
  await t.rollBack({ target: tag, paths: ['*.ts', '../:(top)x'], cwd: path.join(t.dir, 'src') });
  expect([t.read('src/*.ts'), t.read('src/a.ts'), t.read(':(top)x')]).toEqual(['star\n', 'now\n', 'x\n']);
  await t.rollBack({ target: tag, paths: ['.'], cwd: path.join(t.dir, 'src') });
  expect(t.read('src/a.ts')).toBe('a\n');
});

test('a path that is nowhere, one outside and --head with paths are refused, and nothing changes', async () => {
  const { t, tag } = await changed();
  t.write('.gitignore', '*.log\n');
  t.write('x.log', 'ignored\n');
  const before = await exact(t);
  for (const [paths, code, message] of [
    [['src/ui.ts', 'src/nothing'], 'unknown-path', 'src/nothing is neither in'],
    [['x.log'], 'unknown-path', 'x.log is neither in'],
    [['../elsewhere'], 'usage', 'not in the work tree'],
  ] as const)
    await expect(t.rollBack({ target: tag, paths })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  await expect(t.rollBack({ target: tag, paths: ['a.txt'], head: true })).rejects.toMatchObject({
    code: 'usage',
  });
  expect(await exact(t)).toEqual(before);
  await expect(t.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
  // What does not differ is known all the same.
  await t.rollBack({ target: tag, paths: ['src/ui.ts'] });
  expect(await t.rollBack({ target: tag, paths: ['src/ui.ts'] })).toMatchObject({ undo: null, written: [] });
});

test('a file in the way that was not named is said, and a link among the paths is the link', async () => {
  const t = await makeRepo({ files });
  symlinkSync('src', path.join(t.dir, 'link'));
  const { tag } = await t.checkpoint();
  t.remove('src/api');
  t.write('src/api', 'a file now\n');
  t.remove('link');
  symlinkSync('elsewhere', path.join(t.dir, 'link'));
  await expect(t.rollBack({ target: tag, paths: ['src/api/one.ts'] })).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('src/api is in the way'),
  });
  expect(await t.rollBack({ target: tag, paths: ['link', 'src/api'] })).toMatchObject({
    written: ['link', 'src/api/deep/two.ts', 'src/api/one.ts'],
    deleted: ['src/api'],
  });
});

test('the command line: a tag or none, and paths after two dashes', () => {
  for (const [argv, args, paths] of [
    [['last', '--', '-odd', 'b'], ['last'], ['-odd', 'b']],
    [['--', 'src/api'], [], ['src/api']],
    [['--dry-run', '-1'], ['-1'], undefined],
  ] as const) {
    const found = parseCommandLine(['rollback', ...argv]);
    expect(found).toMatchObject({ parsed: { args } });
    expect(found.kind === 'command' ? found.parsed.paths : []).toEqual(paths);
  }
});

test('[invariant 21] a name that leads out of the work tree or into .git is never written', () => {
  const entry = (name: string) => ({
    path: name,
    oldMode: '000000',
    oldOid: '',
    newMode: '100644',
    newOid: '1'.repeat(40),
  });
  const names = [
    '../out',
    'a/../../out',
    '.git/hooks/pre-commit',
    'sub/.GIT/config',
    './x',
    'a//b',
    '/etc/x',
  ];
  const plan = planRollback({
    diff: [...names, 'fine', '.gitignore', 'a/..b'].map(entry),
    raw: new Set(),
    uncovered: new Map(),
    partial: false,
  });
  expect(plan.steps.map((step) => step.path)).toEqual(['fine', '.gitignore', 'a/..b']);
  expect(plan.kept.map((one) => one.path)).toEqual(names);
});

test('a path that is named twice, or together with one in it, is known', async () => {
  const t = await makeRepo({ files: { 'A/B': 'b\n', 'A/c/d': 'd\n', 'x.txt': 'x\n' } });
  const { tag } = await t.checkpoint();
  for (const paths of [
    ['A', 'A'],
    ['A', 'A/B', 'A'],
    ['A/B', 'A'],
    ['A', 'A/c', 'A/c/d', 'x.txt', 'x.txt'],
  ])
    expect((await t.rollBack({ target: tag, paths })).undo, paths.join(' ')).toBeNull();
  await expect(t.rollBack({ target: tag, paths: ['A', 'A/no'] })).rejects.toThrow('A/no is neither in');
});

test('a staged file in the place of a folder is not taken out of the index for a path below it', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  t.remove('src');
  t.write('src', 'a file now\n');
  await t.git('add', '-A');
  t.remove('src');
  const staged = await t.git('ls-files', '--stage');
  await expect(t.rollBack({ target: tag, paths: ['src/b.txt'] })).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('src is in the way of src/b.txt'),
  });
  expect(await t.git('ls-files', '--stage')).toBe(staged);
  await t.rollBack({ target: tag, paths: ['src'] });
  expect(t.read('src/b.txt')).toBe('b\n');
  await t.undo();
  expect(await t.git('ls-files', '--stage')).toBe(staged);
});
