import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { listProcesses } from '../../src/base/index.ts';
import { listCheckpoints } from '../../src/checkpoint/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { testProject } from '../verify/support.ts';
import { startWatching, type Watching } from './support.ts';

const isGood = { name: 'unit', command: 'grep -q good code.txt' };
const soon = { everyMs: 300, quietMs: 100 };

/** Nothing more happens: two looks at the tree found nothing to do. */
async function staysAt(w: Watching, verdicts: number): Promise<void> {
  w.t.write('probe.txt', 'x');
  await w.verdictAfter(verdicts);
  expect(w.verdicts()).toHaveLength(verdicts + 1);
}

describe('watching', () => {
  test('it tests at the start, on a save, and not for the same content', async () => {
    await using w = await startWatching({ suites: [isGood] });
    expect(await w.verdictAfter(0)).toBe('passed');
    w.t.write('code.txt', 'bad\n');
    expect(await w.verdictAfter(1)).toBe('failed');
    expect(w.view().suites).toMatchObject([{ name: 'unit', state: 'failed' }]);
    w.t.write('code.txt', 'bad\n');
    await staysAt(w, 2);
  });

  test('a save during a run ends its whole process tree and tests the last content', async () => {
    const log = path.join(tempDir(), 'log');
    const command = `cat code.txt >> ${log}; grep -q slow code.txt && { sleep 300 & echo $! > ${log}.pid; setsid sleep 300; }; grep -q good code.txt`;
    await using w = await startWatching({ suites: [{ name: 'unit', command }] });
    await w.verdictAfter(0);
    w.t.write('code.txt', 'slow\n');
    const pid = await until('the slow run', () => Number(readFileSync(`${log}.pid`, 'utf8')));
    w.t.write('code.txt', 'good again\n');
    await until('the last verdict', () => w.verdicts().at(-1) === 'passed' && w.verdicts().length >= 3);
    expect(w.verdicts()).toEqual(['passed', 'stopped', 'passed']);
    expect(readFileSync(log, 'utf8')).toBe('good\nslow\ngood again\n');
    const left = (await listProcesses()).filter(
      (p) => p.pid === pid || (p.command === 'sleep 300' && p.sid === pid),
    );
    expect(left).toEqual([]);
  });

  test('a change taken back during its run leaves the verdict that was known', async () => {
    const command = 'grep -q slow code.txt && { touch started.log; sleep 300; }; grep -q good code.txt';
    await using w = await startWatching({
      suites: [{ name: 'unit', command }],
      files: { 'code.txt': 'good\n', '.gitignore': '*.log\n' },
    });
    await w.verdictAfter(0);
    w.t.write('code.txt', 'slow\n');
    await until('the slow run', () => existsSync(path.join(w.t.root, 'started.log')));
    w.t.write('code.txt', 'good\n');
    await until('its end', () => w.verdicts().at(-1) === 'stopped');
    await until('the known verdict', () => w.view().suites[0]?.state === 'passed');
    expect(w.verdicts()).toEqual(['passed', 'stopped']);
  });

  test('new folders count, ignored files do not, a changed .gitignore is obeyed', async () => {
    await using w = await startWatching({
      suites: [isGood],
      files: { 'code.txt': 'good\n', '.gitignore': '*.log\nout\n' },
      watch: { ignore: ['*.tmp'] },
    });
    await w.verdictAfter(0);
    w.t.write('deep/er/file.txt', 'new');
    await w.verdictAfter(1);
    w.t.write('noise.log', '1');
    w.t.write('noise.tmp', '1');
    w.t.write('out/x', '1');
    await staysAt(w, 2);
    w.t.write('.gitignore', '*.log\n');
    await w.verdictAfter(3);
    w.t.write('out/y', '1');
    await w.verdictAfter(4);
  });

  test('what no event told of is found with the next hint', async () => {
    const files = { 'code.txt': 'good\n', '.gitignore': 'hidden/\n' };
    await using w = await startWatching({
      suites: [{ name: 'unit', command: '! grep -q bad hidden/code.txt' }],
      files,
    });
    await w.verdictAfter(0);
    // A tracked file in an ignored folder: it is part of the tree, but its folder is not watched.
    w.t.write('hidden/code.txt', 'bad\n');
    w.t.git('add', '-f', 'hidden/code.txt');
    expect(await w.verdictAfter(1)).toBe('failed');
  });

  test('the report of the suite in the tree starts nothing', async () => {
    const command = `echo "<testsuite><testcase name='a' time='$(date +%N)'/></testsuite>" > junit.xml`;
    await using w = await startWatching({ suites: [{ name: 'unit', command, results: 'junit.xml' }] });
    expect(await w.verdictAfter(0)).toBe('passed');
    await staysAt(w, 1);
  });

  test('a suite that changes the tree with every run is held, and the file is named', async () => {
    await using w = await startWatching({ suites: [{ name: 'unit', command: 'date +%N > stamp.txt' }] });
    await until('it is held', () => w.view().notes.some((note) => note.includes('stamp.txt')));
    const runs = w.verdicts().length;
    expect(runs).toBeLessThanOrEqual(8);
    w.t.write('code.txt', 'good, edited\n');
    await w.verdictAfter(runs);
  });

  test('a result is told when its tree was compared, not before', async () => {
    const command =
      'grep -q good code.txt; r=$?; test -e .git/once || { touch .git/once; echo more >> code.txt; }; exit $r';
    await using w = await startWatching({ suites: [{ name: 'unit', command }] });
    await until('a verdict', () => w.verdicts().includes('passed'));
    const told = w.events.flatMap((event) => {
      if (event.kind === 'result') return [`result ${event.result.verdict}`];
      return event.kind === 'verdict' ? [event.verdict] : [];
    });
    // Which of both comes first: the look that cuts the run, or its end.
    expect(['stale', 'stopped']).toContain(told.find((one) => !one.startsWith('result')));
    expect(told.slice(-2)).toEqual(['result passed', 'passed']);
    expect(told.filter((one) => one === 'result passed')).toHaveLength(1);
  });

  test('a file that a person saves during every run is tested as it is in the end', async () => {
    const slow = { name: 'unit', command: 'echo run >> .git/runs; sleep 0.3; grep -q good code.txt' };
    await using w = await startWatching({ suites: [slow] });
    const runs = (): number => readFileSync(path.join(w.t.root, '.git/runs'), 'utf8').length;
    await w.verdictAfter(0);
    let saved = 0;
    let known = 0;
    // One save in each run, until the watcher gives up for a while.
    await until('it is held', () => {
      if (w.view().notes.some((note) => note.includes('code.txt'))) return true;
      if (runs() === known) return false;
      known = runs();
      w.t.write('code.txt', `good ${++saved}\n`);
      return false;
    });
    await until('the last content has a verdict', () => w.verdicts().at(-1) === 'passed');
    const count = w.verdicts().length;
    w.t.write('code.txt', 'bad\n');
    expect(await w.verdictAfter(count)).toBe('failed');
  });

  test('outside of a repository it tests too, and says why there are no checkpoints', async () => {
    await using w = await startWatching({ suites: [isGood], git: false });
    expect(await w.verdictAfter(0)).toBe('passed');
    expect(w.view().notes).toEqual(['no checkpoints: this is not a git repository']);
    w.t.write('code.txt', 'bad\n');
    expect(await w.verdictAfter(1)).toBe('failed');
    w.t.write('code.txt', 'bad\n');
    await staysAt(w, 2);
  });

  test('in a linked work tree', async () => {
    const main = testProject({ suites: [isGood] });
    const root = path.join(tempDir(), 'linked');
    main.git('worktree', 'add', '-q', root);
    const project = {
      ...main.project,
      root,
      config: {
        ...main.project.config,
        suites: main.project.config.suites.map((s) => ({ ...s, cwd: root })),
      },
    };
    const on = {
      ...main,
      root,
      project,
      write: (file: string, text: string) => writeFileSync(path.join(root, file), text),
    };
    await using w = await startWatching({ suites: [isGood], on });
    expect(await w.verdictAfter(0)).toBe('passed');
    w.t.write('code.txt', 'bad\n');
    expect(await w.verdictAfter(1)).toBe('failed');
  });

  test('what a watcher that was killed left running is ended', async () => {
    const t = testProject({ suites: [isGood] });
    const left = spawn('sleep', ['300'], { env: { ...t.env, DEVENV_WATCH: t.project.id }, stdio: 'ignore' });
    const ended = new Promise((resolve) => left.on('exit', (_, signal) => resolve(signal)));
    await using w = await startWatching({ suites: [isGood], on: t });
    expect(await ended).toBe('SIGTERM');
    await w.verdictAfter(0);
  });

  test('keys: a runs all, f what failed, p pauses, q quits', async () => {
    const log = path.join(tempDir(), 'log');
    const suites = [
      { name: 'one', command: `echo one >> ${log}` },
      { name: 'two', command: `echo two >> ${log}; false` },
    ];
    await using w = await startWatching({ suites });
    await w.verdictAfter(0);
    w.press('f');
    await w.verdictAfter(1);
    w.press('a');
    await w.verdictAfter(2);
    expect(readFileSync(log, 'utf8').split('\n').filter(Boolean)).toEqual([
      'one',
      'two',
      'two',
      'two',
      'two',
      'one',
      'two',
      'two',
    ]);
    w.press('p');
    w.t.write('code.txt', 'while paused\n');
    expect(w.view().phase).toBe('paused');
    w.press('p');
    await w.verdictAfter(3);
    w.press('q');
    expect(await w.ended).toBe('quit');
  });
});

