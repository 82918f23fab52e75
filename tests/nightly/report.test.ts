import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/index.ts';
import { composeReport, type Found, type Frame } from '../../src/nightly/compose.ts';
import { renderMarkdown } from '../../src/nightly/markdown.ts';
import { exitOf, isBad, isSlow, median, newsOf, summarise } from '../../src/nightly/outcome.ts';
import { claimReport, readReports, tidy } from '../../src/nightly/places.ts';
import type { NightlyReport, Outcome } from '../../src/nightly/types.ts';
import { tempDir } from '../support/temp.ts';
import { testProject } from '../verify/support.ts';

test.each<[Outcome, boolean, number, NightlyReport['news'], NightlyReport['news']]>([
  // outcome, bad, exit, news after a good night, news after a bad one
  ['passed', false, 0, null, 'recovery'],
  ['flaky', false, 0, null, 'recovery'],
  ['failed', true, 1, 'failure', 'failure'],
  ['broken', true, 1, 'failure', 'failure'],
  ['stale', true, 1, 'failure', 'failure'],
  ['timed-out', true, 1, 'failure', 'failure'],
  ['error', true, 1, 'failure', 'failure'],
  ['blocked', true, 3, 'failure', 'failure'],
  ['interrupted', true, 130, null, null],
  ['skipped', false, 0, null, null],
])('%s', (outcome, bad, exit, afterGood, afterBad) => {
  expect(isBad(outcome)).toBe(bad);
  expect(exitOf(outcome)).toBe(exit);
  expect(newsOf(outcome, undefined)).toBe(afterGood);
  expect(newsOf(outcome, { bad: false })).toBe(afterGood);
  expect(newsOf(outcome, { bad: true })).toBe(afterBad);
});

test.each([
  [[], null],
  [[3], 3],
  [[9, 1, 5], 5],
  [[1, 2, 4, 9], 3],
])('the middle of %j is %s', (values, middle) => {
  expect(median(values)).toBe(middle);
});

test.each([
  [20_000, null, false],
  [20_000, 10_000, true],
  [14_000, 10_000, false],
  [900, 100, false],
])('%i ms where %s is usual is slow: %s', (ms, usual, slow) => {
  expect(isSlow(ms, usual)).toBe(slow);
});

const project = testProject({ suites: [{ name: 'unit', command: 'true' }], git: false }).project;
const frame: Frame = {
  project,
  startedAt: Date.parse('2026-05-05T02:17:00Z'),
  endedAt: Date.parse('2026-05-05T02:18:00Z'),
  durationMs: 60_000,
  caughtUp: false,
  log: '/l',
  before: [],
  mask: (text) => text.replaceAll('hunter2', '***'),
};
const suite = {
  name: 'unit',
  verdict: 'passed' as const,
  passed: 3,
  failed: 0,
  flaky: 0,
  skipped: 0,
  durationMs: 60_000,
  failures: [],
  exit: 0,
  output: '',
  partial: false,
};
function found(over: { readonly coverage?: number; readonly outcome?: Outcome } = {}): Found {
  const gate = {
    name: 'cov',
    verdict: 'passed' as const,
    detail: 'hunter2 | x',
    coverage: over.coverage ?? 80,
  };
  return {
    outcome: over.outcome ?? 'passed',
    checklist: [],
    warnings: ['hunter2 is told'],
    judged: {
      verification: {
        verdict: 'passed',
        tree: 'abc',
        snapshot: undefined,
        suites: [suite],
        gates: [gate],
        changed: [],
        untold: [],
        in: 'place',
        durationMs: 1,
      },
      decisions: [],
      checkpoint: { tag: 'checkpoint-1', created: true },
      undone: undefined,
    },
  };
}

