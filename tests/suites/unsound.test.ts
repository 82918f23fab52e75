import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runSuite } from '../../src/suites/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { until } from '../support/until.ts';

// A run that could not work is broken: never failed, which may lead to a reset, and never passed.

const env = testEnv({ PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}` });
const execute = (root: string, command: string, results?: string) =>
  runSuite(
    { name: 'unit', command, results, affected: 'off', timeoutMs: 30_000, on: 'change', env: {}, cwd: root },
    { env, root },
  );
const vitest = path.join(import.meta.dirname, '../../node_modules/.bin/vitest');
const green = '<testsuite><testcase name="a"/></testsuite>';
const red = '<testsuite><testcase name="a"><failure message="no"/></testcase></testsuite>';

describe('killed', () => {
  test.each([
    ['the shell itself', 'kill -9 $$', /SIGKILL/],
    ['the runner in the shell', 'sh -c "kill -9 \\$\\$"; exit $?', /SIGKILL.*memory/],
    ['by a fault of the runner', 'sh -c "kill -SEGV \\$\\$"; exit $?', /SIGSEGV/],
    [
      'in the middle of its report',
      `printf '<testsuite><testcase name="a"' > junit.xml; kill -9 $$`,
      /SIGKILL/,
    ],
    ['after its report was written', `printf '${green}' > junit.xml; kill -9 $$`, /SIGKILL/],
    ['after its report was written, red', `printf '${red}' > junit.xml; kill -9 $$`, /SIGKILL/],
  ])('%s', async (_, command, why) => {
    for (const results of command.includes('junit') ? ['junit.xml'] : [undefined, 'junit.xml'])
      expect(await execute(tempDir(), command, results)).toMatchObject({
        verdict: 'broken',
        why: expect.stringMatching(why),
      });
  });

  test('from outside, with SIGKILL', async () => {
    const root = tempDir();
    const run = execute(root, 'echo $$ > pid; exec sleep 300');
    const pid = await until('it runs', () => Number(readFileSync(path.join(root, 'pid'), 'utf8')));
    process.kill(pid, 'SIGKILL');
    expect(await run).toMatchObject({ verdict: 'broken', why: expect.stringContaining('SIGKILL') });
  });
});

describe('a runner that says that no test ran', () => {
  const none = 'no test ran';
  test.each([
    ['node, no file', 'node --test', { verdict: 'broken', why: none }],
    ['unittest', 'echo "Ran 0 tests in 0.000s"; echo OK', { verdict: 'broken', why: none }],
    ['pytest', 'echo "===== no tests ran in 0.01s ====="; exit 5', { verdict: 'broken', why: none }],
    [
      'node, all skipped',
      'node --test skipped.mjs',
      { verdict: 'broken', why: expect.stringContaining('skipped') },
    ],
    ['node, one of two skipped', 'node --test one.mjs', { verdict: 'passed', passed: 1, skipped: 1 }],
    ['two runners, one without', 'node --test one.mjs; node --test', { verdict: 'passed', passed: 1 }],
    [
      'pytest after unittest',
      'echo "Ran 0 tests in 0.0s"; echo "== 2 passed in 0.1s =="',
      { verdict: 'passed' },
    ],
    ['pytest, all deselected', 'echo "1 deselected in 0.81s"; exit 5', { verdict: 'broken', why: none }],
    [
      'pytest, all deselected, and that taken for good',
      'echo "==== 3 deselected, 1 warning in 0.81s ===="',
      { verdict: 'broken', why: none },
    ],
    ['pytest, some deselected', 'echo "== 2 passed, 1 deselected in 0.1s =="', { verdict: 'passed' }],
    [
      'cargo, whose last part is empty',
      'for n in 2 0; do echo "test result: ok. $n passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"; done',
      { verdict: 'passed' },
    ],
    [
      'cargo, whose parts are all empty',
      'for n in 0 0; do echo "test result: ok. $n passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"; done',
      { verdict: 'broken', why: none },
    ],
    [
      'pytest, where it is not what failed',
      'echo "== no tests ran in 0.01s =="; exit 1',
      { verdict: 'failed' },
    ],
    ['jest, whose test file does not load', 'echo "Tests:       0 total"; exit 1', { verdict: 'failed' }],
    ['jest without a test', 'echo "Tests:       0 total"', { verdict: 'broken', why: none }],
    [
      'node without one beside go with some',
      'node --test; printf "ok  \\tshop\\t0.1s\\n"',
      { verdict: 'passed' },
    ],
    [
      'node without one beside cargo with some',
      'node --test; echo "test result: ok. 3 passed; 0 failed"',
      { verdict: 'passed' },
    ],
    ...[0, 1].flatMap((code): [string, string, object][] => {
      const says = `exiting with code ${code}"; exit ${code}`;
      return [
        [`vitest (exit ${code})`, `echo "No test files found, ${says}`, { verdict: 'broken', why: none }],
        [`jest (exit ${code})`, `echo "No tests found, ${says}`, { verdict: 'broken', why: none }],
        [
          `a line about vitest (exit ${code})`,
          `echo "- No test files found, ${says}`,
          { verdict: code === 0 ? 'passed' : 'failed' },
        ],
      ];
    }),
    ['vitest itself', `${vitest} run --passWithNoTests`, { verdict: 'broken', why: none }],
    ['vitest itself, for a mistake', `${vitest} run`, { verdict: 'broken', why: none }],
    [
      'vitest without one, then a command that fails',
      'echo "No test files found, exiting with code 0"; exit 1',
      { verdict: 'failed' },
    ],
    [
      'vitest without one beside mocha with some',
      'echo "No test files found, exiting with code 0"; echo "  3 passing (4ms)"',
      { verdict: 'passed' },
    ],
    ...[
      ['unittest', 'Ran 1 test in 0.0s\\n\\nOK (skipped=1)'],
      ['unittest, more', 'Ran 2 tests in 0.0s\\n\\nOK (skipped=2, expected failures=0)'],
      ['trial', 'Ran 1 tests in 0.0s\\n\\nPASSED (skips=1)'],
      ['pytest -q', '1 skipped in 0.01s'],
      ['pytest -q, warnings', '1 skipped, 1 warning in 0.01s'],
      ['jest', 'Tests:       2 skipped, 2 total'],
      ['vitest', '      Tests  1 skipped | 1 todo (2)'],
      ['cargo', 'test result: ok. 0 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out'],
      ['go test -v', '=== RUN   TestA\\n--- SKIP: TestA (0.00s)\\nPASS\\nok  \\tshop\\t0.002s'],
      ['gotestsum', 'DONE 2 tests, 2 skipped in 0.1s'],
    ].map(([who = '', says = '']): [string, string, object] => [
      `${who}, all skipped`,
      `printf '%b\\n' '${says}'`,
      { verdict: 'broken', why: 'all its tests were skipped: none ran' },
    ]),
    ...[
      ['unittest', 'Ran 3 tests in 0.0s\\n\\nOK (skipped=1)'],
      ['unittest, twice', 'Ran 1 test in 0s\\n\\nOK (skipped=1)\\nRan 2 tests in 0s\\n\\nOK'],
      ['unittest, one expected to fail', 'Ran 2 tests in 0.0s\\n\\nOK (skipped=1, expected failures=1)'],
      ['pytest -q', '1 passed, 1 skipped in 0.01s'],
      ['pytest -q, warnings', '1 passed, 2 warnings in 0.01s'],
      ['go test -v', '--- PASS: TestA (0.00s)\\n    --- SKIP: TestA/b (0.00s)\\nPASS\\nok  \\tshop\\t0.002s'],
      ['gotestsum', 'DONE 2 tests, 1 skipped in 0.1s'],
      ['go test', '?   \\ta\\t[no test files]\\nok  \\tb\\t0.1s\\nok  \\tc\\t0.1s [no tests to run]'],
    ].map(([who = '', says = '']): [string, string, object] => [
      `${who}, some skipped`,
      `printf '%b\\n' '${says}'`,
      { verdict: 'passed' },
    ]),
    ...[
      ['go test, no match', 'ok  \\tshop\\t0.002s [no tests to run]'],
      ['go test -cover', 'ok  \\tshop\\t0.002s\\tcoverage: 0.0% of statements [no tests to run]'],
      ['go test, no file', '?   \\tshop\\t[no test files]'],
      [
        'cargo, no match',
        'test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out; finished in 0.00s',
      ],
      ['node, todo', '# tests 1\\n# pass 0\\n# fail 0\\n# skipped 0\\n# todo 1'],
      ['mocha', '  0 passing (2ms)\\n  1 pending'],
    ].map(([who = '', says = '']): [string, string, object] => [
      who,
      `printf '%b\\n' '${says}'`,
      { verdict: 'broken', why: none },
    ]),
    ['a command that is no runner', 'echo fine', { verdict: 'passed' }],
    [
      'a test that failed',
      'node --test red.mjs',
      { verdict: 'failed', failed: 1, failures: [{ message: 'Error: no' }] },
    ],
  ])('%s', async (_, command, expected) => {
    const root = tempDir();
    const head = "import { test } from 'node:test';\n";
    writeFileSync(path.join(root, 'skipped.mjs'), `${head}test.skip('a', () => {});\n`);
    writeFileSync(path.join(root, 'one.mjs'), `${head}test.skip('a', () => {});\ntest('b', () => {});\n`);
    writeFileSync(path.join(root, 'red.mjs'), `${head}test('b', () => { throw new Error('no'); });\n`);
    expect(await execute(root, command)).toMatchObject(expected);
  });
});