describe('the timed checkpointer', () => {
  const withTimer = { suites: [isGood], checkpoint: soon };
  const code = (w: Watching): string => readFileSync(path.join(w.t.root, 'code.txt'), 'utf8');
  const checkpoints = async (w: Watching) => listCheckpoints(await openRepo({ cwd: w.t.root, env: w.t.env }));

  test('tags what passed: the very tree that was tested, once', async () => {
    await using w = await startWatching(withTimer);
    await until('a tag', () => w.decisions().includes('tagged'));
    const [first] = await checkpoints(w);
    expect(first).toMatchObject({
      verdict: 'passed',
      reason: 'timer',
      suites: ['unit=passed'],
      tree: w.t.git('rev-parse', 'HEAD^{tree}'),
    });
    w.t.write('code.txt', 'good too\n');
    await until('another tag', () => w.decisions().length >= 2);
    expect(await checkpoints(w)).toHaveLength(2);
    expect(w.t.git('tag', '--list').split('\n')).toHaveLength(2);
    expect(w.t.store.lastEvent(w.t.project.id, 'checkpointer')?.data).toMatchObject({ kind: 'tagged' });
    expect(w.t.store.getValue(w.t.project.id, 'checkpointer')).toMatchObject({
      nextAt: expect.any(Number),
      why: expect.stringMatching(/checkpoint-/),
    });
  });

  test('[invariant 33] a confirmed regression is reset; undo brings it back and it stays; another edit is judged anew', async () => {
    await using w = await startWatching(withTimer);
    await until('a tag', () => w.decisions().includes('tagged'));
    w.t.write('code.txt', 'broken\n');
    await until('the reset', () => w.decisions().includes('reset'));
    expect(code(w)).toBe('good\n');
    await until('the message', () => w.told.length > 0);
    expect(w.told[0]).toMatch(/code\.txt put back, \+1 -1 lines put away.*devenv undo takes this back/);
    await w.undo();
    expect(code(w)).toBe('broken\n');
    await until('the decision to keep it', () => w.decisions().includes('kept'));
    expect(code(w)).toBe('broken\n');
    w.t.write('code.txt', 'broken otherwise\n');
    await until('the second reset', () => w.decisions().filter((kind) => kind === 'reset').length === 2);
    expect(code(w)).toBe('good\n');
    expect(w.t.git('log', '--oneline').split('\n')).toHaveLength(1);
  });

  test('what undo brought back stays, also when the report in the tree is another one with each run', async () => {
    const report = `echo "<testsuite><testcase name='a' time='$$'>$f</testcase></testsuite>" > junit.xml`;
    const command = `grep -q good code.txt && f= || f='<failure/>'; ${report}; test -z "$f"`;
    await using w = await startWatching({
      ...withTimer,
      suites: [{ name: 'unit', command, results: 'junit.xml' }],
    });
    await until('a tag', () => w.decisions().includes('tagged'));
    w.t.write('code.txt', 'broken\n');
    await until('the reset', () => w.decisions().includes('reset'));
    // Refused while a run writes the report.
    await until('the undo', () => w.undo().then(() => true));
    await until('the decision to keep it', () => w.decisions().at(-1) === 'kept');
    expect(w.view().why).toContain('brought back by hand');
    expect(code(w)).toBe('broken\n');
  });

  test('a reset that was killed half way is no work of the user: nothing is decided, and that is said', async () => {
    const t = testProject(withTimer);
    const dir = path.join(t.root, '.git/devenv');
    mkdirSync(dir);
    const { pid } = spawnSync('true');
    const journal = { version: 1, root: t.root, kind: 'rollback', pid, started: '', name: 'checkpoint-x' };
    const rest = {
      undo: '',
      present: '',
      target: '',
      stage: path.join(dir, 'stage'),
      steps: [],
      index: [],
      head: null,
    };
    writeFileSync(path.join(dir, 'journal.json'), JSON.stringify({ ...journal, ...rest }));
    await using w = await startWatching({ ...withTimer, on: t });
    await until('it says so', () =>
      w.view().why.includes('the rollback to checkpoint-x was killed half way'),
    );
    await w.verdictAfter(0);
    expect(w.decisions()).toEqual(['kept']);
    rmSync(path.join(dir, 'journal.json'));
    await until('a tag', () => w.decisions().includes('tagged'));
  });

  test('a changed file that no checkpoint can hold is tested, and the tree without it is not tagged', async () => {
    await using w = await startWatching({
      ...withTimer,
      checkpoint: { ...soon, maxFileBytes: 100 },
      suites: [{ name: 'unit', command: 'echo run >> .git/runs; ! grep -q bad big.txt' }],
      files: { 'code.txt': 'good\n', 'big.txt': 'x'.repeat(50) },
    });
    await until('a tag', () => w.decisions().includes('tagged'));
    w.t.write('big.txt', 'y'.repeat(200));
    await until('it is kept', () => w.view().why.includes('big.txt (larger than'));
    expect(w.view().why).toContain('it passes, but no checkpoint can hold');
    expect(w.t.store.lastRuns(w.t.project.id)['unit']).toMatchObject({ verdict: 'passed', tree: null });
    const count = w.verdicts().length;
    w.t.write('big.txt', `bad ${'z'.repeat(200)}`);
    expect(await w.verdictAfter(count)).toBe('failed');
    await until('it is kept again', () => w.view().why.includes('suite unit failed (exit 1)'));
    expect(w.decisions().filter((kind) => kind === 'tagged')).toHaveLength(1);
    expect(w.decisions()).not.toContain('reset');
  });

  test('with somebody there it asks, and touches nothing', async () => {
    await using w = await startWatching({ ...withTimer, attended: true });
    await until('a tag', () => w.decisions().includes('tagged'));
    w.t.write('code.txt', 'broken\n');
    await until('the question', () => w.asked.length === 1);
    expect(w.asked[0]?.checkpoint).toMatch(/^checkpoint-/);
    expect(code(w)).toBe('broken\n');
    w.t.write('code.txt', 'good once more\n');
    await until('the next tag', () => w.decisions().at(-1) === 'tagged');
    expect(w.asked).toHaveLength(1);
  });

  test('what fails on the good checkpoint too is kept', async () => {
    const switchFile = path.join(tempDir(), 'service-down');
    await using w = await startWatching({
      ...withTimer,
      suites: [{ name: 'unit', command: `test ! -e ${switchFile}` }],
    });
    await until('a tag', () => w.decisions().includes('tagged'));
    writeFileSync(switchFile, '');
    w.t.write('code.txt', 'edited\n');
    await until('the decision', () => w.decisions().includes('kept'));
    expect(code(w)).toBe('edited\n');
    expect(w.view().why).toContain('not this edit');
  });

  test('during a merge nothing is reset; after it, it is', async () => {
    await using w = await startWatching(withTimer);
    await until('a tag', () => w.decisions().includes('tagged'));
    const mergeHead = path.join(w.t.root, '.git/MERGE_HEAD');
    writeFileSync(mergeHead, `${w.t.git('rev-parse', 'HEAD')}\n`);
    w.t.write('code.txt', 'broken\n');
    await until('the decision', () => w.decisions().includes('kept'));
    expect(code(w)).toBe('broken\n');
    rmSync(mergeHead);
    await until('the reset', () => w.decisions().includes('reset'));
    expect(code(w)).toBe('good\n');
  });

  test('broken is neither tagged nor reset', async () => {
    await using w = await startWatching({
      ...withTimer,
      suites: [{ name: 'unit', command: 'grep -q good code.txt || no-such-tool' }],
    });
    await until('a tag', () => w.decisions().includes('tagged'));
    w.t.write('code.txt', 'edited\n');
    await until('the decision', () => w.decisions().includes('kept'));
    expect(code(w)).toBe('edited\n');
    expect(await checkpoints(w)).toHaveLength(1);
  });

  test('no good checkpoint yet: it keeps, and says so once', async () => {
    await using w = await startWatching({ ...withTimer, files: { 'code.txt': 'broken\n' } });
    await until('the decision', () => w.decisions().includes('kept'));
    const { nextAt = 0 } = w.view();
    await until('two more looks', () => (w.view().nextAt ?? 0) > nextAt + 500);
    expect(w.decisions()).toEqual(['kept']);
  });

  test('the keys c and r, and a checkpoint made by hand meanwhile', async () => {
    await using w = await startWatching({ suites: [isGood] });
    await w.verdictAfter(0);
    w.press('c');
    await until('a checkpoint', () => w.view().checkpoint);
    expect((await checkpoints(w))[0]).toMatchObject({ verdict: 'passed', reason: 'user' });
    w.t.write('code.txt', 'bad\n');
    await until('red', () => w.verdicts().at(-1) === 'failed');
    w.press('r');
    await until('the rollback', () => code(w) === 'good\n');
    await until('green', () => w.verdicts().at(-1) === 'passed');
  });

  test('only one of two watchers makes checkpoints; the other says so', async () => {
    await using first = await startWatching(withTimer);
    await using second = await startWatching({ ...withTimer, on: first.t });
    await until('a tag', () => first.decisions().includes('tagged'));
    expect(second.view().notes).toEqual([expect.stringContaining('another devenv watch')]);
    await until('it tests all the same', () => second.verdicts().includes('passed'));
    expect(second.decisions()).toEqual([]);
    expect(existsSync(path.join(first.t.root, '.git/index.lock'))).toBe(false);
  });
});
