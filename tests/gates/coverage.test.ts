import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readCoverage } from '../../src/gates/coverage.ts';
import { evaluateGates } from '../../src/gates/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';

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
  ['Cobertura, rate only', cobertura('line-rate="0.5"'), 50],
  ['Cobertura, no branch', cobertura('line-rate="0.5" branch-rate="NaN" branches-valid="0"'), 50],
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
  [cobertura('line-rate="1.5"'), '150 %'],
  [cobertura('line-rate="-0.5"'), '-50 %'],
  [summary({ total: 3, covered: 5, pct: 90 }), 'covered:5, but total:3'],
  [summary({ total: 3, covered: 'many', pct: 90 }), 'covered:many'],
  [summary({ total: 3, covered: 3, pct: 100 }, { total: 1, covered: 2 }), 'covered:2, but total:1'],
  [summary({ pct: 166 }), '166 %'],
  [summary({ pct: -1 }), '-1 %'],
])('%j cannot be right', (text, why) => {
  expect(readCoverage(text)).toBe(`cannot be right: ${why}`);
});

test('the gate is broken and says why', async () => {
  const root = tempDir();
  writeFileSync(path.join(root, 'lcov.info'), 'SF:a\nDA:1,1\n');
  const [gate] = await evaluateGates(
    [
      {
        name: 'coverage',
        suites: undefined,
        report: 'lcov.info',
        command: undefined,
        passRate: 1,
        min: 0,
        maxWarnings: undefined,
        timeoutMs: 1000,
      },
    ],
    { results: [], root, env: testEnv() },
  );
  expect(gate).toMatchObject({
    verdict: 'broken',
    detail: 'lcov.info is cut off: the record of a has no end_of_record',
  });
});
