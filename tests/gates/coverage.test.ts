import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readCoverage } from '../../src/gates/coverage.ts';
import { evaluateGates } from '../../src/gates/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { until } from '../support/until.ts';

const cobertura = (attributes: string, inside = '') =>
  `<?xml version="1.0"?>\n<!DOCTYPE coverage SYSTEM "x.dtd">\n<coverage ${attributes}>${inside}</coverage>\n`;
const summary = (lines: object, branches?: object) => JSON.stringify({ total: { lines, branches } });

test.each([
  ['LCOV totals', 'SF:a\nLF:10\nLH:9\nend_of_record\nSF:b\nLF:10\nLH:4\nend_of_record\n', 65],
  [
    'LCOV lines, one file in two records',
    'SF:a\nDA:1,0\nDA:2,1\nend_of_record\nSF:a\nDA:1,3\nDA:2,0\nend_of_record\n',
    100,
  ],
  ['LCOV with Windows lines', 'SF:a\r\nDA:1,0\r\nDA:2,1\r\nend_of_record\r\n', 50],
  [
    'LCOV of geninfo',
    'TN:t\nSF:/a.c\nFN:1,f\nFNDA:2,f\nFNF:1\nFNH:1\nBRDA:1,0,0,-\nBRDA:1,0,1,2\nBRF:2\nBRH:1\nDA:1,2,Q79QNYSUr7l\nDA:2,0\nLF:2\nLH:1\nend_of_record',
    50,
  ],
  ['LCOV, hits before what is found', 'SF:a\nLH:1\nLF:2\nend_of_record\n', 50],
  ['LCOV, huge counts', 'SF:a\nDA:1,18446744073709551615\nDA:2,1e+06\nend_of_record\n', 100],
  ['json-summary', summary({ total: 4, covered: 3, pct: 75 }), 75],
  ['json-summary without branches', summary({ pct: 75 }, { total: 0, covered: 0, pct: 'Unknown' }), 75],
  ['Cobertura', cobertura('line-rate="0.5" lines-covered="1" lines-valid="4"'), 25],
  ['Cobertura, rate only', cobertura('line-rate="0.29"', '<line number="1" hits="1"/>'), 29],
  [
    'Cobertura, no branch',
    cobertura('line-rate="0.5" branch-rate="NaN" branches-valid="0"', '<line number="1"/>'),
    50,
  ],
  ['29 of 100', summary({ total: 100, covered: 29, pct: 29 }), 29],
  ['29 of 100 in LCOV', 'SF:a\nLF:100\nLH:29\nend_of_record\n', 29],
  ['Cobertura, empty', '<coverage line-rate="1" lines-covered="2" lines-valid="2"/>', 100],
])('%s', (_, text, expected) => {
  expect(readCoverage(text)).toBe(expected);
});

test.each([
  ['nothing', ''],
  ['no line at all', 'SF:a\nend_of_record\n'],
  ['another document', '<html/>'],
  ['another JSON', '{"a":1}'],
  ['no line in it', summary({ total: 0, covered: 0, pct: 'Unknown' })],
  ['no line in it, of istanbul of old', summary({ total: 0, covered: 0, skipped: 0, pct: 100 })],
  ['no line in it, of LCOV', 'SF:a\nLF:0\nLH:0\nend_of_record\n'],
  ['no line in it, full, of Cobertura', cobertura('line-rate="1" lines-covered="0" lines-valid="0"')],
  ['no line and no total, of Cobertura', cobertura('line-rate="1"', '<packages/>')],
  ['no line in it, of Cobertura', cobertura('line-rate="NaN" lines-covered="0" lines-valid="0"')],
])('%s is no report', (_, text) => {
  expect(readCoverage(text)).toBe('is no LCOV, Cobertura or json-summary report with lines in it');
});

