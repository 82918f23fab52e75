import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectId, systemClock } from '../../src/base/index.ts';
import { createCheckpoint, listCheckpoints, resolveCheckpoint } from '../../src/checkpoint/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { openStore } from '../../src/store/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { testProject } from '../verify/support.ts';
import { startWatching, type Watching } from './support.ts';

const isGood = { name: 'unit', command: 'grep -q good code.txt' };
const soon = { everyMs: 300, quietMs: 100 };
const withTimer = { suites: [isGood], checkpoint: soon };
const code = (w: Watching): string => readFileSync(path.join(w.t.root, 'code.txt'), 'utf8');
const repoOf = (w: Watching) => openRepo({ cwd: w.t.root, env: w.t.env });
const tagged = (w: Watching) => until('a tag', () => w.decisions().includes('tagged'));
const fact = (w: Watching): unknown => w.t.store.getValue(w.t.project.id, 'checkpointer');

describe('the lock', () => {
  test('[invariant 29] two watchers of one work tree: the second only tests, says who holds the lock, and takes over when the first ends', async () => {
    const first = await startWatching(withTimer);
    await tagged(first);
    await using second = await startWatching({ ...withTimer, on: first.t });
    expect(second.view().notes).toEqual([
      `another devenv watch (pid ${process.pid}) makes the checkpoints here; this one only tests`,
    ]);
    await until('it tests all the same', () => second.verdicts().includes('passed'));
    expect(second.view().nextAt).toBeUndefined();
    expect(second.decisions()).toEqual([]);
    // What the first one tells is not overwritten.
    expect(fact(first)).toMatchObject({ nextAt: expect.any(Number), pid: process.pid });
    first.press('q');
    await first.ended;
    await until('it takes over', () => second.decisions()[0] === 'lock');
    expect(second.view().notes).toEqual([]);
    first.t.write('code.txt', 'good again\n');
    await until('it tags', () => second.decisions().includes('tagged'));
    expect(first.t.store.recentEvents(first.t.project.id, 50)).toContainEqual(
      expect.objectContaining({ kind: 'checkpointer', data: expect.objectContaining({ kind: 'lock' }) }),
    );
  });

  test('[invariant 29] in two work trees of one repository each has a checkpointer of its own', async () => {
    await using first = await startWatching(withTimer);
    const root = path.join(tempDir(), 'linked');
    first.t.git('worktree', 'add', '-q', '-b', 'other', root);
    const suites = first.t.project.config.suites.map((suite) => ({ ...suite, cwd: root }));
    const config = { ...first.t.project.config, suites };
    const project = { ...first.t.project, root, id: projectId(root), config };
    const write = (file: string, text: string): void => writeFileSync(path.join(root, file), text);
    await using second = await startWatching({
      ...withTimer,
      on: { ...first.t, store: openStore(first.t.env), root, project, write },
    });
    expect(second.view().notes).toEqual([]);
    first.t.write('code.txt', 'good in the first\n');
    second.t.write('code.txt', 'good in the second\n');
    const kept = async (): Promise<readonly string[]> =>
      (await listCheckpoints(await repoOf(first))).map((one) => first.t.git('show', `${one.tag}:code.txt`));
    await until('both are kept', async () => {
      const texts = await kept();
      return texts.includes('good in the first') && texts.includes('good in the second');
    });
    const all = await listCheckpoints(await repoOf(first));
    expect(new Set(all.map((one) => one.tag)).size).toBe(all.length);
    // A regression in one is put right there, and the other does not notice.
    second.t.write('code.txt', 'broken\n');
    await until('the reset', () => second.decisions().includes('reset'));
    expect(readFileSync(path.join(root, 'code.txt'), 'utf8')).toBe('good in the second\n');
    expect(code(first)).toBe('good in the first\n');
    expect(first.decisions()).not.toContain('reset');
  });

  test('[invariant 29] many checkpoints of one second by two checkpointers: each has a name of its own', async () => {
    const t = testProject(withTimer);
    const repos = await Promise.all([1, 2].map(() => openRepo({ cwd: t.root, env: t.env })));
    const now = t.deps.clock.now();
    const make = async (n: number): Promise<string> => {
      const repo = repos[n % 2];
      if (!repo) throw new Error('no repository');
      const made = await createCheckpoint(repo, {
        verdict: n % 2 === 0 ? 'unverified' : 'passed',
        reason: 'timer',
        tags: 'all',
        now,
      });
      return made.commit;
    };
    const commits: string[] = [];
    for (let n = 0; n < 4; n++) {
      t.write('code.txt', `good ${n}\n`);
      commits.push(...(await Promise.all([make(2 * n), make(2 * n + 1)])));
    }
    const all = await listCheckpoints(await openRepo({ cwd: t.root, env: t.env }));
    expect(new Set(all.map((one) => one.tag)).size).toBe(all.length);
    for (const commit of commits) expect(all.map((one) => one.commit)).toContain(commit);
  });
});

