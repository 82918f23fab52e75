import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, lstatSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { promote } from '../../src/checkpoint/index.ts';
import { foldsCase } from '../../src/git/disk.ts';
import { forbiddenPart } from '../../src/git/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { filesOf, makeRepo } from './repo.ts';
import { runWith, type Outcome } from './settings-run.ts';

/** Settings that git reads while devenv works; what needs a run of its own to be told apart comes first. */
const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'case: the names are folded': { 'core.ignoreCase': 'true' },
  'links are files': { 'core.symlinks': 'false' },
  'few stats': { 'core.checkStat': 'minimal', 'core.trustctime': 'false' },
  'names for other systems': {
    'core.precomposeUnicode': 'true',
    'core.protectNTFS': 'false',
    'core.protectHFS': 'true',
    'core.quotePath': 'false',
    'core.longPaths': 'true',
    'core.hideDotFiles': 'true',
  },
  'names for this system': {
    'core.precomposeUnicode': 'false',
    'core.protectNTFS': 'true',
    'core.protectHFS': 'false',
  },
  'how the index is kept': {
    'core.untrackedCache': 'true',
    'core.splitIndex': 'true',
    'core.preloadIndex': 'false',
    'index.version': '4',
    'index.sparse': 'true',
    'index.skipHash': 'true',
    'feature.manyFiles': 'true',
    'feature.experimental': 'true',
  },
  'a sparse checkout that is none': { 'core.sparseCheckout': 'true', 'core.sparseCheckoutCone': 'true' },
  'how objects are kept': {
    'core.bigFileThreshold': '100',
    'core.compression': '0',
    'core.looseCompression': '9',
    'core.multiPackIndex': 'false',
    'core.commitGraph': 'false',
    'core.createObject': 'rename',
    'core.sharedRepository': 'group',
    'core.deltaBaseCacheLimit': '1',
    'core.packedGitLimit': '1',
    'core.packedGitWindowSize': '1',
    'fastimport.unpackLimit': '1000',
    'transfer.unpackLimit': '1000',
    'pack.indexVersion': '1',
    'pack.packSizeLimit': '1',
    'pack.depth': '0',
  },
  'lines and programs': {
    'core.safecrlf': 'true',
    'core.eol': 'crlf',
    'core.whitespace': 'cr-at-eol',
    'core.attributesFile': '/nonexistent',
    'core.excludesFile': '/nonexistent',
    'core.hooksPath': '/nonexistent',
    'core.pager': 'false',
    'core.editor': 'false',
    'core.askPass': 'false',
    'core.commentChar': 'N',
    'diff.external': 'false',
    'apply.whitespace': 'fix',
  },
  'what is shown': {
    'core.abbrev': '4',
    'core.logAllRefUpdates': 'always',
    'core.warnAmbiguousRefs': 'false',
    'core.notesRef': 'refs/heads/main',
    'status.showUntrackedFiles': 'no',
    'status.renames': 'copies',
    'status.relativePaths': 'false',
    'status.short': 'true',
    'status.branch': 'true',
    'status.showStash': 'true',
    'status.submoduleSummary': 'true',
    'diff.renames': 'copies',
    'diff.ignoreSubmodules': 'all',
    'diff.noprefix': 'true',
    'diff.relative': 'true',
    'diff.orderFile': '/dev/null',
    'diff.autoRefreshIndex': 'false',
    'color.ui': 'always',
    'column.ui': 'always',
    'i18n.commitEncoding': 'latin1',
    'i18n.logOutputEncoding': 'utf-16',
    'log.showSignature': 'true',
    'log.follow': 'true',
    'commit.verbose': 'true',
    'tag.sort': '-creatordate',
    'submodule.recurse': 'true',
    'transfer.hideRefs': 'refs',
  },
};

describe('whatever the user has set', () => {
  let usual: Outcome;
  beforeAll(async () => {
    usual = await runWith({});
  });

  test('[invariant 21] with no settings, all that is made of a tree is the tree', () => {
    const { 'ignored.log': ignored, ...seen } = usual.disk;
    expect(ignored).toBeDefined();
    expect(usual.tree).toBe(usual.added);
    expect(usual.exported).toBe(usual.tree);
    expect(usual.promoted).toBe(usual.tree);
    expect(usual.scratch).toEqual(seen);
    expect(usual.afterRollback).toEqual(usual.disk);
    expect(usual.afterUndo).toBe(true);
  });

  test.each(Object.entries(table))(
    '[invariant 21] bytes and names stay the same: %s',
    async (_, settings) => {
      expect(await runWith(settings)).toEqual(usual);
    },
  );

  test('[invariant 21] core.fileMode=false takes the executable bit away, and nothing else', async () => {
    const untrusted = await runWith({ 'core.fileMode': 'false' });
    expect(untrusted.tree).toBe(usual.tree.replace(/^100755(.*) tool$/m, '100644$1 tool'));
    expect(untrusted.disk).toEqual(usual.disk);
    expect(untrusted.afterUndo).toBe(true);
  });
});

