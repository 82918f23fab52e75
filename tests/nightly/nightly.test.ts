import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/index.ts';
import { listCheckpoints } from '../../src/checkpoint/index.ts';
import { readNights } from '../../src/cron/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { isGood, makeNightly, type Nightly } from './support.ts';

const tags = async ({ t }: Nightly): Promise<readonly string[]> =>
  (await listCheckpoints(await openRepo({ cwd: t.root, env: t.env }))).map(
    ({ tag, verdict }) => `${tag} ${verdict}`,
  );

describe('a green night', () => {
  test('everything runs, also what is on demand; the tree is tagged; the report says all of it', async () => {
    const n = makeNightly({
      suites: [isGood, { name: 'e2e', command: 'true', on: 'demand' }],
      gates: [
        { name: 'tests', suites: ['unit'] },
        { name: 'coverage', report: 'lcov.info', min: 50 },
      ],
      files: { 'code.txt': 'good\n', 'lcov.info': 'SF:a\nDA:1,1\nDA:2,1\nDA:3,0\nDA:4,1\nend_of_record\n' },
    });
    const found = await n.night();
    const { report } = found;
    expect(report).toMatchObject({
      outcome: 'passed',
      suites: [
        { name: 'unit', verdict: 'passed', usualMs: null },
        { name: 'e2e', verdict: 'passed' },
      ],
      gates: [{ name: 'tests' }, { name: 'coverage', verdict: 'passed' }],
      coverage: 75,
      notRun: [],
      undone: null,
      news: null,
      checkpoint: { created: true },
      tree: n.t.git('rev-parse', 'HEAD^{tree}'),
    });
    expect(await tags(n)).toContain(`${report.checkpoint?.tag} passed`);
    expect(JSON.parse(readFileSync(`${found.file}.json`, 'utf8'))).toEqual(report);
    const text = n.markdown(found);
    for (const part of [/^# test: passed$/m, /coverage: 75\.00 %/, /\| e2e \| passed \|/, /- ok: repository/])
      expect(text).toMatch(part);
    expect(readFileSync(`${found.file}.log`, 'utf8')).toMatch(/^=== unit\n=== e2e\n/);
    expect(readNights(n.t.store, n.t.project.id)).toMatchObject({
      last: { outcome: 'passed', bad: false, report: found.file },
    });
    expect(readNights(n.t.store, n.t.project.id).running).toBeUndefined();
  });

  test('the next night is compared with those before, and tags the same tree only once', async () => {
    const n = makeNightly();
    const first = (await n.night()).report;
    const { report } = await n.night();
    expect(report.checkpoint).toEqual({ tag: first.checkpoint?.tag, created: false });
    expect(report.lastNights).toMatchObject([{ outcome: 'passed', startedAt: first.startedAt }]);
    expect(report.usualMs).toBe(first.durationMs);
    expect(report.suites[0]?.usualMs).toBe(first.suites[0]?.durationMs);
  });
});

describe('a red night', () => {
  test('a confirmed regression is put back and can be undone exactly: files, modes, staged state', async () => {
    const n = makeNightly({ files: { 'code.txt': 'good\n', 'other.txt': 'x\n', 'run.sh': '#!/bin/sh\n' } });
    const good = (await n.night()).report.checkpoint?.tag ?? '';
    n.t.write('code.txt', 'bad\n');
    n.t.git('add', 'code.txt');
    n.t.write('code.txt', 'worse\n');
    n.t.write('new/file.txt', 'mine\n');
    rmSync(path.join(n.t.root, 'other.txt'));
    n.t.git('update-index', '--chmod=+x', 'run.sh');
    const before = n.t.git('status', '--porcelain=v2', '-uall');
    const staged = n.t.git('ls-files', '--stage');
    const found = await n.night();
    const { report } = found;
    expect(report).toMatchObject({
      outcome: 'failed',
      news: 'failure',
      checkpoint: { tag: good, created: false },
      undone: {
        to: good,
        undo: 'refs/devenv/undo/1',
        written: ['code.txt', 'other.txt'],
        deleted: ['new/file.txt'],
        back: 'devenv undo',
        backLater: 'devenv rollback undo/1',
      },
    });
    expect(n.t.git('status', '--porcelain')).toBe('');
    expect(n.markdown(found)).toMatch(/\*\*`devenv undo` brings back what was there\*\*/);
    expect(n.told).toEqual([expect.stringMatching(/^devenv: reset to .* devenv undo takes this back$/)]);
    await n.undo();
    expect(n.t.git('status', '--porcelain=v2', '-uall')).toBe(before);
    expect(n.t.git('ls-files', '--stage')).toBe(staged);
    expect(n.code()).toBe('worse\n');
    expect(readFileSync(path.join(n.t.root, 'new/file.txt'), 'utf8')).toBe('mine\n');
  });

  test('what was brought back by hand stays, though it fails', async () => {
    const n = makeNightly();
    await n.night();
    n.t.write('code.txt', 'bad\n');
    expect((await n.night()).report.undone).not.toBeNull();
    await n.undo();
    const { report } = await n.night();
    expect(report).toMatchObject({ outcome: 'failed', undone: null });
    expect(report.decisions).toEqual([expect.stringContaining('brought back by hand')]);
    expect(n.code()).toBe('bad\n');
  });

  test.each<
    [what: string, input: Parameters<typeof makeNightly>[0], prepare: (n: Nightly) => void, says: RegExp]
  >([
    ['on_failure: keep', { nightly: { onFailure: 'keep' } }, () => {}, /on_failure: keep/],
    [
      'a merge in progress',
      {},
      (n) => writeFileSync(path.join(n.t.root, '.git/MERGE_HEAD'), `${n.t.git('rev-parse', 'HEAD')}\n`),
      /no reset while git is merging/,
    ],
    [
      'a large deletion',
      {},
      (n) => {
        for (let i = 0; i < 30; i++) n.t.write(`many/${i}.txt`, 'x\n');
      },
      /would delete 30 of 31 files/,
    ],
    [
      'only a gate that is no suite failed',
      {
        gates: [{ name: 'lint', command: 'grep -q good code.txt' }],
        suites: [{ name: 'unit', command: 'true' }],
      },
      () => {},
      /only failed tests lead to a reset/,
    ],
    ['it fails on the good one too', {}, (n) => n.t.git('config', 'x.y', 'z'), /not this edit/],
  ])('kept: %s', async (what, input, prepare, says) => {
    const tooOld = what.startsWith('it fails');
    const n = makeNightly({
      ...input,
      ...(tooOld ? { suites: [{ name: 'unit', command: 'false' }] } : {}),
    });
    await n.keepGood();
    n.t.write('code.txt', 'bad\n');
    prepare(n);
    const { report } = await n.night();
    expect(report).toMatchObject({ outcome: 'failed', undone: null, news: 'failure' });
    expect(report.decisions.join('\n')).toMatch(says);
    expect(report.summary).toMatch(says);
    expect(n.code()).toBe('bad\n');
  });

  test('there is no good checkpoint: the first one is made, nothing is put back, and it says so', async () => {
    const n = makeNightly();
    n.t.write('code.txt', 'bad\n');
    const { report } = await n.night();
    expect(report).toMatchObject({ outcome: 'failed', undone: null });
    expect(report.decisions).toEqual([expect.stringContaining('no good checkpoint to go back to')]);
    expect(await tags(n)).toEqual([expect.stringContaining('unverified')]);
  });

  test('the very tree that passed fails now: that is no edit', async () => {
    const n = makeNightly({ suites: [{ name: 'unit', command: 'test ! -e ../outside-of-it' }] });
    await n.night();
    writeFileSync(path.join(n.t.root, '../outside-of-it'), '');
    const { report } = await n.night();
    rmSync(path.join(n.t.root, '../outside-of-it'));
    expect(report).toMatchObject({ outcome: 'failed', undone: null });
    expect(report.decisions).toEqual([expect.stringContaining('this very tree passed as')]);
  });

  test('a tree that was edited just now is waited for, then put back', async () => {
    const n = makeNightly({ checkpoint: { quietMs: 1500 } });
    await n.keepGood();
    const edited = systemClock.monotonic();
    n.t.write('code.txt', 'bad\n');
    const { report } = await n.night();
    expect(report.undone).not.toBeNull();
    expect(systemClock.monotonic() - edited).toBeGreaterThan(1500);
  });
});

test('in a scratch work tree an edit meanwhile does not matter: the tree of the beginning is tagged', async () => {
  const n = makeNightly({
    suites: [{ name: 'unit', command: 'echo edited > "$LIVE/code.txt"; grep -q good code.txt' }],
    checkpoint: { verifyIn: 'worktree' },
  });
  n.t.env['LIVE'] = n.t.root;
  const { report } = await n.night();
  expect(report).toMatchObject({ outcome: 'passed', tree: n.t.git('rev-parse', 'HEAD^{tree}') });
  expect(n.t.git('show', `${report.checkpoint?.tag}:code.txt`)).toBe('good');
  expect(n.code()).toBe('edited\n');
});

test('a service that does not come up after a reset is a warning', async () => {
  const n = makeNightly({ restart: () => Promise.reject(new Error('port 80 is taken')) });
  await n.keepGood();
  n.t.write('code.txt', 'bad\n');
  const { report } = await n.night();
  expect(report.undone).not.toBeNull();
  expect(report.warnings.join()).toMatch(/could not be restarted after the reset: port 80 is taken/);
});

describe('no verdict', () => {
  test('a suite that came to none the last time is not said never to have come to one', async () => {
    const n = makeNightly({ suites: [{ name: 'unit', command: 'grep -q good code.txt || kill -9 $$' }] });
    const told = async (): Promise<string | undefined> =>
      (await n.night()).report.checklist.find(({ name }) => name === 'tests')?.message;
    expect(await told()).toBe('came to no verdict when last run, or never ran: unit');
    expect(await told()).toBe('known to run: unit');
    writeFileSync(path.join(n.t.root, 'code.txt'), 'bad\n');
    await n.night();
    expect(await told()).toBe('came to no verdict when last run, or never ran: unit');
  });

  test.each<[outcome: string, command: string, says: RegExp]>([
    ['broken', 'no-such-command-at-all', /exit 127/],
    ['stale', 'echo x >> code.txt; false', /changed while/],
  ])('%s: neither tagged nor put back', async (outcome, command, says) => {
    const n = makeNightly({ suites: [{ name: 'unit', command }] });
    await n.keepGood();
    n.t.write('code.txt', 'bad\n');
    const before = await tags(n);
    const { report } = await n.night();
    expect(report).toMatchObject({ outcome, undone: null, checkpoint: null, news: 'failure' });
    expect(report.summary).toMatch(says);
    expect(await tags(n)).toEqual(before);
    expect(n.code()).toMatch(/^bad/);
  });

  test('flaky: no failure, but a warning; never a reset', async () => {
    const n = makeNightly({
      suites: [{ name: 'unit', command: 'test -e .git/seen || { touch .git/seen; exit 1; }' }],
    });
    await n.keepGood();
    n.t.write('code.txt', 'other\n');
    const { report } = await n.night();
    expect(report).toMatchObject({ outcome: 'flaky', undone: null, news: null });
    expect(report.warnings).toContainEqual(expect.stringMatching(/unit is flaky: 1 test/));
    expect(n.code()).toBe('other\n');
  });
});

describe('the checklist says no: nothing runs', () => {
  test.each<
    [what: string, input: Parameters<typeof makeNightly>[0], prepare: (n: Nightly) => void, says: RegExp]
  >([
    ['no repository', { git: false }, () => {}, /in no git repository/],
    [
      'too little room',
      { nightly: { minDiskBytes: 2 ** 60 } },
      () => {},
      /only .* free at .*min_disk asks for/,
    ],
    ['nothing to judge by', { suites: [] }, () => {}, /no suite and no gate/],
    [
      'a rollback that was killed',
      {},
      (n) => {
        mkdirSync(path.join(n.t.root, '.git/devenv'), { recursive: true });
        writeFileSync(path.join(n.t.root, '.git/devenv/journal.json'), '{}');
      },
      /killed half way/,
    ],
  ])('%s', async (_, input, prepare, says) => {
    const n = makeNightly({ suites: [{ name: 'unit', command: 'touch ran' }], ...input });
    prepare(n);
    const { report } = await n.night();
    expect(report).toMatchObject({ outcome: 'blocked', news: 'failure', suites: [], session: null });
    expect(report.summary).toMatch(says);
    expect(existsSync(path.join(n.t.root, 'ran'))).toBe(false);
    if (input?.git !== false) expect(await tags(n)).toEqual([]);
  });

  test('a mistake in the configuration', async () => {
    const n = makeNightly();
    const { report } = await n.night({
      blocked: { message: 'devenv.yaml:1:1: unknown key', hint: 'mend it' },
    });
    expect(report).toMatchObject({ outcome: 'blocked', notRun: ['unit'] });
    expect(report.checklist).toEqual([expect.objectContaining({ name: 'configuration', remedy: 'mend it' })]);
  });
});

test('a session that cannot be started: the report says so, and the suites run all the same', async () => {
  const n = makeNightly({
    heal: () =>
      Promise.resolve({ state: 'failed', name: null, restarted: [], notReady: [], why: 'port 80 is taken' }),
  });
  const found = await n.night();
  expect(found.report).toMatchObject({ outcome: 'passed', session: { state: 'failed' } });
  expect(found.report.warnings).toContain('the session could not be started: port 80 is taken');
  expect(n.markdown(found)).toContain('session: could not be started: port 80 is taken');
});

test('secrets are hidden, in the log and in the report', async () => {
  const n = makeNightly({ suites: [{ name: 'unit', command: 'echo "not ok 1 - $MY_TOKEN"; exit 1' }] });
  n.t.env['MY_TOKEN'] = 'hunter2-hunter2';
  const found = await n.night();
  for (const ending of ['log', 'md', 'json'])
    expect(readFileSync(`${found.file}.${ending}`, 'utf8')).not.toContain('hunter2');
  expect(readFileSync(`${found.file}.log`, 'utf8')).toContain('not ok 1 - ***');
});

test('reports that are too old go; the logs of the last nights stay', async () => {
  let aheadMs = 0;
  const n = makeNightly({ clock: { ...systemClock, now: () => systemClock.now() + aheadMs } });
  const first = await n.night();
  aheadMs = 29 * 86_400_000;
  const second = await n.night();
  expect(existsSync(`${first.file}.json`)).toBe(true);
  aheadMs = 31 * 86_400_000;
  await n.night();
  expect(['json', 'md', 'log'].map((ending) => existsSync(`${first.file}.${ending}`))).toEqual([
    false,
    false,
    true,
  ]);
  expect(existsSync(`${second.file}.json`)).toBe(true);
});