describe('the clock on the wall is set while it works', () => {
  test.each([
    ['back', -3_600_000],
    ['forward', 8 * 3_600_000],
  ])('%s: it tests, looks and tells the next look by the new clock', async (_, step) => {
    let offset = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + offset };
    await using w = await startWatching({ ...withTimer, clock });
    await tagged(w);
    offset = step;
    w.t.write('code.txt', 'good too\n');
    await until('another tag', () => w.decisions().filter((kind) => kind === 'tagged').length === 2);
    const { nextAt } = fact(w) as { nextAt: number };
    expect(Math.abs(nextAt - clock.now())).toBeLessThan(60_000);
    w.t.write('code.txt', 'broken\n');
    await until('the reset', () => w.decisions().includes('reset'));
    expect(code(w)).toBe('good too\n');
  });

  test('what it has told of the next look is told anew', async () => {
    let offset = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + offset };
    // The naps are short in this test only.
    const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
      systemClock.sleep(Math.min(ms, 100), signal);
    await using w = await startWatching({ suites: [isGood], clock: { ...clock, sleep } });
    const told = (): number => (fact(w) as { nextAt?: number } | undefined)?.nextAt ?? 0;
    await until('the next look is told', told);
    const before = told();
    offset = -7_200_000;
    await until('it is told anew', () => told() < before - 7_000_000);
  });
});

test('paused it does nothing and says so; then it goes on at once', async () => {
  await using w = await startWatching(withTimer);
  await tagged(w);
  w.press('p');
  await until('it says so', () => w.view().why.includes('paused'));
  expect(w.view().nextAt).toBeUndefined();
  expect(fact(w)).toMatchObject({ why: expect.stringContaining('paused') });
  expect(fact(w)).not.toHaveProperty('nextAt');
  const decisions = w.decisions().length;
  w.t.write('code.txt', 'good, while paused\n');
  w.press('c');
  await until('the checkpoint by hand', () => w.decisions().length > decisions);
  w.t.write('code.txt', 'broken, while paused\n');
  // By hand it is judged all the same; that takes longer than several intervals.
  w.press('c');
  await until('the answer', () => w.decisions().length > decisions + 1);
  expect(w.decisions().slice(decisions)).toEqual(['tagged', 'kept']);
  expect(code(w)).toContain('broken');
  w.press('p');
  await until('the reset', () => w.decisions().includes('reset'));
  expect(code(w)).toBe('good, while paused\n');
});

test('a pause ends the judging that is under way, and nothing comes of it', async () => {
  const log = path.join(tempDir(), 'log');
  const gate = {
    name: 'slow',
    command: `echo run >> ${log}; test ! -e ${log}.slow || sleep 300`,
    suites: undefined,
  };
  await using w = await startWatching({
    suites: [isGood],
    gates: [gate],
    checkpoint: { ...soon, gates: ['slow'] },
  });
  await tagged(w);
  const runs = (): number => readFileSync(log, 'utf8').split('\n').length;
  const before = runs();
  writeFileSync(`${log}.slow`, '');
  w.t.write('code.txt', 'good too\n');
  await until('the gate runs', () => runs() > before);
  w.press('p');
  await until('it is paused', () => w.view().why.includes('paused'));
  expect(w.decisions()).toEqual(['tagged']);
});