test('the disk says whether it folds names, not the settings', async () => {
  const t = await makeRepo();
  await t.git('config', 'core.ignoreCase', 'true');
  expect(foldsCase({ root: t.dir, gitDir: path.join(t.dir, '.git') })).toBe(existsSync(`${t.dir}/.GIT`));
  // Two names of one file: as a disk shows it that folds names.
  const linked = tempDir('folds');
  writeFileSync(path.join(linked, '.git'), 'gitdir: elsewhere\n');
  linkSync(path.join(linked, '.git'), path.join(linked, '.GIT'));
  expect(foldsCase({ root: linked, gitDir: '/elsewhere' })).toBe(true);
  // A repository elsewhere: any name will do, and two different files are no proof of folding.
  const other = tempDir('apart');
  for (const name of ['123', 'file', 'FILE']) writeFileSync(path.join(other, name), '');
  expect(foldsCase({ root: other, gitDir: '/elsewhere' })).toBe(false);
  const bare = tempDir('no-names');
  writeFileSync(path.join(bare, 'HEAD'), '');
  linkSync(path.join(bare, 'HEAD'), path.join(bare, 'head'));
  expect(foldsCase({ root: tempDir('empty'), gitDir: bare })).toBe(true);
});

test('core.trustctime=false hides no edit that kept size and time', async () => {
  const t = await makeRepo();
  const file = path.join(t.dir, 'a.txt');
  utimesSync(file, 1e9, 1e9);
  await t.git('add', 'a.txt');
  const second = (): number => Math.floor(lstatSync(file).ctimeMs / 1000);
  const before = second();
  await until('another second', () => {
    t.write('a.txt', 'b\n');
    utimesSync(file, 1e9, 1e9);
    return second() !== before;
  });
  await t.git('config', 'core.trustctime', 'false');
  expect(await t.git('show', `${(await t.checkpoint()).tag}:a.txt`)).toBe('b');
});

test('a hook that says what changed is not asked', async () => {
  const t = await makeRepo();
  const hook = path.join(tempDir('hook'), 'watch');
  writeFileSync(hook, `#!/bin/sh\necho >>${hook}.ran\nprintf 'token\\0'\n`, { mode: 0o755 });
  await t.git('config', 'core.fsmonitor', hook);
  // The user's git notes in the index that the files are as they are.
  execFileSync('git', ['update-index', '--fsmonitor'], { cwd: t.dir, env: t.env });
  for (let n = 0; n < 2; n++) execFileSync('git', ['status'], { cwd: t.dir, env: t.env });
  t.write('a.txt', 'edited\n');
  t.write('new.txt', 'new\n');
  execFileSync('rm', ['-f', `${hook}.ran`]);
  const made = await t.checkpoint();
  expect(existsSync(`${hook}.ran`)).toBe(false);
  expect(await t.git('show', `${made.tag}:a.txt`)).toBe('edited');
  expect(await t.git('show', `${made.tag}:new.txt`)).toBe('new');
});

describe('[invariant 21] names that git refuses', () => {
  test('another spelling of .git is left out, said, and left alone', async () => {
    const t = await makeRepo();
    for (const file of ['.GIT/a', '.GIT/b/c', 'sub/.Git', 'sub/.gitx']) t.write(file, 'x');
    const made = await t.checkpoint();
    expect(made.skipped.map(({ path: name, reason }) => `${name}: ${reason}`)).toEqual([
      '.GIT: a name that git does not allow',
      'sub/.Git: a name that git does not allow',
    ]);
    expect(await t.git('ls-tree', '-r', '--name-only', made.tag, 'sub/', '.GIT')).toBe('sub/.gitx');
    const before = filesOf(t.dir);
    t.write('a.txt', 'later\n');
    await t.rollBack({ target: made.tag });
    expect(filesOf(t.dir)).toEqual(before);
  });

  test('what is forbidden', () => {
    expect(forbiddenPart('a/.gIt/b/.git')).toBe('a/.gIt');
    expect(['.git', 'a/..', './b', 'a//b'].map(forbiddenPart)).toEqual(['.git', 'a/..', '.', 'a/']);
    expect(['.gitignore', 'a.git', 'a/.github/x', '...', 'a\n/b'].map(forbiddenPart)).toEqual(
      Array(5).fill(undefined),
    );
  });

  test('one that Windows cannot have is saved and comes back; a commit without it is refused', async () => {
    const t = await makeRepo();
    t.write('git~1', 'odd\n');
    const made = await t.checkpoint({ message: 'Work' });
    t.remove('git~1');
    await t.rollBack({ target: made.tag });
    expect(t.read('git~1')).toBe('odd\n');
    const head = await t.git('rev-parse', 'HEAD');
    const commit = () =>
      promote(t.repo, t.env, { verify: true, now: Date.now(), maxFileBytes: 1e6, target: made.tag });
    await expect(commit()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('git~1'),
    });
    expect(await t.git('rev-parse', 'HEAD')).toBe(head);
    await t.git('config', 'core.protectNTFS', 'false');
    await commit();
    expect(await t.git('ls-tree', '--name-only', 'HEAD', 'git~1')).toBe('git~1');
  });
});