describe('report and exit status that contradict each other', () => {
  test.each([
    ['exit 0, but a test failed', `printf '${red}' > junit.xml`, 'failed'],
    ['exit 1, but all passed', `printf '${green}' > junit.xml; exit 1`, 'broken'],
    ['exit 0, and half a report', `printf '<testsuite><testcase name="a"/>' > junit.xml`, 'broken'],
    ['exit 1, and half a report', `printf '<testsuite><testcase name="a"/>' > junit.xml; exit 1`, 'broken'],
    ['exit 0, and an empty report', ': > junit.xml', 'broken'],
    ['exit 0, and a report that is none', 'echo all is well > junit.xml', 'broken'],
    [
      'exit 0, and totals that speak of a failure',
      `printf '<testsuite failures="1"><testcase name="a"/></testsuite>' > junit.xml`,
      'broken',
    ],
    ['exit 0, and the report of an earlier run', 'true', 'broken'],
    ['exit 1, and the report of an earlier run', 'false', 'broken'],
    ['exit 0, and the report is gone', 'rm -f junit.xml', 'broken'],
    ['exit 0, and a folder in its place', 'rm -f junit.xml; mkdir junit.xml', 'broken'],
  ])('%s', async (_, command, verdict) => {
    for (const old of [green, red]) {
      const root = tempDir();
      writeFileSync(path.join(root, 'junit.xml'), old);
      expect(await execute(root, command, 'junit.xml')).toMatchObject({ verdict });
    }
  });
});

