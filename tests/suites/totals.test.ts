import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { judge } from '../../src/suites/judge.ts';
import { parseJUnit } from '../../src/suites/junit.ts';

// A report whose totals count more tests than its cases show is one that cannot be believed.

const fixtures = path.join(import.meta.dirname, 'fixtures');
const verdict = (xml: string) => {
  const report = parseJUnit(xml, { root: '/proj', cwd: '/proj' });
  return judge({ exit: 0, signal: null, reason: undefined, timeoutMs: 1000, report });
};
const a = '<testcase name="a"/>';
const skipped = '<testcase name="s"><skipped/></testcase>';

test.each([
  ['a suite', `<testsuite tests="3">${a}</testsuite>`, 'count 3 tests, but hold 1'],
  [
    'the whole',
    `<testsuites tests="3"><testsuite tests="1">${a}</testsuite></testsuites>`,
    'count 3 tests, but hold 1',
  ],
  [
    'one of two',
    `<testsuites><testsuite name="x" tests="2">${a}${a}</testsuite><testsuite name="y" tests="2">${a}</testsuite></testsuites>`,
    'count 2 tests in y, but hold 1',
  ],
  [
    'one that holds another',
    `<testsuite name="x" tests="3"><testsuite tests="1">${a}</testsuite>${a}</testsuite>`,
    'count 3 tests in x, but hold 2',
  ],
  ['one without any case', '<testsuite tests="3" failures="0"/>', 'count 3 tests, but hold 0'],
  [
    'one that shows what was skipped',
    `<testsuite tests="4" skipped="1">${a}${skipped}</testsuite>`,
    'count 4 tests, but hold 2',
  ],
  [
    'one that only skipped some of the rest',
    `<testsuite tests="4" skipped="1">${a}</testsuite>`,
    'count 4 tests, but hold 1',
  ],
  [
    'a name with an escape',
    `<testsuite name="\u001B[2Jx" tests="2">${a}</testsuite>`,
    String.raw`in "\033[2Jx", but hold 1`,
  ],
])('%s counts more', (_, xml, why) => {
  expect(verdict(xml)).toEqual({ verdict: 'broken', why: expect.stringContaining(why) });
});

test.each([
  ['thousands', `<testsuites tests="2,000">${a}</testsuites>`, 'cannot be right: tests is 2,000'],
  [
    'thousands that failed',
    `<testsuites tests="1" failures="1,234">${a}</testsuites>`,
    'cannot be right: failures is 1,234',
  ],
  ['less than none', `<testsuite><testsuite tests="-1">${a}</testsuite></testsuite>`, 'tests is -1'],
  ['a word', `<testsuite errors="many">${a}</testsuite>`, 'errors is many'],
  ['a fraction', `<testsuite tests="0.5">${a}</testsuite>`, 'tests is 0.5'],
  ['of pytest, too', `<testsuite name="pytest" tests="x">${a}</testsuite>`, 'tests is x'],
  ['text after the end', `<testsuite>${a}</testsuite> Killed\n`, 'go on after their end: Killed'],
])('totals and text that cannot be: %s', (_, xml, why) => {
  expect(verdict(xml)).toEqual({ verdict: 'broken', why: expect.stringContaining(`its results `) });
  expect(verdict(xml).why).toContain(why);
  const red = xml.replace(a, '<testcase name="a"><failure/></testcase>');
  expect(verdict(red)).toEqual({ verdict: 'failed' });
});

const notTold = ['node.xml', 'vitest.xml'];
test.each(readdirSync(fixtures).filter((name) => name.endsWith('.xml') && !notTold.includes(name)))(
  'an honest report: %s',
  (name) => {
    expect(verdict(readFileSync(path.join(fixtures, name), 'utf8'))).toEqual({ verdict: 'passed' });
  },
);

test.each([
  ['totals that say less', `<testsuites tests="0"><testsuite tests="1">${a}${a}</testsuite></testsuites>`],
  ['no totals', `<testsuites><testsuite>${a}</testsuite></testsuites>`],
  ['totals that are empty', `<testsuite tests="" errors=" " failures="None">${a}</testsuite>`],
  ['totals as decimals', `<testsuite tests="1.0" failures="0.">${a}</testsuite>`],
  ['a line and a comment after the end', `<testsuite tests="1">${a}</testsuite>\n<!-- x --><?y z?>\n`],
  ['totals without what was skipped', `<testsuite tests="1" skipped="1">${a}${skipped}</testsuite>`],
  ['what was skipped is counted, not shown', `<testsuite tests="3" skipped="2">${a}</testsuite>`],
  ['googletest', `<testsuite tests="2" disabled="1">${a}</testsuite>`],
  [
    'pytest of old, with subtests',
    `<testsuites><testsuite name="pytest" tests="9">${a}</testsuite></testsuites>`,
  ],
  ['Catch2 counts assertions', `<testsuite name="t" tests="9" hostname="tbd">${a}</testsuite>`],
  ['doctest counts assertions', `<testsuite name="t" tests="9" doctest_version="2.4.11">${a}</testsuite>`],
])('%s: nothing is missing', (_, xml) => {
  expect(verdict(xml)).toEqual({ verdict: 'passed' });
});

test('a case that passed on another try and is counted with the failures is flaky', () => {
  const xml = `<testsuite tests="1" failures="1"><testcase name="a"><flakyFailure/></testcase></testsuite>`;
  expect(verdict(xml)).toEqual({ verdict: 'flaky' });
});