describe('a rollback by hand', () => {
  test('[invariant 33] what the user has rolled back to is not reset, though it fails', async () => {
    await using w = await startWatching({ ...withTimer, checkpoint: { ...soon, everyMs: 600 } });
    await tagged(w);
    // An edit that fails, kept by hand, then made good again.
    w.press('p');
    w.t.write('code.txt', 'broken, but wanted\n');
    const wanted = await createCheckpoint(await repoOf(w), {
      verdict: 'unverified',
      reason: 'user',
      tags: 'all',
      now: w.t.deps.clock.now(),
    });
    w.t.write('code.txt', 'good too\n');
    w.press('p');
    await until('a second tag', () => w.decisions().filter((kind) => kind === 'tagged').length === 2);
    await until('the rollback', () => w.rollBack(wanted.tag).then(() => true));
    await until('the decision', () => w.decisions().includes('kept'));
    expect(w.view().why).toContain('brought back by hand');
    expect(code(w)).toBe('broken, but wanted\n');
    expect(w.decisions()).not.toContain('reset');
  });

  test('[invariant 32] while the gates run: no verdict of the tree that was there', async () => {
    const log = path.join(tempDir(), 'log');
    const gate = { name: 'slow', suites: ['unit'] };
    const command = `grep -q good code.txt && exit 0; echo run >> ${log}; until test -e ${log}.go; do sleep 0.05; done; exit 1`;
    await using w = await startWatching({
      suites: [{ name: 'unit', command }],
      watch: { suites: [] },
      gates: [gate],
      checkpoint: { ...soon, gates: ['slow'] },
    });
    await tagged(w);
    const [first] = await listCheckpoints(await repoOf(w));
    w.t.write('code.txt', 'broken\n');
    await until('it is judged', () => existsSync(log));
    await w.rollBack(first?.tag ?? '');
    writeFileSync(`${log}.go`, '');
    await until(
      'no verdict',
      () => w.decisions().includes('stale') || w.view().why.includes('changed while'),
    );
    const { nextAt = 0 } = w.view();
    await until('two more looks', () => (w.view().nextAt ?? 0) > nextAt + 500);
    expect(w.decisions()).not.toContain('reset');
    expect(code(w)).toBe('good\n');
  });
});

test('[invariant 32] a red test never restores over edits made after it began', async () => {
  const log = path.join(tempDir(), 'log');
  const command = `grep -q good code.txt && exit 0; ls >> ${log}; until test -e ${log}.go; do sleep 0.05; done; exit 1`;
  await using w = await startWatching({
    suites: [{ name: 'unit', command }],
    watch: { suites: [] },
    gates: [{ name: 'tests', suites: ['unit'] }],
    checkpoint: { ...soon, quietMs: 0, gates: ['tests'] },
  });
  await tagged(w);
  w.t.write('code.txt', 'broken\n');
  await until('it is judged', () => existsSync(log));
  w.t.write('new.txt', 'precious\n');
  writeFileSync(`${log}.go`, '');
  // That run says nothing about the tree with the new file; the next one does, and undo has it.
  await until('the reset', () => w.decisions().includes('reset'));
  expect(
    readFileSync(log, 'utf8')
      .split('\n')
      .filter((name) => name === 'new.txt').length,
  ).toBeGreaterThan(0);
  await until('the undo', () => w.undo().then(() => true));
  expect(readFileSync(path.join(w.t.root, 'new.txt'), 'utf8')).toBe('precious\n');
});

