import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCheckpoint, lastGood, snapshot } from '../../src/checkpoint/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { merge } from '../../src/verify/rerun.ts';
import { confirmRegression, verify } from '../../src/verify/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { testProject, type ProjectInput, type TestProject } from './support.ts';

const isGood = { name: 'unit', command: 'grep -q good code.txt' };
const make = (input: Partial<ProjectInput> = {}): TestProject => testProject({ suites: [isGood], ...input });

describe('a verdict of one tree', () => {
  test('passed, recorded with its tree', async () => {
    const { deps, project, git } = make();
    const found = await verify(deps, project, { suites: ['unit'], reason: 'test' });
    expect(found).toMatchObject({ verdict: 'passed', tree: git('rev-parse', 'HEAD^{tree}'), changed: [] });
    expect(deps.store.lastRuns(project.id)['unit']).toMatchObject({
      verdict: 'passed',
      tree: found.tree,
      reason: 'test',
    });
  });

  test('failed, after it failed three times', async () => {
    const count = path.join(tempDir(), 'count');
    const { deps, project } = make({
      suites: [{ name: 'unit', command: `echo x >> ${count}; echo boom; exit 1` }],
    });
    const found = await verify(deps, project, { suites: ['unit'], reason: 'test' });
    expect(found).toMatchObject({
      verdict: 'failed',
      suites: [{ failed: 1, failures: [{ name: 'unit', message: 'boom' }] }],
    });
    expect(readFileSync(count, 'utf8')).toBe('x\nx\nx\n');
  });

  test('flaky: it passes when it is run again', async () => {
    const mark = path.join(tempDir(), 'mark');
    const { deps, project } = make({
      suites: [{ name: 'unit', command: `test -e ${mark} || { touch ${mark}; exit 1; }` }],
    });
    expect(await verify(deps, project, { suites: ['unit'], reason: 'test' })).toMatchObject({
      verdict: 'flaky',
      suites: [{ verdict: 'flaky', failed: 0, flaky: 1, failures: [] }],
    });
  });

  test('broken, with why', async () => {
    const { deps, project } = make({ suites: [{ name: 'unit', command: 'no-such-tool' }] });
    expect(await verify(deps, project, { suites: ['unit'], reason: 'test' })).toMatchObject({
      verdict: 'broken',
      why: expect.stringContaining('127'),
    });
  });

  test('stale: the tree changed meanwhile, and the file is named', async () => {
    const { deps, project, git } = make({ suites: [{ name: 'unit', command: 'echo more >> code.txt' }] });
    const found = await verify(deps, project, { suites: ['unit'], reason: 'test' });
    expect(found).toMatchObject({
      verdict: 'stale',
      tree: git('rev-parse', 'HEAD^{tree}'),
      changed: ['code.txt'],
      suites: [{ verdict: 'stale' }],
    });
    expect(deps.store.lastRuns(project.id)).toEqual({});
  });

  test('a change that is taken back while it runs is one: what was tested is not what is there', async () => {
    const { deps, project, write, store } = make({
      suites: [
        {
          name: 'unit',
          command: 'echo good > code.txt; grep -q good code.txt; r=$?; echo bad > code.txt; exit $r',
        },
      ],
    });
    write('code.txt', 'bad\n');
    const found = await verify(deps, project, { suites: ['unit'], reason: 'test' });
    expect(found).toMatchObject({
      verdict: 'stale',
      changed: ['code.txt'],
      why: 'code.txt changed while the suites ran',
      suites: [{ verdict: 'stale' }],
    });
    expect(store.lastRuns(project.id)).toEqual({});
  });

  test('another branch that was checked out meanwhile, and back, with old times set again', async () => {
    const { deps, project, write, git } = make({
      suites: [
        {
          name: 'unit',
          command:
            'git checkout -q main && grep -q good code.txt; r=$?; git checkout -q bad; touch -d 2020-01-01 code.txt; exit $r',
        },
      ],
    });
    git('checkout', '-q', '-b', 'bad');
    write('code.txt', 'bad\n');
    git('commit', '-qam', 'Break it');
    expect(await verify(deps, project, { suites: ['unit'], reason: 'test' })).toMatchObject({
      verdict: 'stale',
      changed: ['code.txt'],
    });
  });

  test('a changed submodule: the verdict is of no tree, and the reason is told', async () => {
    const inner = make({ files: { 'lib.txt': 'good\n' } });
    const { deps, project, git, root } = make({ suites: [{ name: 'unit', command: 'cat lib/lib.txt' }] });
    git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'lib');
    git('commit', '-qm', 'Add lib');
    const clean = await verify(deps, project, { suites: ['unit'], reason: 'test' });
    expect(clean).toMatchObject({ verdict: 'passed', tree: git('rev-parse', 'HEAD^{tree}'), untold: [] });
    writeFileSync(path.join(root, 'lib/lib.txt'), 'other\n');
    expect(await verify(deps, project, { suites: ['unit'], reason: 'test' })).toMatchObject({
      verdict: 'passed',
      tree: null,
      untold: [{ path: 'lib', reason: 'changes inside the submodule' }],
    });
  });

  test('what is ignored, a report, or only looked at may be written again without harm', async () => {
    const { deps, project, write } = make({
      suites: [
        {
          name: 'unit',
          results: 'junit.xml',
          command: `echo x > cache.log; echo x > notes.md; cat code.txt; git status; echo '<testsuite><testcase name="a"/></testsuite>' > junit.xml`,
        },
      ],
      files: { 'code.txt': 'good\n', '.gitignore': '*.log\n', 'notes.md': 'x\n' },
    });
    write('code.txt', 'other\n');
    const found = await verify(deps, project, {
      suites: ['unit'],
      reason: 'test',
      ignored: (file) => file === 'notes.md',
    });
    expect(found.verdict).toBe('passed');
  });

  test('the report of the suite itself does not make it stale, ignored or not', async () => {
    const command = `echo '<testsuite><testcase name="a" time="'$$'"/></testsuite>' > junit.xml`;
    const { deps, project } = make({ suites: [{ name: 'unit', command, results: 'junit.xml' }] });
    expect((await verify(deps, project, { suites: ['unit'], reason: 'test' })).verdict).toBe('passed');
    expect((await verify(deps, project, { suites: ['unit'], reason: 'test' })).verdict).toBe('passed');
  });

  test('stopped: nothing is recorded', async () => {
    const { deps, project, root } = make({
      suites: [{ name: 'unit', command: 'touch .git/started; sleep 60' }],
    });
    const stop = new AbortController();
    const running = verify(deps, project, { suites: ['unit'], reason: 'test', signal: stop.signal });
    await until('it runs', () => existsSync(path.join(root, '.git/started')));
    stop.abort();
    expect((await running).verdict).toBe('stopped');
    expect(deps.store.lastRuns(project.id)).toEqual({});
  });

  test('outside of a repository there is a verdict without a tree', async () => {
    const { deps, project } = make({ git: false });
    expect(await verify(deps, project, { suites: ['unit'], reason: 'test' })).toMatchObject({
      verdict: 'passed',
      tree: null,
      snapshot: undefined,
    });
  });

  test('a repository without a commit', async () => {
    const { deps, project } = make({ commit: false });
    expect(await verify(deps, project, { suites: ['unit'], reason: 'test' })).toMatchObject({
      verdict: 'passed',
      tree: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
  });

  test('gates bring their suites, and decide', async () => {
    const { deps, project } = make({
      suites: [isGood, { name: 'bad', command: 'false' }],
      gates: [
        { name: 'tests', suites: ['unit'] },
        { name: 'lint', command: 'echo a warning', maxWarnings: 0 },
        { name: 'all', suites: ['unit', 'bad'], passRate: 0.5 },
      ],
    });
    expect(await verify(deps, project, { gates: ['tests'], reason: 't' })).toMatchObject({
      verdict: 'passed',
      suites: [{ name: 'unit' }],
    });
    expect(await verify(deps, project, { gates: ['tests', 'lint'], reason: 't' })).toMatchObject({
      verdict: 'failed',
      why: 'lint: 1 warning, allows 0',
    });
    expect(await verify(deps, project, { gates: ['all'], reason: 't' })).toMatchObject({ verdict: 'passed' });
    expect(await verify(deps, project, { gates: ['all'], suites: ['bad'], reason: 't' })).toMatchObject({
      verdict: 'failed',
    });
  });

  test('unknown names', async () => {
    const { deps, project } = make({ gates: [{ name: 'tests', suites: ['unit'] }] });
    await expect(verify(deps, project, { suites: ['unitt'], reason: 't' })).rejects.toMatchObject({
      code: 'unknown-suite',
      hint: 'did you mean unit?',
    });
    await expect(verify(deps, project, { gates: ['test'], reason: 't' })).rejects.toMatchObject({
      code: 'unknown-suite',
      hint: 'did you mean tests?',
    });
  });
});

describe('a first run and a rerun together', () => {
  const failure = (id: string) => ({ name: id, file: null, line: null, message: 'm', id });
  const result = (verdict: 'failed' | 'passed' | 'broken', ids: readonly string[]) => ({
    name: 'unit',
    verdict,
    passed: 5,
    failed: ids.length,
    flaky: 0,
    skipped: 0,
    durationMs: 1,
    failures: ids.map(failure),
    exit: 1,
    output: '',
    partial: false,
  });
  test.each([
    ['all fail again', ['a', 'b'], result('failed', ['a', 'b']), { verdict: 'failed', failed: 2, flaky: 0 }],
    [
      'one of two fails again',
      ['a', 'b'],
      result('failed', ['b']),
      { verdict: 'failed', failed: 1, flaky: 1 },
    ],
    ['none fails again', ['a', 'b'], result('passed', []), { verdict: 'flaky', failed: 0, flaky: 2 }],
    ['another one fails', ['a'], result('failed', ['c']), { verdict: 'failed', failed: 1, flaky: 0 }],
    ['it cannot run again', ['a'], result('broken', []), { verdict: 'broken' }],
  ])('%s', (_, ids, again, expected) => {
    expect(merge(result('failed', ids), again)).toMatchObject(expected);
  });
});

describe('is it this edit that broke the tests?', () => {
  async function broken(input: Partial<ProjectInput>, edit: (t: TestProject) => void) {
    const t = make(input);
    const repo = await openRepo({ cwd: t.root, env: t.env });
    const first = await verify(t.deps, t.project, { suites: ['unit'], reason: 'timer' });
    const now = t.deps.clock.now();
    await createCheckpoint(repo, {
      verdict: 'passed',
      reason: 'timer',
      suites: ['unit=passed'],
      snapshot: first.snapshot ?? (await snapshot(repo, { now })),
      tags: 'all',
      now,
    });
    const good = await lastGood(repo);
    if (!good) throw new Error('no good checkpoint');
    edit(t);
    const second = await verify(t.deps, t.project, { suites: ['unit'], reason: 'timer', reruns: 0 });
    expect(second.verdict).toBe('failed');
    const found = await confirmRegression(t.deps, t.project, {
      repo,
      good,
      failed: second.suites,
      present: second.snapshot ?? null,
    });
    expect(t.git('worktree', 'list').split('\n')).toHaveLength(1);
    return found;
  }

  test('yes: it passes on the good checkpoint', async () => {
    expect(await broken({}, (t) => t.write('code.txt', 'bad\n'))).toMatchObject({
      confirmed: true,
      by: 'run',
    });
  });

  test('no: it fails there too', async () => {
    const outside = path.join(tempDir(), 'service');
    writeFileSync(outside, 'up');
    const found = await broken(
      { suites: [{ name: 'unit', command: `test -e ${outside}.down && exit 1; true` }] },
      () => writeFileSync(`${outside}.down`, ''),
    );
    expect(found).toMatchObject({
      confirmed: false,
      by: 'run',
      why: expect.stringContaining('not this edit'),
    });
  });

  test('no: it fails for something that git ignores, and passes on both without it', async () => {
    const found = await broken(
      {
        files: { 'code.txt': 'good\n', '.gitignore': 'stale.out\n' },
        suites: [{ name: 'unit', command: 'test ! -e stale.out' }],
      },
      (t) => {
        t.write('stale.out', '');
        t.write('code.txt', 'innocent\n');
      },
    );
    expect(found).toMatchObject({ confirmed: false, why: expect.stringContaining('that git ignores') });
  });

  test('yes: what git ignores makes it fail too, but the edit does so alone', async () => {
    const found = await broken(
      {
        files: { 'code.txt': 'good\n', '.gitignore': 'stale.out\n' },
        suites: [{ name: 'unit', command: 'test ! -e stale.out && grep -q good code.txt' }],
      },
      (t) => {
        t.write('stale.out', '');
        t.write('code.txt', 'bad\n');
      },
    );
    expect(found).toMatchObject({ confirmed: true, by: 'run' });
  });

  test('it was killed there, or took too long: nobody knows, whatever the record says', async () => {
    const flag = path.join(tempDir(), 'flag');
    for (const end of ['kill -9 $$', 'sh -c "kill -9 \\$\\$"; exit $?', 'sleep 300']) {
      rmSync(flag, { force: true });
      const command = `grep -q good code.txt || exit 1; test -e ${flag} || exit 0; ${end}`;
      const found = await broken({ suites: [{ name: 'unit', command, timeoutMs: 2000 }] }, (t) => {
        t.write('code.txt', 'bad\n');
        writeFileSync(flag, '');
      });
      expect(found, end).toMatchObject({
        confirmed: false,
        why: expect.stringContaining('did not come to its end'),
      });
    }
  });

  test('it cannot run there: the record counts', async () => {
    const files = {
      'code.txt': 'good\n',
      '.gitignore': 'tool\n',
      tool: '#!/bin/sh\ngrep -q good code.txt\n',
    };
    const found = await broken(
      {
        files,
        suites: [
          { name: 'unit', command: 'chmod +x tool && ./tool || exit $(test -e tool && echo 1 || echo 127)' },
        ],
      },
      (t) => t.write('code.txt', 'bad\n'),
    );
    expect(found).toMatchObject({ confirmed: true, by: 'record', why: expect.stringContaining('127') });
  });

  test('it cannot run there, and it failed on the good tree since: the record counts no more', async () => {
    const found = await broken(
      {
        files: { 'code.txt': 'good\n', '.gitignore': 'tool\n', tool: '#!/bin/sh\ntrue\n' },
        suites: [
          { name: 'unit', command: 'chmod +x tool && ./tool || exit $(test -e tool && echo 1 || echo 127)' },
        ],
      },
      (t) => {
        t.write('tool', '#!/bin/sh\nfalse\n');
        t.deps.store.recordRun({
          projectId: t.project.id,
          suite: 'unit',
          verdict: 'failed',
          tree: t.git('rev-parse', 'HEAD^{tree}').trim(),
          at: t.deps.clock.now(),
          durationMs: 1,
          passed: 0,
          failed: 1,
          flaky: 0,
          skipped: 0,
          reason: 'watch',
          why: undefined,
        });
        t.write('code.txt', 'innocent\n');
      },
    );
    expect(found).toMatchObject({ confirmed: false, by: 'record' });
  });
});