/** A very small disk, where this user may have one. */
function smallDisk(): string | undefined {
  const dir = path.join(tempDir(), 'disk');
  mkdirSync(dir);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir]);
  return mounted.status === 0 ? dir : undefined;
}
const disk = smallDisk();
afterAll(() => {
  if (disk !== undefined) execFileSync('umount', ['-l', disk]);
});

// A tmpfs is mounted by root alone.
describe.skipIf(disk === undefined)('the disk is full while it runs', () => {
  const root = disk ?? '';
  const fill = 'dd if=/dev/zero of=filler bs=64k 2>/dev/null;';
  test.each([
    ['the exit status is all that tells', `${fill} echo x > out || exit 1`, undefined],
    [
      'it says so and cleans up a little',
      `${fill} echo more > out || echo 'write: No space left on device' >&2; truncate -s 1990k filler; exit 1`,
      undefined,
    ],
    [
      'its report is cut off',
      `${fill} cat > junit.xml <<END\n${'<!-- -->'.repeat(9000)}${green}\nEND`,
      'junit.xml',
    ],
    ['its report got no byte', `${fill} : > junit.xml; printf '${green}' > junit.xml`, 'junit.xml'],
    ['its report says that tests failed', `printf '${red}' > junit.xml; ${fill} exit 1`, 'junit.xml'],
  ])('%s', async (_, command, results) => {
    execFileSync('sh', ['-c', `rm -rf '${root}'/*`]);
    const found = await execute(root, command, results);
    expect(found.verdict).toBe('broken');
    expect(existsSync(path.join(root, 'filler'))).toBe(true);
  });

  test('with room again it is judged as ever', async () => {
    execFileSync('sh', ['-c', `rm -rf '${root}'/*`]);
    expect(await execute(root, 'echo ENOSPC; exit 1')).toMatchObject({ verdict: 'failed' });
    expect(await execute(root, 'true')).toMatchObject({ verdict: 'passed' });
  });
});
