import { expect, test } from 'vitest';
import { evaluateGates } from '../../src/gates/index.ts';
import { warningCounter } from '../../src/gates/warnings.ts';
import { tempDir, testEnv } from '../support/temp.ts';

function countOf(pieces: readonly string[]): number {
  const warnings = warningCounter();
  pieces.forEach(warnings.add);
  return warnings.count();
}

test.each([
  ['src/a.ts:1 warning: unused\nsrc/b.ts:2 Warning: too long\n', 2],
  ['✖ 3 problems (0 errors, 3 warnings)\n', 3],
  ['a warning\nFound 1 warning and 0 errors.\n', 1],
  ['Found 0 warnings.\n', 0],
  // One tool of two has none.
  ["Found 0 warnings and 0 errors.\na.c:1:21: warning: unused variable 'x' [-Wunused-variable]\n", 1],
  ['> shellcheck --severity=warning ok.sh\n', 0],
  ['$ eslint --report=warning\n', 0],
  ['> a.ts:1 warning: quoted by a tool\n', 1],
  ['a: 2 warnings\nb: 1 warning\n', 3],
  ['all fine\n', 0],
  ['1,204 warnings', 1204],
  ['0 errors, 1.204 warnings', 1204],
  ["1'204 warnings", 1204],
  ['Found 1 204 warnings.', 1204],
  ['1\u2009204\u2009000 warnings', 1_204_000],
  ['12\u00A0204 warnings', 12_204],
  ['1,204 errors, 2 warnings', 2],
  ['10 errors,3 warnings', 3],
  ['2.5 warnings for each file', 1],
  ['12,34 warnings for each file', 1],
  ['0.204 warnings for each file', 1],
  ['2.5 warnings for each file\n5 warnings in all', 5],
  ['Errors: 0, Warnings: 7', 7],
  ['warnings: 7', 7],
  ['warnings=3 errors=0', 3],
  ['warnings: 1,204', 1204],
  ['deprecated-warnings: 4', 4],
  ['    7 Warning(s)\n    0 Error(s)\n', 7],
  ['Warning(s): 2', 2],
  ['<report errors="0" warnings="3"/>', 3],
  ['[{"warningCount":2,"fixableWarningCount":1},{"warningCount":1}]', 3],
  ['{ "warnings": [] }', 0],
  ['Found 10+ warnings', 11],
  ['Found 3 warnings:\n - unused', 3],
  ['Found 1 warning: unused', 1],
  ['x.c:1: deprecated-warnings found', 1],
  ['warning: 7 variables are unused', 1],
  ['x.c:1: warning: no warnings group of that name', 1],
  ['no errors, some warnings', 1],
  ['\u2714 No ESLint warnings or errors', 0],
  ['no errors or warnings', 0],
  ['Warnings: none', 0],
  ['> eslint --max-warnings=0 .', 0],
  ['> eslint --max-warnings 0 .\n  3:5  warning  unused\n  3:7  warning  unused', 2],
  ['> eslint --max-warnings=0 .\na.js:3 warning: unused', 1],
  ['\u2713 src/warnings.test.ts', 0],
  ['a.py:3: UserWarning: old\n  warnings.warn("old")', 1],
  ['  12:34  warning  unused', 1],
  ['a.css:1:0 warning unused\na.css:2:7 warning unused', 2],
  ['Total:7 warnings', 7],
  [
    '\u2716 3 problems (0 errors, 3 warnings)\n  0 errors and 1 warning potentially fixable with the `--fix` option.',
    3,
  ],
  ['warning: unused\nwarning: `a` (lib) generated 3 warnings (1 duplicate)', 3],
  ['= 2 passed, 3 warnings in 0.1s =', 3],
  ...[
    '0 warnings suppressed',
    '0 warnings were ignored',
    'suppressed 0 warnings',
    '0 hidden warnings',
    'hidden warnings: 0',
    'warnings ignored: 0',
  ].flatMap((line): [string, number][] => [
    [line, 0],
    [`${'a.c:1: warning: x\n'.repeat(3)}${line}`, 3],
  ]),
  ['12 warnings hidden', 1],
  ['3 warnings, 2 ignored', 3],
])('warnings in %j', (output, expected) => {
  const pieces = output.split('');
  expect([countOf([output]), countOf(pieces)]).toEqual([expected, expected]);
});

test('a line without an end is read in parts', () => {
  const filler = 'x'.repeat(50_000);
  for (let at = 15_000; at < 16_000; at += 7) {
    const before = `${filler}${' '.repeat(at)}`;
    const found = countOf([before, 'found 7 warn', 'ings ', filler, filler]);
    expect([7, 14]).toContain(found);
  }
});

test.each([
  ['the first line of a long output', 'echo "a.c:1: warning: x"; seq 1 30000', '1 warning, allows 0'],
  ['a total at its end', 'echo "a.c:1: warning: x"; seq 1 30000; echo 2 warnings', '2 warnings, allows 0'],
])('a gate counts %s', async (_, command, detail) => {
  const gate = { name: 'lint', command, suites: undefined, report: undefined, min: undefined };
  const [found] = await evaluateGates([{ ...gate, passRate: 1, maxWarnings: 0, timeoutMs: 30_000 }], {
    results: [],
    root: tempDir(),
    env: testEnv(),
  });
  expect(found).toMatchObject({ verdict: 'failed', detail });
});
