import { mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GateConfig } from '../../src/config/index.ts';
import { judgeSuites } from '../../src/gates/evaluate.ts';
import { evaluateGates } from '../../src/gates/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';

const gate = (over: Partial<GateConfig>): GateConfig => ({
  name: 'g',
  suites: undefined,
  report: undefined,
  command: undefined,
  passRate: 1,
  min: undefined,
  maxWarnings: undefined,
  timeoutMs: 10_000,
  ...over,
});

describe('suites', () => {
  const suite = (verdict: string, passed = 0, failed = 0, flaky = 0) => ({
    name: 'unit',
    verdict,
    passed,
    failed,
    flaky,
  });
  test.each([
    ['all passed', suite('passed', 5), 1, 'passed'],
    ['by exit status alone', suite('passed'), 1, 'passed'],
    ['one failed', suite('failed', 9, 1), 1, 'failed'],
    ['one of ten may fail', suite('failed', 9, 1), 0.9, 'passed'],
    ['failed by exit status alone', suite('failed'), 0.5, 'failed'],
    ['a flaky test', suite('flaky', 4, 0, 1), 1, 'flaky'],
    ['broken', suite('broken', 5), 1, 'broken'],
    ['stale', suite('stale', 5), 1, 'broken'],
  ])('%s', (_, result, rate, expected) => {
    expect(judgeSuites(['unit'], rate, [result]).verdict).toBe(expected);
  });
  test('a suite that did not run', () => {
    expect(judgeSuites(['unit', 'e2e'], 1, [suite('passed')])).toEqual({
      verdict: 'broken',
      detail: 'suite e2e has not run on this tree',
    });
  });
});

test.each([
  ['LCOV', 'SF:src/a.ts\r\nLF:1\nLH:1\nend_of_record\nSF:/gone/b.ts\nend_of_record'],
  ['json-summary', '{"total":{"lines":{"pct":100}},"src/a.ts":{}}'],
  ['Cobertura', '<coverage line-rate="1"><class name="a" filename="src/a.ts" line-rate="1"/></coverage>'],
])('a report (%s) that is older than a file it counts is of another tree', async (_, text) => {
  const root = tempDir();
  mkdirSync(path.join(root, 'src'));
  writeFileSync(path.join(root, 'src/a.ts'), 'edited\n');
  writeFileSync(path.join(root, 'report'), text);
  const judge = async () =>
    (await evaluateGates([gate({ report: 'report', min: 50 })], { results: [], root, env: testEnv() }))[0];
  expect(await judge()).toMatchObject({ verdict: 'passed' });
  const older = {
    verdict: 'broken',
    detail: 'report is older than src/a.ts, which it counts: no suite has written it anew',
  };
  const edited = statSync(path.join(root, 'src/a.ts')).mtimeMs / 1000;
  utimesSync(path.join(root, 'report'), edited - 0.2, edited - 0.2);
  expect(await judge()).toMatchObject(older);
  // As of a file that was moved there, or came out of an archive.
  utimesSync(path.join(root, 'src/a.ts'), 1e9, 1e9);
  expect(await judge()).toMatchObject(older);
});

describe('a gate on the disk', () => {
  const root = tempDir();
  const evaluate = async (over: Partial<GateConfig>) =>
    (await evaluateGates([gate(over)], { results: [], root, env: testEnv() }))[0];
  writeFileSync(path.join(root, 'lcov.info'), 'SF:a\nDA:1,1\nDA:2,1\nDA:3,0\nend_of_record\n');
  writeFileSync(path.join(root, 'cut.info'), 'SF:a\nDA:1,1\nDA:2,1\nDA:3,');
  test.each([
    [{ report: 'lcov.info', min: 66 }, 'passed'],
    [{ report: 'lcov.info', min: 67 }, 'failed'],
    [{ report: 'missing.info', min: 1 }, 'broken'],
    [{ report: 'cut.info', min: 0 }, 'broken'],
    [{ command: 'true' }, 'passed'],
    [{ command: 'echo no; exit 3' }, 'failed'],
    [{ command: 'sh -c "kill -9 \\$\\$"; exit $?' }, 'broken'],
    [{ command: 'no-such-linter' }, 'broken'],
    [{ command: 'kill -9 $$' }, 'broken'],
    [{ command: 'sleep 60', timeoutMs: 100 }, 'broken'],
    [{ command: 'echo a warning', maxWarnings: 0 }, 'failed'],
    [{ command: 'echo a warning', maxWarnings: 1 }, 'passed'],
    [{ command: 'echo fine; exit 1', maxWarnings: 1 }, 'failed'],
    [{}, 'broken'],
  ] as const)('%j', async (over, expected) => {
    const result = await evaluate(over);
    expect(result?.verdict).toBe(expected);
    expect(result?.detail).not.toBe('');
  });
});
