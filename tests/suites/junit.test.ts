import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseJUnit } from '../../src/suites/junit.ts';
import { readOutput } from '../../src/suites/output.ts';

const at = { root: '/proj', cwd: '/proj' };
const fixture = (name: string): string =>
  readFileSync(path.join(import.meta.dirname, 'fixtures', name), 'utf8');

describe('reports of real tools', () => {
  test('vitest: a failing test, and a file that does not load', () => {
    const report = parseJUnit(fixture('vitest.xml'), at);
    expect(report).toMatchObject({ passed: 1, failed: 2, skipped: 1, flaky: 0 });
    expect(report.failures.map(({ name, file, line, message }) => ({ name, file, line, message }))).toEqual([
      {
        name: 'group > bad one',
        file: 'v/a.spec.ts',
        line: 3,
        message: 'expected 1 to be 2 // Object.is equality',
      },
      {
        name: 'v/b.spec.ts',
        file: 'v/b.spec.ts',
        line: 1,
        message: "Cannot find module './nope.mjs' imported from /proj/v/b.spec.ts",
      },
    ]);
  });

  test('node --test: what is still to do may fail, in a suite and outside', () => {
    const todo =
      '<skipped type="todo" message="true"/><failure type="testCodeFailure" message="1 == 2">x</failure>';
    const xml = `<testsuites><testcase name="a"/><testcase name="b" failure="1 == 2">${todo}</testcase>
      <testsuite name="d" tests="3" failures="1" skipped="2"><testcase name="c"/><testcase name="e">${todo}</testcase>
      <testcase name="f"><skipped type="skipped"/></testcase></testsuite></testsuites>`;
    const found = parseJUnit(xml, { root: '/p', cwd: '/p' });
    expect(found).toMatchObject({
      passed: 2,
      failed: 0,
      skipped: 3,
      failures: [],
      claimed: 0,
      lacking: undefined,
    });
    const real = parseJUnit(
      xml
        .replace('name="c"/>', 'name="c"><failure message="no"/></testcase>')
        .replace('failures="1"', 'failures="2"'),
      { root: '/p', cwd: '/p' },
    );
    expect(real).toMatchObject({ passed: 1, failed: 1, skipped: 3, failures: [{ name: 'c' }] });
  });

  test('node --test: cases outside any suite, nested ones, no totals', () => {
    const report = parseJUnit(fixture('node.xml'), at);
    expect(report).toMatchObject({ passed: 1, failed: 2, skipped: 2 });
    expect(report.failures.map(({ name, file, line }) => [name, file, line])).toEqual([
      ['bad one', 't/a.test.mjs', 3],
      ['t/b.test.mjs', 't/b.test.mjs', null],
    ]);
  });
});