describe('the report', () => {
  test('of two nights: what is usual, what is slow, coverage that fell, no secret', () => {
    const first = composeReport(found({ coverage: 90 }), { ...frame, durationMs: 10_000 });
    const quick = { ...first, suites: first.suites.map((one) => ({ ...one, durationMs: 10_000 })) };
    const report = composeReport(found(), { ...frame, before: [quick] });
    expect(report).toMatchObject({ usualMs: 10_000, coverage: 80, suites: [{ usualMs: 10_000 }] });
    expect(report.warnings).toEqual([
      '*** is told',
      'unit took 6.0 times as long as usual',
      'coverage fell from 90.00 % to 80.00 %',
    ]);
    const text = renderMarkdown(report);
    expect(text).toMatch(/took 1m 00s, usually 10\.0s/);
    // A bar in a text must not end its cell.
    expect(text).toContain('| cov | passed | *** \\| x |');
    expect(JSON.stringify(report) + text).not.toContain('hunter2');
  });

  test('a night of which nothing is known names what was to run', () => {
    const report = composeReport({ outcome: 'error', why: 'boom', checklist: [], warnings: [] }, frame);
    expect(report).toMatchObject({ notRun: ['unit'], tree: null, summary: 'error after 1m 00s: boom' });
    expect(renderMarkdown(report)).toContain('| unit | not run |');
  });

  test('the line of a reset says how it is taken back', () => {
    const undone = {
      to: 'checkpoint-1',
      from: 'c',
      undo: 'refs/devenv/undo/4',
      written: ['a'],
      deleted: ['b'],
      restarted: [],
      back: 'devenv undo',
      backLater: 'devenv rollback undo/4',
    };
    const night = { ...composeReport(found({ outcome: 'failed' }), frame), undone };
    expect(summarise(night, 'unit fails')).toBe(
      'failed after 1m 00s: unit fails; reset to checkpoint-1: 1 file put back and 1 file deleted; devenv undo takes that back',
    );
  });
});

describe('where reports lie', () => {
  const at = (iso: string): number => Date.parse(iso);

  test('two in one second have names of their own, and the newer one is first', () => {
    const dir = tempDir('reports');
    const now = at('2026-05-05T02:17:00Z');
    const names = Array.from({ length: 11 }, (_, n) => {
      const base = claimReport(dir, now);
      writeFileSync(`${base}.json`, JSON.stringify({ version: 1, n }));
      return path.basename(base);
    });
    expect(names.slice(0, 2)).toEqual(['20260505-021700', '20260505-021700-2']);
    writeFileSync(path.join(dir, '20260506-000000.json'), 'cut sh');
    writeFileSync(path.join(dir, '20260507-000000.json'), '{"version":2}');
    expect(readReports(dir, 3).map((one) => (one as unknown as { n: number }).n)).toEqual([10, 9, 8]);
  });

  test('reports go by age, logs by number; what is not ours stays', () => {
    const dir = tempDir('reports');
    const now = at('2026-05-31T00:00:00Z');
    for (let day = 1; day <= 40; day++) {
      const base = claimReport(dir, now - (41 - day) * 86_400_000);
      writeFileSync(`${base}.json`, '{}');
      writeFileSync(`${base}.md`, '');
    }
    writeFileSync(path.join(dir, 'notes.md'), 'mine');
    tidy(dir, now, 30 * 86_400_000);
    const names = readdirSync(dir);
    expect(names.filter((name) => name.endsWith('.json'))).toHaveLength(30);
    expect(names.filter((name) => name.endsWith('.log'))).toHaveLength(30);
    expect(existsSync(path.join(dir, 'notes.md'))).toBe(true);
  });

  test('logs of more than 50 MB together: the oldest go, the newest stays whatever it takes', () => {
    const dir = tempDir('reports');
    const now = systemClock.now();
    const bases = [3, 2, 1].map((days) => claimReport(dir, now - days * 86_400_000));
    for (const base of bases) writeFileSync(`${base}.log`, Buffer.alloc(30 * 1024 * 1024));
    tidy(dir, now, 1e12);
    expect(bases.map((base) => existsSync(`${base}.log`))).toEqual([false, false, true]);
  });
});