test.each([
  ['in a record', 'SF:a\nDA:1,1\nend_of_record\nSF:b\nDA:1,1\n', 'the record of b has no end_of_record'],
  ['in its last word', 'SF:a\nDA:1,1\nend_of_rec', 'the record of a has no end_of_record'],
  ['and gone on', 'SF:a\nDA:1,1\nSF:b\nDA:1,1\nend_of_record', 'the record of a has no end_of_record'],
  ['Cobertura', '<coverage line-rate="0.9"><packages><package/>', 'it has no </coverage>'],
  ['json-summary', '{"total":{"lines":{"total":4,"covered":4,"pct":100}}', 'or no JSON'],
])('a report that is cut off: %s', (_, text, why) => {
  const found = readCoverage(text);
  expect(found).toMatch(/^is cut off/);
  expect(found).toContain(why);
});

test.each([
  ['SF:a\nLF:3\nLH:5\nend_of_record\n', 'LH:5, but LF:3'],
  ['SF:a\nDA:1,1\nLF:3\nLH:5\nend_of_record\n', 'LH:5, but LF:3'],
  ['SF:a\nLF:3\nLH:3\nBRF:1\nBRH:2\nend_of_record\n', 'BRH:2, but BRF:1'],
  ['SF:a\nLF:-3\nLH:-3\nend_of_record\n', 'LH:-3'],
  ['SF:a\nLF:3\nLH:many\nend_of_record\n', 'LH:many'],
  ['SF:a\nLF:\nLH:3\nend_of_record\n', 'LF:'],
  ['SF:a\nDA:1,-1\nend_of_record\n', 'DA:-1'],
  ['SF:a\nDA:1,\nend_of_record\n', 'DA:'],
  ['SF:a\nDA:1,x\u001B[2J\nend_of_record\n', String.raw`DA:"x\033[2J"`],
  [cobertura('lines-covered="5" lines-valid="3"'), 'lines-covered:5, but lines-valid:3'],
  [cobertura('line-rate="0.9" lines-covered="-1" lines-valid="3"'), 'lines-covered:-1'],
  [
    cobertura('line-rate="0.9" branches-covered="5" branches-valid="3"'),
    'branches-covered:5, but branches-valid:3',
  ],
  [cobertura('line-rate="1.5"', '<line/>'), '150 %'],
  [cobertura('line-rate="-0.5"', '<line/>'), '-50 %'],
  [summary({ total: 3, covered: 5, pct: 90 }), 'covered:5, but total:3'],
  [summary({ total: 3, covered: 'many', pct: 90 }), 'covered:many'],
  [summary({ total: 3, covered: 3, pct: 100 }, { total: 1, covered: 2 }), 'covered:2, but total:1'],
  [summary({ pct: 166 }), '166 %'],
  [summary({ pct: -1 }), '-1 %'],
])('%j cannot be right', (text, why) => {
  expect(readCoverage(text)).toBe(`cannot be right: ${why}`);
});

const judge = async (root: string, text: string, min = 0) => {
  writeFileSync(path.join(root, 'lcov.info'), text);
  return judgeAgain(root, min);
};
const judgeAgain = async (root: string, min = 0) => {
  const gate = { name: 'coverage', suites: undefined, report: 'lcov.info', command: undefined, min };
  const gates = [{ ...gate, passRate: 1, maxWarnings: undefined, timeoutMs: 1000 }];
  return (await evaluateGates(gates, { results: [], root, env: testEnv() }))[0];
};

test('the gate is broken and says why', async () => {
  expect(await judge(tempDir(), 'SF:a\nDA:1,1\n')).toMatchObject({
    verdict: 'broken',
    detail: 'lcov.info is cut off: the record of a has no end_of_record',
  });
});

test.each([
  [799_999, 80, 'failed', '79.99 % of the lines, needs 80 %'],
  [999_999, 100, 'failed', '99.99 % of the lines, needs 100 %'],
  [799_999, 79.9999, 'passed', '79.99 % of the lines, needs 79.9999 %'],
  [795_700, 79.57, 'passed', '79.57 % of the lines, needs 79.57 %'],
])('%i of a million lines, needs %d %%: %s', async (hit, min, verdict, detail) => {
  const text = `SF:a\nLF:1000000\nLH:${hit}\nend_of_record\n`;
  expect(await judge(tempDir(), text, min)).toMatchObject({ verdict, detail });
});