test('[invariant 32] an edit in the very moment of the reset is there afterwards, and its tree is judged', async () => {
  let edit: (() => void) | undefined;
  await using w = await startWatching({ ...withTimer, beforeRollBack: () => edit?.() });
  await tagged(w);
  edit = () => {
    edit = undefined;
    w.t.write('new.txt', 'precious\n');
    w.t.write('code.txt', 'good, just now\n');
  };
  w.t.write('code.txt', 'broken\n');
  await until('a second tag', () => w.decisions().filter((kind) => kind === 'tagged').length === 2);
  expect(w.decisions()).toEqual(['tagged', 'kept', 'tagged']);
  expect(code(w)).toBe('good, just now\n');
  expect(readFileSync(path.join(w.t.root, 'new.txt'), 'utf8')).toBe('precious\n');
});

test('[invariant 33] each reset leaves an undo ref and says the one command that brings it back', async () => {
  await using w = await startWatching(withTimer);
  await tagged(w);
  for (const text of ['broken\n', 'broken otherwise\n', 'broken again\n']) {
    const resets = (): number => w.decisions().filter((kind) => kind === 'reset').length;
    const before = resets();
    w.t.write('code.txt', text);
    await until('the reset', () => resets() > before);
    await until('the message', () => w.told.length === before + 1);
    expect(w.told.at(-1)).toMatch(/devenv undo takes this back$/);
    const data = w.t.store.lastEvent(w.t.project.id, 'reset')?.data as { undo: string };
    expect(w.t.git('show', `${data.undo}:code.txt`)).toBe(text.trim());
    expect(code(w)).toBe('good\n');
  }
  // The same again, put there by a program that knows no better, is left.
  w.t.write('code.txt', 'broken\n');
  await until('it is kept', () => w.decisions().includes('kept'));
  expect(code(w)).toBe('broken\n');
});

test('[invariant 33] a suite that fails and passes when run again is flaky: recorded, never a reset, whatever the number of failures', async () => {
  const many = Array.from({ length: 30 }, (_, n) => `<testcase name='t${n}'>$f</testcase>`).join('');
  // So many failures the watcher does not run again; before a reset they are.
  const command = `echo run >> .git/runs; f=; grep -q shaky code.txt && test $(grep -c . .git/runs) -lt 2 && f='<failure/>'; echo "<testsuite>${many}</testsuite>" > junit.xml; test -z "$f"`;
  await using w = await startWatching({
    ...withTimer,
    suites: [{ name: 'unit', command, results: 'junit.xml' }],
    files: { 'code.txt': 'good\n', '.gitignore': 'junit.xml\n' },
  });
  await tagged(w);
  writeFileSync(path.join(w.t.root, '.git/runs'), '');
  w.t.write('code.txt', 'shaky\n');
  await until('it is told', () => w.decisions().length === 2);
  expect(w.decisions()).toEqual(['tagged', 'tagged']);
  expect(w.view().why).toContain('flaky');
  expect((await listCheckpoints(await repoOf(w)))[0]).toMatchObject({ verdict: 'flaky' });
  expect(code(w)).toBe('shaky\n');
});

describe('in a scratch work tree', () => {
  const inWorktree = { ...soon, verifyIn: 'worktree' as const };

  test('the user goes on editing while the gates run; the tag names the tree of their start', async () => {
    const log = path.join(tempDir(), 'log');
    const command = `grep -q slow code.txt || exit 0; touch ${log}; until test -e ${log}.go; do sleep 0.05; done; grep -q 'slow 1' code.txt`;
    await using w = await startWatching({
      suites: [
        { name: 'unit', command: 'true' },
        { name: 'gated', command },
      ],
      watch: { suites: ['unit'] },
      gates: [{ name: 'tests', suites: ['gated'] }],
      checkpoint: { ...inWorktree, gates: ['tests'] },
    });
    await tagged(w);
    w.t.write('code.txt', 'slow 1\n');
    await until('the gate runs', () => existsSync(log));
    const runs = w.verdicts().length;
    w.t.write('code.txt', 'slow 2, in the middle of an edit\n');
    // The watcher tests the new tree meanwhile.
    await w.verdictAfter(runs);
    writeFileSync(`${log}.go`, '');
    await until('the tag', () => w.decisions().filter((kind) => kind === 'tagged').length === 2);
    const made = (await listCheckpoints(await repoOf(w)))[0];
    expect(w.t.git('show', `${made?.tag}:code.txt`)).toBe('slow 1');
    expect(code(w)).toContain('slow 2');
    expect(w.decisions()).not.toContain('stale');
  });

  test('a failure there is reset only when the work tree still is that tree', async () => {
    await using w = await startWatching({ ...withTimer, checkpoint: inWorktree });
    await tagged(w);
    w.t.write('code.txt', 'broken\n');
    await until('the reset', () => w.decisions().includes('reset'));
    expect(code(w)).toBe('good\n');
    expect(w.t.git('worktree', 'list').split('\n')).toHaveLength(1);
  });
});

