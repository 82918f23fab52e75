import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createCheckpoint, lastGood } from '../../src/checkpoint/index.ts';
import { checkpoint } from '../../src/commands/checkpoint.ts';
import { openRepo } from '../../src/git/index.ts';
import { verify } from '../../src/verify/index.ts';
import { testContext } from '../commands/context.ts';
import { testProject, type ProjectInput, type TestProject } from './support.ts';

const make = (input: Partial<ProjectInput> & Pick<ProjectInput, 'suites'>): TestProject =>
  testProject({
    ...input,
    files: { 'code.txt': 'good\n', '.gitignore': 'tool/\ncache/\n*.xml\n', ...input.files },
  });
const inWorktree = { reason: 'checkpoint', in: 'worktree', reruns: 0, suites: ['unit'] } as const;
const suite = (command: string) => ({ name: 'unit', command });
const treeOf = (t: TestProject): string => t.git('rev-parse', 'HEAD^{tree}');

test('in a scratch work tree an edit made while it runs is not seen and makes nothing stale; the verdict names the tree of the start', async () => {
  // The suite itself edits the live work tree, in the middle of its run.
  const t = make({ suites: [] });
  const command = `grep -q good code.txt && echo bad > ${t.root}/code.txt && grep -q good code.txt && echo junk > junk.txt`;
  const project = {
    ...t.project,
    config: {
      ...t.project.config,
      suites: [
        {
          ...suite(command),
          results: undefined,
          affected: 'off',
          timeoutMs: 20_000,
          on: 'change',
          env: {},
          cwd: t.root,
        },
      ],
    },
  } as const;
  const found = await verify(t.deps, project, inWorktree);
  expect(found).toMatchObject({ verdict: 'passed', in: 'worktree', tree: treeOf(t), changed: [] });
  expect(readFileSync(path.join(t.root, 'code.txt'), 'utf8')).toBe('bad\n');
  expect(existsSync(path.join(t.root, 'junk.txt'))).toBe(false);
  expect(t.git('worktree', 'list').split('\n')).toHaveLength(1);
  expect(t.store.lastRuns(project.id)['unit']).toMatchObject({ verdict: 'passed', tree: treeOf(t) });
  // In place the same is stale.
  t.write('code.txt', 'good\n');
  expect(await verify(t.deps, project, { ...inWorktree, in: 'place' })).toMatchObject({ verdict: 'stale' });
});

