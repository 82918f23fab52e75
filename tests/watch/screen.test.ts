import { describe, expect, test } from 'vitest';
import { createColors } from '../../src/base/index.ts';
import type { SuiteResult } from '../../src/suites/index.ts';
import { describeEvent, jsonReport, lineReport } from '../../src/watch/report.ts';
import { describeResult, renderScreen } from '../../src/watch/screen.ts';
import type { View } from '../../src/watch/types.ts';

const plain = createColors(false);
const result = (over: Partial<SuiteResult> = {}): SuiteResult => ({
  name: 'unit',
  verdict: 'passed',
  passed: 14,
  failed: 0,
  flaky: 0,
  skipped: 0,
  durationMs: 1234,
  failures: [],
  exit: 0,
  output: 'secret output',
  partial: false,
  ...over,
});
const failure = (n: number) => ({
  name: `case ${n}`,
  file: 'tests/a.test.ts',
  line: n,
  message: `expected ${n}\nto be 0`,
  id: String(n),
});
const view = (over: Partial<View> = {}): View => ({
  project: 'shop',
  branch: 'main',
  phase: 'idle',
  suites: [{ name: 'unit', state: 'passed', result: result() }],
  tree: 'abcdef123456',
  checkpoint: undefined,
  nextAt: undefined,
  why: '',
  decisions: [],
  notes: [],
  ...over,
});

test.each([
  [{}, 'passed 14 tests'],
  [{ passed: 1, skipped: 2 }, 'passed 1 test (2 skipped)'],
  [{ passed: 0 }, 'passed'],
  [{ verdict: 'failed', passed: 12, failed: 2 }, 'failed 2 of 14 tests'],
  [{ verdict: 'failed', passed: 0, failed: 1 }, 'failed 1 test'],
  [{ verdict: 'failed', passed: 0, failed: 1, exit: 3, whole: true }, 'failed (exit 3)'],
  [
    { verdict: 'failed', passed: 14, failed: 1, exit: 1, whole: true },
    'failed (exit 1), though 14 tests passed',
  ],
  [{ verdict: 'flaky', passed: 0, flaky: 1, whole: true }, 'flaky: failed, but passed when it was run again'],
  [{ verdict: 'flaky', passed: 13, flaky: 1 }, 'flaky 1 test of 14'],
  [
    { verdict: 'broken', why: 'exit 127: a command was not found' },
    'broken: exit 127: a command was not found',
  ],
] as const)('%j in words', (over, words) => {
  expect(describeResult(result(over))).toBe(words);
});

describe('the screen', () => {
  const failing = view({
    suites: [
      {
        name: 'unit',
        state: 'failed',
        result: result({
          verdict: 'failed',
          passed: 10,
          failed: 30,
          failures: Array.from({ length: 30 }, (_, n) => failure(n + 1)),
        }),
      },
      { name: 'integration', state: 'running', result: undefined },
    ],
    checkpoint: { tag: 'checkpoint-20261120-101112', at: 0 },
    nextAt: 1_700_000_000_000,
    why: 'tagged checkpoint-20261120-101112',
    decisions: [{ kind: 'tagged', text: 'tagged checkpoint-20261120-101112', at: 0 }],
    notes: ['some changes may be noticed only after 5 s'],
  });

  test.each([
    [80, 24],
    [40, 12],
    [20, 6],
    [200, 60],
    [1, 1],
  ])('fits into %i x %i', (columns, rows) => {
    for (const one of [view(), failing]) {
      const lines = renderScreen(one, { columns, rows }, plain);
      expect(lines.length).toBeLessThanOrEqual(rows);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.max(columns, 32));
    }
  });

  test('says at a glance what is red, where, and what comes next', () => {
    const text = renderScreen(failing, { columns: 80, rows: 24 }, plain).join('\n');
    expect(text).toMatch(/^shop {2}main +FAILED/);
    expect(text).toMatch(/✗ unit +failed 30 of 40 tests +1\.2s/);
    expect(text).toMatch(/▸ integration +running/);
    expect(text).toContain('tests/a.test.ts:1  case 1');
    expect(text).toMatch(/and \d+ more/);
    expect(text).toContain('checkpoints: next look');
    expect(text).toContain('q quit');
  });

  test('all green', () => {
    expect(renderScreen(view(), { columns: 80, rows: 24 }, plain).join('\n')).toMatch(
      /all passed[^]*✓ unit +passed 14 tests/,
    );
  });
});

describe('where there is no terminal', () => {
  test('one line a result, failures below it', () => {
    const lines: string[] = [];
    const report = lineReport((text) => lines.push(text));
    report({ kind: 'view' }, view());
    report({ kind: 'result', tree: 'abcdef123456', result: result() }, view());
    report(
      {
        kind: 'result',
        tree: null,
        result: result({ verdict: 'failed', passed: 0, failed: 1, failures: [failure(7)] }),
      },
      view(),
    );
    expect(lines).toEqual([
      'unit passed 14 tests in 1.2s (tree abcdef1)\n',
      'unit failed 1 test in 1.2s\n  tests/a.test.ts:7 case 7: expected 7\n',
    ]);
  });

  test('--json: one object a line, without the output', () => {
    const lines: string[] = [];
    jsonReport((text) => lines.push(text))({ kind: 'result', tree: 'abc', result: result() }, view());
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      event: 'result',
      tree: 'abc',
      result: { name: 'unit', verdict: 'passed', passed: 14 },
    });
    expect(lines[0]).not.toContain('secret');
  });

  test('a stale run says why', () => {
    expect(describeEvent({ kind: 'verdict', tree: 'x', verdict: 'stale', why: 'a.ts changed' })).toBe(
      'stale: a.ts changed',
    );
  });
});
