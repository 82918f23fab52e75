import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createColors } from '../../src/base/index.ts';
import { listUndoEntries, nextUndoRef, savePresent } from '../../src/checkpoint/index.ts';
import { describeOutcome } from '../../src/commands/rollback-result.ts';
import { diffCommits } from '../../src/git/index.ts';
import { journalFile } from '../../src/rollback/journal.ts';
import { filesOf, makeRepo, type TestRepo } from '../checkpoint/repo.ts';
import { program } from '../support/programs.ts';

const names = ['a', 'b', 'c'];
const all = (t: TestRepo): string[] => names.map((name) => t.read(name).trim());
const plain = createColors(false);

/** A rollback of three files that was killed after the first, and an edit of the second since. */
async function killed(attributes = ''): Promise<{ t: TestRepo; tag: string }> {
  const files = { a: 'then\n', b: 'then\n', c: 'then\n' };
  const t = await makeRepo({ files: attributes === '' ? files : { ...files, '.gitattributes': attributes } });
  const { tag, commit } = await t.checkpoint();
  for (const name of names) t.write(name, 'now\n');
  const { snapshot } = await savePresent(t.repo, {
    now: Date.now(),
    include: [],
    kind: 'rollback',
    target: tag,
    reason: 'user',
  });
  const [diff = []] = await diffCommits(t.repo, [{ from: snapshot.commit, to: commit }]);
  const stage = path.join(t.repo.gitDir, 'devenv/stage-0-killed');
  mkdirSync(stage, { recursive: true });
  const journal = {
    version: 1,
    root: t.dir,
    kind: 'rollback',
    pid: spawnSync('true').pid,
    started: '',
    undo: await nextUndoRef(t.repo),
    present: snapshot.commit,
    target: commit,
    name: tag,
    stage,
    steps: diff.map((entry) => ({
      path: entry.path,
      before: { mode: entry.oldMode, oid: entry.oldOid },
      after: { mode: entry.newMode, oid: entry.newOid },
      staged: entry.newOid,
      blob: attributes === '' ? entry.newOid : null,
    })),
    index: [],
    head: null,
  };
  writeFileSync(journalFile(t.repo), JSON.stringify(journal));
  t.write('a', 'then\n');
  t.write('b', 'mine\n');
  return { t, tag };
}

test('[invariant 26] the very rollback that was killed is finished, and what was edited since stays', async () => {
  const { t } = await killed();
  const outcome = await t.rollBack({ target: '-1' });
  expect(all(t)).toEqual(['then', 'mine', 'then']);
  expect(outcome.kept).toEqual([{ path: 'b', reason: expect.stringContaining('killed') }]);
  expect(outcome.warnings).toEqual([expect.stringContaining('once more')]);
  expect(describeOutcome(plain, outcome, false)).toContain('left as it is, since it was edited meanwhile: b');
  expect(await listUndoEntries(t.repo)).toHaveLength(1);
  // Said once more, it is meant: and kept.
  await t.rollBack({ target: '-1' });
  expect(all(t)).toEqual(['then', 'then', 'then']);
  await t.undo();
  expect(all(t)).toEqual(['then', 'mine', 'then']);
  await t.undo();
  expect(all(t)).toEqual(['now', 'now', 'now']);
});

test('[invariant 26] another rollback than the killed one goes on, and says which edited file it put back', async () => {
  const { t } = await killed();
  const outcome = await t.rollBack({ target: '-1', paths: ['b'], cwd: t.dir });
  expect(all(t)).toEqual(['then', 'then', 'then']);
  const said = describeOutcome(plain, outcome, false);
  expect(said).toContain('edited meanwhile, so left by that one, and put back by this one: b');
  expect(said).not.toContain('left as it is');
  await t.undo();
  expect(all(t)).toEqual(['then', 'mine', 'then']);
});

test('[invariant 26] a filter that fails does not keep a killed rollback from being finished', async () => {
  const { t } = await killed('c filter=l\n');
  await t.git('config', 'filter.l.smudge', 'false');
  await t.git('config', 'filter.l.required', 'true');
  const outcome = await t.rollBack({ target: '-1' });
  expect(all(t)).toEqual(['then', 'mine', 'then']);
  expect(outcome.warnings).toEqual([
    expect.stringMatching(/filter failed.*: c$/),
    expect.stringContaining('once more'),
  ]);
});

test('a rollback that cannot get the lock of the index says that everything is as it was', async () => {
  const t = await makeRepo();
  await t.checkpoint();
  t.write('a.txt', 'staged\n');
  await t.git('add', 'a.txt');
  const now = filesOf(t.dir);
  const lock = path.join(t.repo.gitDir, 'index.lock');
  writeFileSync(lock, '');
  const error: unknown = await t.rollBack().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'environment',
    message: expect.stringContaining('index.lock'),
    hint: expect.stringMatching(/^everything is as it was; .*run the command again/),
  });
  rmSync(lock);
  expect([filesOf(t.dir), await listUndoEntries(t.repo)]).toEqual([now, []]);
});

const root = process.getuid?.() === 0;
const fixture = program('rollback');

const has = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;

test.skipIf(root && !has('setpriv'))(
  'a folder that cannot be written is named, and everything is as it was',
  async () => {
    const t = await makeRepo({ files: { a: 'then\n', 'ro/f': 'then\n' } });
    const { tag } = await t.checkpoint();
    t.write('a', 'now\n');
    t.write('ro/f', 'now\n');
    const now = filesOf(t.dir);
    if (root) {
      execFileSync('chmod', ['a+x', path.dirname(t.dir), path.dirname(path.dirname(t.dir))]);
      execFileSync('chmod', ['-R', 'a+rwX', t.dir, t.env['HOME'] ?? '']);
      await t.git('config', '--global', 'safe.directory', '*');
      execFileSync('chmod', ['-R', 'a+rwX', t.env['HOME'] ?? '']);
    }
    chmodSync(path.join(t.dir, 'ro'), 0o555);
    const drop = root ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const [file, ...args] = [...drop, process.execPath, fixture, t.dir, tag];
    const done = spawnSync(file, args, { env: t.env, encoding: 'utf8' });
    chmodSync(path.join(t.dir, 'ro'), 0o755);
    expect(done.stderr).toContain('ro/f cannot be written or deleted (EACCES)');
    expect(done.stderr).toContain('everything is as it was; check the permissions of its folder');
    expect([filesOf(t.dir), await listUndoEntries(t.repo)]).toEqual([now, []]);
  },
);