test('a checkpoint that was removed while what failed ran on it leads to no reset', async () => {
  const log = path.join(tempDir(), 'log');
  // On the good checkpoint it is slow.
  const command = `grep -q good code.txt || exit 1; test -e ${log}.slow || exit 0; touch ${log}; until test -e ${log}.go; do sleep 0.05; done`;
  await using w = await startWatching({ ...withTimer, suites: [{ name: 'unit', command }] });
  await tagged(w);
  const good = await resolveCheckpoint(await repoOf(w), 'last');
  writeFileSync(`${log}.slow`, '');
  w.t.write('code.txt', 'broken\n');
  await until('it runs there', () => existsSync(log));
  w.t.git('update-ref', '-d', `refs/devenv/checkpoints/${good.tag}`);
  writeFileSync(`${log}.go`, '');
  await until('the decision', () => w.view().why.includes('no good checkpoint'));
  expect(code(w)).toBe('broken\n');
  expect(w.decisions()).not.toContain('reset');
});

test('a watcher that is killed leaves the lock to the next', async () => {
  const t = testProject(withTimer);
  const script = `
    import { takeLock } from '${path.resolve('src/store/index.ts')}';
    const lock = takeLock(process.env, process.argv[1]);
    console.log(typeof lock);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, `watch-${t.project.id}`], {
    env: t.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await until('it has the lock', () => out.includes('object'));
    await using w = await startWatching({ ...withTimer, on: t });
    await until('it says so', () => w.view().notes.some((note) => note.includes('another devenv watch')));
    child.kill('SIGKILL');
    await until('it takes over', () => w.decisions().includes('lock'));
    await tagged(w);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a question is taken back when its tree is: by a rollback by hand, and by tests that pass again', async () => {
  await using w = await startWatching({ ...withTimer, attended: true });
  await tagged(w);
  w.t.write('code.txt', 'broken\n');
  await until('it is asked', () => w.asked.length === 1);
  expect(w.withdrawn).toEqual([]);
  await w.rollBack('last');
  await until('it is taken back', () => w.withdrawn.length === 1);
  w.t.write('code.txt', 'broken again\n');
  await until('it is asked again', () => w.asked.length === 2);
  w.t.write('code.txt', 'good again\n');
  await until('it is taken back again', () => w.withdrawn.length === 2);
  expect(w.withdrawn).toEqual([1, 2]);
});

test('r held down is one rollback', async () => {
  let rollbacks = 0;
  await using w = await startWatching({ ...withTimer, beforeRollBack: () => rollbacks++ });
  await tagged(w);
  w.press('p');
  w.t.write('code.txt', 'edited\n');
  for (let n = 0; n < 10; n++) w.press('r');
  await until('it is put back', () => code(w) === 'good\n' && w.decisions().includes('reset'));
  expect(rollbacks).toBe(1);
  w.t.write('code.txt', 'edited again\n');
  w.press('r');
  await until('it is put back again', () => code(w) === 'good\n');
  expect(rollbacks).toBe(2);
});