test('the report is read from there, and its paths are told as those of the project', async () => {
  const report = `<testsuite><testcase name="adds" file="$PWD/src/a.test.js"><failure>at $PWD/src/a.test.js:7</failure></testcase></testsuite>`;
  const t = make({
    suites: [
      {
        name: 'unit',
        command: `printf '%s' "${report.replaceAll('"', String.raw`\"`)}" > junit.xml; pwd; exit 1`,
        results: 'junit.xml',
      },
    ],
  });
  // An old report in place is neither read nor touched.
  t.write('junit.xml', 'old');
  const found = await verify(t.deps, t.project, inWorktree);
  expect(found.verdict).toBe('failed');
  expect(found.suites[0]?.failures).toMatchObject([{ file: 'src/a.test.js', line: 7 }]);
  expect(found.suites[0]?.failures[0]?.message).toContain(`${t.root}/src/a.test.js`);
  expect(found.suites[0]?.output.trim()).toBe(t.root);
  expect(readFileSync(path.join(t.root, 'junit.xml'), 'utf8')).toBe('old');
});

test('ignored folders are linked or copied as configured; what is written into a copy is thrown away', async () => {
  const t = make({
    suites: [suite('echo 1 >> tool/log; echo 1 >> cache/log; test -x cache/run && cat tool/x')],
    worktree: { link: ['tool', 'cache', 'absent'], copy: ['cache'] },
    files: { 'tool/x': 'x', 'cache/run': '' },
  });
  mkdirSync(path.join(t.root, 'cache'), { recursive: true });
  writeFileSync(path.join(t.root, 'cache/run2'), '', { mode: 0o755 });
  const found = await verify(
    t.deps,
    {
      ...t.project,
      config: {
        ...t.project.config,
        suites: t.project.config.suites.map((one) => ({
          ...one,
          command: one.command.replace('cache/run', 'cache/run2'),
        })),
      },
    },
    inWorktree,
  );
  expect(found.verdict).toBe('passed');
  expect(readFileSync(path.join(t.root, 'tool/log'), 'utf8')).toBe('1\n');
  expect(existsSync(path.join(t.root, 'cache/log'))).toBe(false);
});

test('what cannot run there is broken, and the way out is told; so is what fails there but passed in place on the same tree', async () => {
  const files = { 'tool/run': 'ok' };
  const cannot = make({ suites: [suite('test -e tool/run || exit 127')], files });
  cannot.git('rm', '-rq', '--cached', '--ignore-unmatch', 'tool');
  const broken = await verify(cannot.deps, cannot.project, inWorktree);
  expect(broken).toMatchObject({
    verdict: 'broken',
    why: expect.stringMatching(/exit 127.*scratch.*worktree\.link/),
  });
  const differs = make({ suites: [suite('test -e tool/run')], files });
  expect(await verify(differs.deps, differs.project, { ...inWorktree, in: 'place' })).toMatchObject({
    verdict: 'passed',
  });
  const found = await verify(differs.deps, differs.project, inWorktree);
  expect(found).toMatchObject({
    verdict: 'broken',
    why: expect.stringContaining('it passes in place on this very tree'),
  });
});

test('without a scratch work tree (no room for it, no right to write there) it is broken, never failed', async () => {
  const t = make({ suites: [suite('false')] });
  const state = t.env['XDG_STATE_HOME'] ?? '';
  mkdirSync(path.join(state, 'devenv'), { recursive: true });
  writeFileSync(path.join(state, 'devenv/scratch'), 'a file in the way');
  expect(await verify(t.deps, t.project, inWorktree)).toMatchObject({
    verdict: 'broken',
    why: expect.stringContaining('no scratch work tree'),
  });
});

test('what is known needs no scratch work tree; what failed is run again in one', async () => {
  const t = make({ suites: [suite('grep -q good code.txt && echo run >> $LOG')] });
  const known = (await verify(t.deps, t.project, { ...inWorktree, in: 'place' })).suites;
  expect(known).toMatchObject([{ verdict: 'failed' }]); // LOG is not set
  const found = await verify(t.deps, t.project, {
    ...inWorktree,
    reruns: 1,
    known: known.map((one) => ({ ...one, verdict: 'passed' as const })),
  });
  expect(found).toMatchObject({ verdict: 'passed', tree: treeOf(t), in: 'worktree' });
});

test('line ends and filters: what changed is there as it is on the disk, what did not as git checks it out', async () => {
  const t = make({
    suites: [
      suite(
        'test "$(od -c code.txt | head -1)" = "$(printf "good\\n\\n" | od -c | head -1)" && grep -q ^CONTENT same.txt && test ! -e gone.txt && test "$(readlink link)" = code.txt && test -x run && test -f folder/x && test "$(cat "odd \\" name")" = odd',
      ),
    ],
    files: {
      '.gitattributes': '*.txt filter=store\n',
      'same.txt': 'CONTENT\n',
      'code.txt': 'good\n',
      'gone.txt': 'x',
      folder: 'a file',
      run: '',
    },
    commit: false,
  });
  t.git('config', 'filter.store.clean', 'sed s/CONTENT/POINTER/');
  t.git('config', 'filter.store.smudge', "sed '/good/q1; s/POINTER/CONTENT/'");
  t.git('add', '-A');
  t.git('commit', '-qm', 'Start');
  t.git('config', 'core.autocrlf', 'true');
  t.write('code.txt', 'good\n\n');
  rmSync(path.join(t.root, 'gone.txt'));
  rmSync(path.join(t.root, 'folder'));
  t.write('folder/x', 'x');
  t.write('odd " name', 'odd');
  chmodSync(path.join(t.root, 'run'), 0o755);
  symlinkSync('code.txt', path.join(t.root, 'link'));
  expect(await verify(t.deps, t.project, inWorktree)).toMatchObject({ verdict: 'passed' });
});

test('before the first commit too', async () => {
  const t = make({ suites: [suite('test "$(wc -c < code.txt)" = 5')], commit: false });
  t.git('config', 'core.autocrlf', 'true');
  const found = await verify(t.deps, t.project, inWorktree);
  expect(found).toMatchObject({ verdict: 'passed', in: 'worktree' });
});

test('a changed file that the tree does not hold was not tested either: the tree passes, and may be kept as good', async () => {
  const t = make({
    suites: [suite('test $(wc -c < big.txt) = 50')],
    checkpoint: { maxFileBytes: 100 },
    files: { 'big.txt': 'x'.repeat(50) },
  });
  t.write('big.txt', 'y'.repeat(200));
  const found = await verify(t.deps, t.project, inWorktree);
  expect(found).toMatchObject({ verdict: 'passed', tree: treeOf(t) });
  const repo = await openRepo({ cwd: t.root, env: t.env });
  await createCheckpoint(repo, {
    verdict: 'passed',
    reason: 'timer',
    snapshot: found.snapshot,
    tags: 'all',
    now: t.deps.clock.now(),
  });
  expect((await lastGood(repo))?.tree).toBe(treeOf(t));
});

test('devenv checkpoint with verify_in: worktree tags the tree of the start while the user goes on', async () => {
  const t = testProject({ suites: [], files: { 'code.txt': 'good\n' } });
  t.write(
    'devenv.yaml',
    `name: x\nsuites: { unit: { command: "echo edited > ${t.root}/code.txt; grep -q good code.txt" } }\ncheckpoint: { verify_in: worktree }\n`,
  );
  const made = await checkpoint(testContext({ env: t.env, cwd: t.root, json: true }), { verify: true });
  expect(made.json).toMatchObject({ verdict: 'passed', created: true });
  const { tag } = made.json as { tag: string };
  expect(t.git('show', `${tag}:code.txt`)).toBe('good');
  expect(readFileSync(path.join(t.root, 'code.txt'), 'utf8')).toBe('edited\n');
});

test.each([
  ['rewrites a file of the tree', 'sed -i s/bad/good/ code.txt; grep -q good code.txt', 'bad\n'],
  [
    'puts it back afterwards',
    'cp -p code.txt /tmp/$$; echo good > code.txt; grep -q good code.txt && cp -p /tmp/$$ code.txt && rm /tmp/$$',
    'bad\n',
  ],
  ['takes one away', 'rm code.txt; ! grep -q bad code.txt 2>/dev/null', 'bad\n'],
])('a suite that %s tested another tree: stale, there as well', async (_, command, content) => {
  const t = make({ suites: [suite(command)] });
  t.write('code.txt', content);
  expect(await verify(t.deps, t.project, inWorktree)).toMatchObject({
    verdict: 'stale',
    changed: ['code.txt'],
    why: 'code.txt changed while the suites ran in their scratch work tree: they tested another tree',
  });
});

test('what a suite makes there, and its report, are none of the tree', async () => {
  const t = make({
    suites: [
      {
        name: 'unit',
        command:
          'echo new > built.js; echo "<testsuite tests=\\"1\\"><testcase name=\\"a\\"/></testsuite>" > r.txt',
        results: 'r.txt',
      },
    ],
    files: { 'r.txt': 'an old one' },
  });
  expect(await verify(t.deps, t.project, inWorktree)).toMatchObject({ verdict: 'passed', changed: [] });
});
