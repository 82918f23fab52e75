import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { status } from '../../src/commands/status.ts';
import { undo as undoCommand } from '../../src/commands/undo.ts';
import { listUndoEntries, nextUndoRef, savePresent } from '../../src/checkpoint/index.ts';
import { checkpoint } from '../../src/commands/checkpoint.ts';
import { diffCommits } from '../../src/git/index.ts';
import { recover, describeUnfinished, unfinished } from '../../src/rollback/index.ts';
import { journalFile } from '../../src/rollback/journal.ts';
import { makeRepo, openTestRepo, type TestRepo } from '../checkpoint/repo.ts';
import { testContext } from '../commands/context.ts';
import { tempDir } from '../support/temp.ts';

/** What a rollback (or undo) leaves that was killed with some of its files done. All files are changed ones. */
async function killed(
  t: TestRepo,
  to: { readonly commit: string; readonly name: string; readonly undoes?: number; readonly kind?: 'redo' },
  done: readonly string[],
): Promise<string> {
  const kind = to.kind ?? (to.undoes === undefined ? 'rollback' : 'undo');
  const { snapshot } = await savePresent(t.repo, {
    now: Date.now(),
    include: [],
    kind,
    undoes: to.undoes,
    target: to.name,
    reason: 'user',
  });
  const [diff = []] = await diffCommits(t.repo, [{ from: snapshot.commit, to: to.commit }]);
  const steps = diff.map((entry) => ({
    path: entry.path,
    before: { mode: entry.oldMode, oid: entry.oldOid },
    after: { mode: entry.newMode, oid: entry.newOid },
    staged: entry.newOid,
    blob: entry.newOid,
  }));
  const undo = await nextUndoRef(t.repo);
  const stage = path.join(t.repo.gitDir, 'devenv/stage-0-killed');
  mkdirSync(stage, { recursive: true });
  const journal = {
    version: 1,
    root: t.dir,
    kind,
    pid: spawnSync('true').pid,
    started: '',
    undo,
    present: snapshot.commit,
    target: to.commit,
    name: to.name,
    stage,
    steps,
    index: [],
    head: null,
  };
  writeFileSync(journalFile(t.repo), JSON.stringify(journal));
  await t.git('update-ref', undo, snapshot.commit);
  for (const file of done)
    t.write(file, await t.git('cat-file', 'blob', `${to.commit}:${file}`).then((s) => `${s}\n`));
  return undo;
}

const names = ['a', 'b', 'c'];
const all = (t: TestRepo): string[] => names.map((name) => t.read(name).trim());

async function ready(): Promise<{ t: TestRepo; commit: string; name: string }> {
  const t = await makeRepo({ files: { a: 'then\n', b: 'then\n', c: 'then\n' } });
  const { tag, commit } = await t.checkpoint();
  for (const name of names) t.write(name, 'now\n');
  return { t, commit, name: tag };
}

test('[invariant 26] a dry run finishes nothing and says so', async () => {
  const { t, ...to } = await ready();
  await killed(t, to, ['a']);
  const outcome = await t.rollBack({ target: to.name, dryRun: true });
  expect(outcome.unfinished).toEqual({ kind: 'rollback', name: to.name });
  expect(all(t)).toEqual(['then', 'now', 'now']);
  expect(existsSync(journalFile(t.repo))).toBe(true);
  expect(unfinished(t.repo)).toEqual({ kind: 'rollback', name: to.name });
});

test.each([
  ['rollback', 'devenv undo takes it back'],
  ['undo', 'devenv undo --redo takes it back'],
  ['redo', 'devenv undo takes it back'],
] as const)('of a killed %s it is said that %s', (kind, way) => {
  expect(describeUnfinished({ kind, name: 'x' })).toContain(`the ${kind} to x was killed`);
  expect(describeUnfinished({ kind, name: 'x' })).toContain(way);
});

test('a checkpoint takes the files as they are, and says what was left half done', async () => {
  const { t, ...to } = await ready();
  await killed(t, to, ['a']);
  const ctx = testContext({ env: t.env, cwd: t.dir });
  expect((await checkpoint(ctx, { verify: false })).json).toMatchObject({ created: true });
  expect(ctx.notes.join()).toContain('killed half way');
  expect(all(t)).toEqual(['then', 'now', 'now']);
  expect(existsSync(journalFile(t.repo))).toBe(true);
});

test('[invariant 26] only what still holds what it held is finished; the rest is named', async () => {
  const { t, ...to } = await ready();
  await killed(t, to, ['a']);
  t.write('c', 'edited since\n');
  const recovered = await recover(t.repo);
  expect(recovered).toMatchObject({ outcome: 'finished', left: ['c'], written: ['a', 'b'] });
  expect(all(t)).toEqual(['then', 'then', 'edited since']);
  expect(unfinished(t.repo)).toBeUndefined();
});

test('[invariant 26] what had not begun is given up, and leaves nothing to undo', async () => {
  const { t, ...to } = await ready();
  await killed(t, to, []);
  t.write('c', 'edited since\n');
  expect(await recover(t.repo)).toMatchObject({ outcome: 'nothing-done', undo: null });
  expect(all(t)).toEqual(['now', 'now', 'edited since']);
  expect(await listUndoEntries(t.repo)).toEqual([]);
  expect(existsSync(journalFile(t.repo))).toBe(false);
});

