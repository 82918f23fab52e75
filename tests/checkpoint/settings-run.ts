import { chmodSync, copyFileSync, lstatSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { exportBranch, listCheckpoints, promote } from '../../src/checkpoint/index.ts';
import { countLines, scratchWorktree } from '../../src/git/index.ts';
import { tempDir } from '../support/temp.ts';
import { filesOf, gitIn, makeRepo, type TestRepo } from './repo.ts';

/** What devenv made of one and the same work, and what a user sees of it. */
export interface Outcome {
  readonly disk: Record<string, string>;
  /** What `git add -A` makes of it, before there are any settings. */
  readonly added: string;
  readonly tree: string;
  readonly staged: string;
  readonly changed: readonly string[];
  readonly afterRollback: Record<string, string>;
  readonly stagedAfter: string;
  readonly afterUndo: boolean;
  readonly exported: string;
  readonly scratch: Record<string, string>;
  readonly promoted: string;
}

const start: Readonly<Record<string, string>> = {
  Notes: 'U',
  notes: 'l',
  readme: 'read me\n',
  'Src/a': 'a',
  'moved/Case': 'case',
  'crlf.txt': 'a\r\nb\n$Id$\n',
  'same-size': 'one',
  tool: '#!/bin/sh\n',
  'nf/\u00e9': 'composed',
  'nf/e\u0301': 'decomposed',
  'large.bin': 'x'.repeat(5000),
  hidden: 'hidden',
  '.gitignore': '*.log\nbuild/\n',
};

/** Work of every kind, done by a user whose git is as usual; only then the settings come. */
export async function runWith(settings: Readonly<Record<string, string>>): Promise<Outcome> {
  const t = await makeRepo({ files: start, commit: false });
  symlinkSync('Notes', path.join(t.dir, 'link'));
  symlinkSync('readme', path.join(t.dir, 'was-link'));
  symlinkSync('hidden', path.join(t.dir, 'same-link'));
  // Settled long ago: git takes nothing for racy.
  const past = Date.now() / 1000 - 3600;
  for (const file of Object.keys(start)) utimesSync(path.join(t.dir, file), past, past);
  await t.git('add', '-A');
  await t.git('commit', '-q', '-m', 'Start');
  await work(t);
  const added = await addAll(t);
  for (const [name, value] of Object.entries(settings)) await t.git('config', '--add', name, value);
  return { added, ...(await look(t)) };
}

async function addAll(t: TestRepo): Promise<string> {
  const index = path.join(tempDir('index'), 'index');
  copyFileSync(path.join(t.dir, '.git/index'), index);
  // As old as it is: git looks again at what was written in the same second.
  const { mtimeMs } = lstatSync(path.join(t.dir, '.git/index'));
  utimesSync(index, Math.floor(mtimeMs / 1000), Math.floor(mtimeMs / 1000));
  const git = gitIn(t.dir, { ...t.env, GIT_INDEX_FILE: index });
  await git('add', '-A');
  return treeOf(t, await git('write-tree'));
}

const treeOf = async (t: TestRepo, tree: string): Promise<string> =>
  (await t.git('-c', 'core.quotePath=true', 'ls-tree', '-r', '--no-abbrev', tree)).replaceAll('\t', ' ');

async function work(t: TestRepo): Promise<void> {
  t.write('Staged', 'S1');
  t.write('staged', 's1');
  await t.git('add', 'Staged', 'staged');
  await t.git('mv', 'moved/Case', 'moved/case');
  t.write('Notes', 'U2');
  t.write('notes', 'l2');
  t.write('staged', 's2');
  t.write('src/b', 'b');
  t.write('SRC/c', 'c');
  t.write('Fresh.md', 'F');
  t.write('fresh.md', 'f');
  t.write('KEPT.LOG', 'not ignored: the pattern is in small letters');
  t.write('ignored.log', 'ignored');
  t.write('Build/x', 'not ignored');
  t.write('crlf.txt', 'a\r\nc\n$Id$\n');
  t.write('new-crlf.txt', 'x\r\ny\r\nz\n');
  t.write('nf/\u00e9', 'composed 2');
  t.write('nf/a\u030a', 'new decomposed');
  t.write('nf/\u00e5', 'new composed');
  t.write('a:b', 'stream');
  t.write('aux', 'device');
  t.write('trailing. ', 'dots');
  t.write('large.bin', `${'x'.repeat(5000)}y`);
  t.write('new-large.bin', 'z'.repeat(5000));
  renameSync(path.join(t.dir, 'readme'), path.join(t.dir, 'README'));
  rmSync(path.join(t.dir, 'link'));
  symlinkSync('notes', path.join(t.dir, 'link'));
  symlinkSync('Notes', path.join(t.dir, 'new-link'));
  rmSync(path.join(t.dir, 'was-link'));
  t.write('was-link', 'a file now\n');
  chmodSync(path.join(t.dir, 'tool'), 0o755);
  // As rsync and tar write: another file of the same size and time.
  const file = path.join(t.dir, 'same-size');
  const { mtime } = lstatSync(file);
  t.write('same-size.tmp', 'two');
  utimesSync(`${file}.tmp`, mtime, mtime);
  renameSync(`${file}.tmp`, file);
}

async function look(t: TestRepo): Promise<Omit<Outcome, 'added'>> {
  const disk = filesOf(t.dir);
  const made = await t.checkpoint();
  const changed = await countLines(t.repo, { from: `${made.tag}^1`, to: made.tag });
  const outcome = {
    disk,
    tree: await treeOf(t, made.tag),
    staged: await treeOf(t, `${made.tag}^2`),
    changed: [...changed].map(([name, { change }]) => `${change} ${name}`).sort(),
  };
  const { commit } = await exportBranch(t.repo, t.env, {
    branch: 'exported',
    checkpoints: await listCheckpoints(t.repo),
  });
  const exported = await treeOf(t, commit ?? '');
  const scratch = await scratchOf(t, made.commit);
  for (const file of ['Notes', 'notes', 'src/b', 'Fresh.md', 'same-size', 'crlf.txt']) t.write(file, 'later');
  for (const file of ['README', 'staged', 'fresh.md', 'nf/\u00e5']) t.remove(file);
  t.write('FRESH.md', 'later');
  await t.git('-c', 'core.ignoreCase=false', 'add', 'FRESH.md');
  const later = filesOf(t.dir);
  await t.rollBack({ target: made.tag, yes: true });
  const afterRollback = filesOf(t.dir);
  const stagedAfter = await t.git('-c', 'core.quotePath=true', 'ls-files', '--stage');
  await t.undo();
  const afterUndo = JSON.stringify(filesOf(t.dir)) === JSON.stringify(later);
  const promoted = await promote(t.repo, t.env, {
    verify: true,
    now: Date.now(),
    maxFileBytes: 1024 * 1024,
    message: 'Work',
    target: made.tag,
  });
  return {
    ...outcome,
    afterRollback,
    stagedAfter,
    afterUndo,
    exported,
    scratch,
    promoted: await treeOf(t, promoted.commit),
  };
}

async function scratchOf(t: TestRepo, commit: string): Promise<Record<string, string>> {
  const base = await t.git('rev-parse', 'HEAD');
  await using scratch = await scratchWorktree(t.repo, commit, { base, link: [] });
  return filesOf(scratch.path, (file) => file === '.git');
}