describe('dialects', () => {
  const cases: readonly (readonly [string, string, object])[] = [
    [
      'pytest: no file attribute, the place stands in the text',
      `<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="3" errors="1"><testcase classname="tests.test_a" name="test_ok"/>
       <testcase classname="tests.test_a" name="test_bad"><failure message="assert 1 == 2">def test_bad():
&gt;   assert 1 == 2
E   assert 1 == 2
tests/test_a.py:7: AssertionError</failure></testcase>
       <testcase classname="" name="tests.test_b"><error message="collection failure">tests/test_b.py:1: in &lt;module&gt;</error></testcase></testsuite></testsuites>`,
      {
        passed: 1,
        failed: 2,
        failures: [
          { name: 'test_bad', file: 'tests/test_a.py', line: 7 },
          { file: 'tests/test_b.py', line: 1 },
        ],
      },
    ],
    [
      'surefire: a case that passed on its second try is flaky, one that failed thrice failed once',
      `<testsuite name="x"><testcase name="a" classname="c"><flakyFailure message="m">t</flakyFailure></testcase>
       <testcase name="b" classname="c"><failure message="m"/><rerunFailure message="m2"/></testcase></testsuite>`,
      { passed: 0, failed: 1, flaky: 1, failures: [{ name: 'b', message: 'm' }] },
    ],
    [
      'an error of the suite itself counts as a failure',
      '<testsuites><testsuite name="login"><error message="no database"/></testsuite></testsuites>',
      { failed: 1, failures: [{ name: 'login', message: 'no database' }] },
    ],
    [
      'googletest: a disabled case did not run',
      '<testsuites><testsuite><testcase name="a" status="notrun"/><testcase name="b" status="run"/></testsuite></testsuites>',
      { passed: 1, skipped: 1 },
    ],
    [
      'totals are not added to what is counted',
      '<testsuites tests="9" failures="4"><testsuite tests="9"><testcase name="a"/></testsuite></testsuites>',
      { passed: 1, failed: 0 },
    ],
    ['no test at all', '<testsuites/>', { passed: 0, failed: 0, skipped: 0 }],
    [
      'failure and error in one case are one failure',
      '<testsuite><testcase name="a"><failure/><error/></testcase></testsuite>',
      { failed: 1 },
    ],
    [
      'cdata, colours and a control character',
      '<testsuite><testcase name="a"><failure><![CDATA[\u001B[31mred\u001B[39m \u0001]]></failure></testcase></testsuite>',
      { failed: 1, failures: [{ message: 'red \u0001' }] },
    ],
  ];
  test.each(cases)('%s', (_, xml, expected) => {
    expect(parseJUnit(xml, at)).toMatchObject(expected);
  });

  test.each([
    ['nothing', ''],
    ['half a document', '<testsuites><testsuite><testcase name="a"/>'],
    ['another format', '<html><body/></html>'],
    ['no XML', 'FAIL: everything'],
  ])('%s is not read as a report', (_, xml) => {
    expect(() => parseJUnit(xml, at)).toThrow(/./);
  });
});

describe('output of suites without a report', () => {
  const context = { suite: 'unit', red: true, ...at };
  test('vitest', () => {
    const report = readOutput(fixture('vitest.txt'), context);
    expect(report).toMatchObject({ passed: 1, failed: 1, skipped: 1 });
    expect(report.failures.map((f) => [f.name, f.file, f.line])).toContainEqual([
      'v/a.spec.ts > group > bad one',
      'v/a.spec.ts',
      3,
    ]);
  });
  test('node --test', () => {
    const report = readOutput(fixture('node.txt'), context);
    expect(report).toMatchObject({ passed: 1, failed: 2, skipped: 1 });
    expect(report.failures.map((f) => f.name)).toContain('bad one');
  });
  test.each([
    ['jest', 'Tests:       1 failed, 2 skipped, 5 passed, 8 total\n', [5, 1, 2]],
    [
      'pytest',
      'FAILED tests/test_a.py::test_b - assert 1 == 2\n=== 1 failed, 3 passed in 0.12s ===\n',
      [3, 1, 0],
    ],
    [
      'cargo',
      'test a::b ... FAILED\ntest result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured\ntest result: FAILED. 2 passed; 0 failed; 1 ignored;\n',
      [5, 1, 1],
    ],
  ])('%s: counts', (_, output, [passed, failed, skipped]) => {
    expect(readOutput(output, context)).toMatchObject({ passed, failed, skipped });
  });
  test('an unknown runner: the last lines are the failure', () => {
    const report = readOutput(
      'compiling\nsrc/a.c:12:3: error: expected ;\nmake: *** [all] Error 1\n',
      context,
    );
    expect(report.failures).toMatchObject([
      { name: 'unit', file: 'src/a.c', line: 12, message: expect.stringContaining('make: ***') },
    ]);
  });
  test('a green suite has no failures, whatever it printed', () => {
    expect(readOutput(fixture('vitest.txt'), { ...context, red: false })).toMatchObject({
      failed: 0,
      failures: [],
    });
  });
});