test('[invariant 26] with HEAD elsewhere it is given up where it stands, and what was before it can be had back', async () => {
  const { t, ...to } = await ready();
  const undo = await killed(t, to, ['a']);
  await t.git('commit', '-qam', 'Went on');
  expect(await recover(t.repo)).toMatchObject({ outcome: 'head-moved', undo });
  expect(all(t)).toEqual(['then', 'now', 'now']);
  await t.undo();
  expect(all(t)).toEqual(['now', 'now', 'now']);
});

test('[invariant 26] undo after an undo that was killed ends that one, and undoes no second step', async () => {
  const { t, name } = await ready();
  await t.rollBack({ target: name });
  for (const file of names) t.write(file, 'second\n');
  await t.rollBack({ target: name });
  const entry = (await listUndoEntries(t.repo)).at(-1);
  if (!entry) throw new Error('there is something to undo');
  await killed(t, { commit: entry.commit, name: entry.ref, undoes: entry.n }, ['a']);
  expect(await t.undo()).toMatchObject({ to: entry.ref, undo: 'refs/devenv/undo/3' });
  expect(all(t)).toEqual(['second', 'second', 'second']);
  await t.undo();
  expect(all(t)).toEqual(['now', 'now', 'now']);
});

test('[invariant 26] undo after a rollback that was killed before it began undoes nothing older', async () => {
  const { t, ...to } = await ready();
  await t.rollBack({ target: to.name });
  for (const file of names) t.write(file, 'second\n');
  await killed(t, to, []);
  expect(await t.undo()).toMatchObject({ undo: null, written: [], deleted: [] });
  expect(all(t)).toEqual(['second', 'second', 'second']);
  await t.undo();
  expect(all(t)).toEqual(['now', 'now', 'now']);
});

test('[invariant 26] a redo that was killed is ended by the next redo, and taken back by the next undo', async () => {
  for (const next of ['redo', 'undo'] as const) {
    const { t, name } = await ready();
    await t.rollBack({ target: name });
    await t.undo();
    const entry = (await listUndoEntries(t.repo)).at(-1);
    if (!entry) throw new Error('there is something to redo');
    await killed(t, { commit: entry.commit, name: entry.ref, undoes: entry.n, kind: 'redo' }, ['a']);
    const done = await t[next]();
    expect(done.recovered).toMatchObject({ kind: 'redo', outcome: 'finished' });
    expect(all(t)).toEqual(next === 'redo' ? ['then', 'then', 'then'] : ['now', 'now', 'now']);
    if (next === 'undo') await t.redo();
    await expect(t.redo()).rejects.toMatchObject({ code: 'unknown-tag' });
    expect(all(t)).toEqual(['then', 'then', 'then']);
    await t.undo();
    expect(all(t)).toEqual(['now', 'now', 'now']);
  }
});

test('a number that another work tree took meanwhile is left to it', async () => {
  const { t, ...to } = await ready();
  const undo = await killed(t, to, ['a']);
  const other = await t.git('rev-parse', 'HEAD');
  await t.git('update-ref', undo, other);
  const recovered = await recover(t.repo);
  expect(recovered).toMatchObject({ outcome: 'finished', undo: 'refs/devenv/undo/2' });
  expect(await t.git('rev-parse', undo)).toBe(other);
  expect(existsSync(journalFile(t.repo))).toBe(false);
  await t.undo();
  expect(all(t)).toEqual(['now', 'now', 'now']);
});

test('work trees that roll back at the same time each get a number of their own', async () => {
  const { t, name } = await ready();
  const trees = [t];
  for (const n of [1, 2, 3]) {
    const dir = path.join(tempDir('linked'), 'tree');
    await t.git('worktree', 'add', '-q', '-b', `linked-${n}`, dir);
    const linked = await openTestRepo(dir, t.env);
    for (const file of names) linked.write(file, `now ${n}\n`);
    trees.push(linked);
  }
  const outcomes = await Promise.all(trees.map((tree) => tree.rollBack({ target: name })));
  expect(new Set(outcomes.map((outcome) => outcome.undo)).size).toBe(4);
  for (const tree of trees) expect(existsSync(journalFile(tree.repo))).toBe(false);
  await Promise.all(trees.map((tree) => tree.undo()));
  expect(trees.map((tree) => tree.read('a'))).toEqual(['now\n', 'now 1\n', 'now 2\n', 'now 3\n']);
});

test('[invariant 26] after a power cut a file that came out empty is written again; one a person emptied stays', async () => {
  for (const [boot, a] of [
    ['another run of the machine', 'then'],
    ['', ''],
  ] as const) {
    const { t, ...to } = await ready();
    await killed(t, to, ['a', 'b']);
    const journal = JSON.parse(readFileSync(journalFile(t.repo), 'utf8')) as object;
    writeFileSync(journalFile(t.repo), JSON.stringify({ ...journal, boot }));
    t.write('a', '');
    await recover(t.repo);
    expect(all(t)).toEqual([a, 'then', 'then']);
  }
});

test('[invariant 26] status and undo --list say what was killed half way', async () => {
  const { t, ...to } = await ready();
  await killed(t, to, ['a']);
  const notes: string[] = [];
  const ctx = testContext({ env: t.env, cwd: t.dir, note: (line) => notes.push(line) });
  const said =
    /^(warning: )?the rollback to checkpoint-\S+ was killed half way \(devenv rollback finishes it/;
  const found = await status(ctx, { all: false, watch: false });
  expect(found.json).toMatchObject({ checkpoint: { why: expect.stringMatching(said) } });
  await undoCommand(ctx, { list: true });
  expect(notes).toEqual([expect.stringMatching(said)]);
  await t.rollBack({ target: to.name });
  const after = await status(ctx, { all: false, watch: false });
  expect(JSON.stringify(after.json)).not.toContain('half way');
});