/** A project with `src/a.ts` and `src/b.ts`, as they were an hour ago. */
function project(): string {
  const root = tempDir();
  mkdirSync(path.join(root, 'src/deep'), { recursive: true });
  for (const name of ['src/a.ts', 'src/b.ts', 'src/deep/c.ts', 'd.ts'])
    writeFileSync(path.join(root, name), '');
  return root;
}
const mtime = (root: string, name: string) => statSync(path.join(root, name)).mtimeMs;
const hour = 3_600_000;
/** Gives the report, and with it all that it is compared with, times from before or after what was done. */
function dateReport(root: string, byMs: number): void {
  const when = (Date.now() + byMs) / 1000;
  utimesSync(path.join(root, 'lcov.info'), when, when);
}
const record = (...names: string[]) =>
  names.map((name) => `SF:${name}\nLF:1\nLH:1\nend_of_record\n`).join('');
const remove = (root: string, name: string) => rmSync(path.join(root, name), { recursive: true });

test.each([
  ['a file', ['src/a.ts', 'src/b.ts'], 'src/a.ts', 'src/a.ts'],
  ['the only file', ['src/a.ts'], 'src/a.ts', 'src/a.ts'],
  ['its folder', ['src/b.ts', 'src/deep/c.ts'], 'src/deep', 'src/deep/c.ts'],
  ['the outermost folder', ['d.ts', 'src/b.ts'], 'src', 'src/b.ts'],
  ['a file at the top', ['src/b.ts', 'd.ts'], 'd.ts', 'd.ts'],
])('%s that is gone since the report was written', async (_, counted, gone, named) => {
  for (const absolute of [false, true]) {
    const root = project();
    const text = record(...counted.map((name) => (absolute ? path.join(root, name) : name)));
    expect(await judge(root, text)).toMatchObject({ verdict: 'passed' });
    // Not older than the files that are left, only than what happened to the folder.
    await until('the clock of files goes on', () => {
      remove(root, 'lcov.info');
      writeFileSync(path.join(root, 'lcov.info'), text);
      return mtime(root, 'lcov.info') > mtime(root, 'src/b.ts') + 5;
    });
    const written = mtime(root, 'lcov.info');
    await until('the folder changed after it', () => {
      rmSync(path.join(root, gone), { recursive: true, force: true });
      const folder = path.join(path.dirname(gone), 'new');
      writeFileSync(path.join(root, folder), '');
      remove(root, folder);
      return mtime(root, path.dirname(gone)) > written + 60;
    });
    const file = absolute ? path.join(root, named) : named;
    expect(await judgeAgain(root)).toMatchObject({
      verdict: 'broken',
      detail: `lcov.info counts ${file}, which is gone since: no suite has written it anew`,
    });
    dateReport(root, hour);
    expect(await judgeAgain(root)).toMatchObject({ verdict: 'passed' });
  }
});

test.each([
  ['a file that was gone before', ['src/a.ts', 'src/generated.ts']],
  ['a folder that was gone before', ['src/a.ts', 'tmp/generated.ts']],
])('%s tells nothing', async (_, counted) => {
  const root = project();
  await judge(root, record(...counted));
  dateReport(root, hour);
  expect(await judgeAgain(root)).toMatchObject({ verdict: 'passed' });
});

test.each([
  ['names relative to a folder of its own', ['com/shop/A.java', 'mod.py']],
  ['files of another machine', ['/gone/app/a.ts', '../a.ts']],
])('%s tell nothing', async (_, counted) => {
  const root = project();
  await judge(root, record(...counted));
  dateReport(root, -hour);
  expect(await judgeAgain(root)).toMatchObject({ verdict: 'passed' });
});
