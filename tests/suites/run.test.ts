import { symlinkSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { listProcesses, packageRoot } from '../../src/base/index.ts';
import { judge, runSuite, type Evidence } from '../../src/suites/index.ts';
import { narrowCommand } from '../../src/suites/runners.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { until } from '../support/until.ts';

const env = testEnv({ PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}` });

function suite(root: string, command: string, over: { results?: string; timeoutMs?: number } = {}) {
  return {
    name: 'unit',
    command,
    results: over.results,
    affected: 'auto',
    timeoutMs: over.timeoutMs ?? 30_000,
    on: 'change',
    env: { SUITE_VAR: 'yes' },
    cwd: root,
  } as const;
}
const execute = (root: string, command: string, over: { results?: string; timeoutMs?: number } = {}) =>
  runSuite(suite(root, command, over), { env, root });

/** Whether it still runs; one that ended and waits to be reaped does not. */
const runs = async (pid: number): Promise<boolean> => (await listProcesses()).some((p) => p.pid === pid);

describe('the verdict', () => {
  const report = { passed: 1, failed: 0, flaky: 0, skipped: 0, failures: [] };
  const cases: readonly (readonly [string, Partial<Evidence>, string])[] = [
    ['exit 0', { exit: 0 }, 'passed'],
    ['exit 1', { exit: 1 }, 'failed'],
    ['exit 2', { exit: 2 }, 'failed'],
    ['exit 255', { exit: 255 }, 'failed'],
    ['exit 126', { exit: 126 }, 'broken'],
    ['exit 127', { exit: 127 }, 'broken'],
    ['a signal', { exit: null, signal: 'SIGSEGV' }, 'broken'],
    ['a signal told by the shell', { exit: 137 }, 'broken'],
    ['a timeout', { exit: null, signal: 'SIGTERM', reason: 'timeout' }, 'broken'],
    ['cancelled', { exit: null, signal: 'SIGTERM', reason: 'stopped' }, 'stopped'],
    ['report green, exit 0', { exit: 0, report }, 'passed'],
    ['report green, exit 1', { exit: 1, report }, 'broken'],
    ['report red, exit 1', { exit: 1, report: { ...report, failed: 1 } }, 'failed'],
    ['report red, exit 0', { exit: 0, report: { ...report, failed: 1 } }, 'failed'],
    ['report red, exit 127', { exit: 127, report: { ...report, failed: 1 } }, 'broken'],
    ['report without a test, exit 0', { exit: 0, report: { ...report, passed: 0 } }, 'broken'],
    ['no report, exit 0', { exit: 0, report: { missing: 'it wrote none' } }, 'broken'],
    ['no report, exit 1', { exit: 1, report: { missing: 'it wrote none' } }, 'broken'],
    ['a flaky case', { exit: 0, report: { ...report, flaky: 1 } }, 'flaky'],
  ];
  test.each(cases)('%s', (_, evidence, expected) => {
    const found = judge({
      exit: 0,
      signal: null,
      reason: undefined,
      timeoutMs: 1000,
      report: undefined,
      ...evidence,
    });
    expect(found.verdict).toBe(expected);
    expect(found.why === undefined).toBe(['passed', 'failed', 'flaky'].includes(expected));
  });
});

describe('a real command', () => {
  test('its environment and folder, its output, its end', async () => {
    const root = tempDir();
    const pieces: string[] = [];
    const result = await runSuite(suite(root, 'echo "$SUITE_VAR $PWD"'), {
      env,
      root,
      onOutput: (s) => pieces.push(s),
    });
    expect(result).toMatchObject({ name: 'unit', verdict: 'passed', exit: 0, failures: [], partial: false });
    expect(pieces.join('')).toBe(`yes ${root}\n`);
  });

  test('a missing command is broken and says so', async () => {
    expect(await execute(tempDir(), 'no-such-runner --all')).toMatchObject({
      verdict: 'broken',
      why: expect.stringContaining('127'),
    });
  });

  test('a folder that is gone is broken', async () => {
    expect(await execute(path.join(tempDir(), 'gone'), 'true')).toMatchObject({ verdict: 'broken' });
  });

  test('an old report is never read as new', async () => {
    const root = tempDir();
    writeFileSync(path.join(root, 'junit.xml'), '<testsuite><testcase name="old"/></testsuite>');
    const result = await execute(root, 'true', { results: 'junit.xml' });
    expect(result).toMatchObject({
      verdict: 'broken',
      passed: 0,
      why: expect.stringContaining('earlier run'),
    });
    expect(readFileSync(path.join(root, 'junit.xml'), 'utf8')).toContain('old');
  });

  test('an old report that is only touched is an old one, and stays as it was', async () => {
    const root = tempDir();
    const file = path.join(root, 'junit.xml');
    writeFileSync(file, '<testsuite><testcase name="old"/></testsuite>');
    utimesSync(file, 1000, 1000);
    const touched = await execute(root, 'test ! -e junit.xml || touch junit.xml', { results: 'junit.xml' });
    expect(touched).toMatchObject({ verdict: 'broken', passed: 0 });
    expect(statSync(file).mtimeMs).toBe(1_000_000);
    expect(readFileSync(file, 'utf8')).toContain('old');
  });

  test('a folder of reports: old ones do not count, other files are left alone', async () => {
    const root = tempDir();
    mkdirSync(path.join(root, 'out'));
    writeFileSync(path.join(root, 'out/pom.xml'), '<project/>');
    writeFileSync(path.join(root, 'out/old.xml'), '<testsuite><testcase name="old"/></testsuite>');
    const command = `test -e out/pom.xml && echo '<testsuite><testcase name="a"/></testsuite>' > out/new.xml`;
    const result = await execute(root, command, { results: 'out' });
    expect(result).toMatchObject({ verdict: 'passed', passed: 1 });
    expect(readFileSync(path.join(root, 'out/old.xml'), 'utf8')).toContain('old');
  });

  test.each([
    [
      '<testsuite tests="2" failures="1"><testcase name="a"/><testcase name="b"/></testsuite>',
      'broken',
      '1 failure',
    ],
    [
      '<testsuites errors="2"><testsuite><testcase name="a"/></testsuite></testsuites>',
      'broken',
      '2 failures',
    ],
    ['<testsuite failures="0"><testcase name="a"><skipped/></testcase></testsuite>', 'broken', 'skipped'],
    ['<testsuite tests="0"/>', 'broken', 'no test'],
    ['<testsuite><testcase name="a" status="failed"/></testsuite>', 'failed', undefined],
    [
      '<testsuite failures="0"><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>',
      'passed',
      undefined,
    ],
  ])('%s with exit 0 is %s', async (xml, verdict, why) => {
    const found = await execute(tempDir(), `echo '${xml}' > junit.xml`, { results: 'junit.xml' });
    expect(found.verdict).toBe(verdict);
    if (why === undefined) expect(found.why).toBeUndefined();
    else expect(found.why).toContain(why);
  });

  test('a half-written report is broken', async () => {
    const result = await execute(tempDir(), `echo '<testsuite><testcase name="a">' > junit.xml`, {
      results: 'junit.xml',
    });
    expect(result).toMatchObject({ verdict: 'broken', why: expect.stringContaining('cannot be read') });
  });

  test('a folder of reports is added up', async () => {
    const command = `mkdir -p out; echo '<testsuite><testcase name="a"/></testsuite>' > out/1.xml; echo '<testsuite><testcase name="b"><failure message="no"/></testcase></testsuite>' > out/2.xml; exit 1`;
    const result = await execute(tempDir(), command, { results: 'out' });
    expect(result).toMatchObject({
      verdict: 'failed',
      passed: 1,
      failed: 1,
      failures: [{ name: 'b', message: 'no' }],
    });
  });

  test('a timeout ends the whole tree', async () => {
    const root = tempDir();
    const result = await execute(root, 'setsid sleep 300 & echo $! > pid; wait', { timeoutMs: 300 });
    expect(result).toMatchObject({ verdict: 'broken', why: expect.stringContaining('timeout') });
    expect(await runs(Number(readFileSync(path.join(root, 'pid'), 'utf8')))).toBe(false);
  });

  test('a cancelled run leaves no process', async () => {
    const root = tempDir();
    const stop = new AbortController();
    const running = runSuite(
      suite(root, '(trap "" TERM; sleep 300 & echo $! > pid; wait; sleep 300) & wait'),
      { env, root, signal: stop.signal },
    );
    const pid = await until('the child runs', () => Number(readFileSync(path.join(root, 'pid'), 'utf8')));
    stop.abort();
    expect(await running).toMatchObject({ verdict: 'stopped' });
    expect(await runs(pid)).toBe(false);
  });

  test('it runs in a copy of the project when told so', async () => {
    const root = tempDir('root');
    const copy = tempDir('copy');
    mkdirSync(path.join(copy, 'packages/a'), { recursive: true });
    const inPackage = {
      ...suite(root, 'pwd; echo "<testsuite><testcase name=\'a\'/></testsuite>" > ../../junit.xml', {
        results: 'junit.xml',
      }),
      cwd: path.join(root, 'packages/a'),
    };
    const result = await runSuite(inPackage, { env, root, at: copy });
    expect(result).toMatchObject({ verdict: 'passed', output: `${copy}/packages/a\n` });
  });
});

test('a rerun of what failed runs only those files, with a real runner', async () => {
  const root = tempDir();
  symlinkSync(path.join(packageRoot(), 'node_modules'), path.join(root, 'node_modules'));
  const body = (expected: number): string =>
    `import { test, expect } from 'vitest'; test('one', () => expect(1).toBe(${expected}));`;
  writeFileSync(path.join(root, 'a.test.ts'), body(1));
  writeFileSync(path.join(root, 'b.test.ts'), body(2));
  const config = suite(root, 'npx vitest run --reporter=junit --outputFile=junit.xml', {
    results: 'junit.xml',
  });
  const first = await runSuite(config, { env, root });
  expect(first).toMatchObject({
    verdict: 'failed',
    passed: 1,
    failed: 1,
    failures: [{ name: 'one', file: 'b.test.ts', line: 1 }],
  });
  writeFileSync(path.join(root, 'b.test.ts'), body(1));
  const again = await runSuite(config, { env, root, only: first.failures });
  expect(again).toMatchObject({ verdict: 'passed', passed: 1, failed: 0, partial: true });
});

describe('narrowing a command to files', () => {
  const cwd = tempDir();
  writeFileSync(
    path.join(cwd, 'package.json'),
    JSON.stringify({
      scripts: {
        test: 'vitest run',
        both: 'vitest run && eslint',
        hooked: 'jest',
        prehooked: 'x',
        all: 'node --test',
      },
    }),
  );
  test.each([
    ['vitest run', "vitest run 'a b.ts'"],
    ['npx vitest run --reporter=junit', "npx vitest run --reporter=junit 'a b.ts'"],
    ['npm test', "npm test -- 'a b.ts'"],
    ['npm run test', "npm run test -- 'a b.ts'"],
    ['pnpm test', "pnpm test 'a b.ts'"],
    ['npm run all', "npm run all -- 'a b.ts'"],
    ['npx jest --ci', "npx jest --ci --runTestsByPath 'a b.ts'"],
    ['python3 -m pytest -q', "python3 -m pytest -q 'a b.ts'"],
    ['npm run both', undefined],
    ['npm run hooked', undefined],
    ['npm run missing', undefined],
    ['vitest run && true', undefined],
    ['node --test tests/a.js', undefined],
    ['make test', undefined],
  ])('%s', (command, expected) => {
    expect(narrowCommand(command, ['a b.ts'], cwd)).toBe(expected);
  });
});
