import path from 'node:path';
import { literal } from './types.ts';

/** How a test runner is told to write a JUnit report. */
interface Reporter {
  /** The script's own command, after `npx` and variables were taken off. */
  readonly command: RegExp;
  readonly args: (file: string) => string;
  /** A variable that names the file. */
  readonly variable?: string;
  /** What has to be installed first. */
  readonly needs?: string;
}

/** A new runner is one more line. What stands here works with what the runner itself brings, unless it `needs` more. */
const reporters = {
  vitest: {
    command: /^vitest(?= |$)/,
    args: (file) => `--reporter=default --reporter=junit --outputFile.junit=${file}`,
  },
  // Behind a file name, options would be arguments of the tests.
  node: {
    command: /^node( --[\w=./-]+)*$/,
    args: (file) =>
      `--test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=${file}`,
  },
  playwright: {
    command: /^playwright test(?= |$)/,
    args: () => '--reporter=list,junit',
    variable: 'PLAYWRIGHT_JUNIT_OUTPUT_NAME',
  },
  mocha: {
    command: /^mocha(?= |$)/,
    args: (file) => `--reporter xunit --reporter-option output=${file}`,
  },
  jest: {
    command: /^jest(?= |$)/,
    args: () => '--reporters=default --reporters=jest-junit',
    variable: 'JEST_JUNIT_OUTPUT_FILE',
    needs: 'the package jest-junit',
  },
  pytest: { command: /(^| )pytest$/, args: (file) => `--junitxml=${file}` },
} satisfies Record<string, Reporter>;

/** More than one simple command, or one that says already how it reports. */
const involved = /[;&|<>`$(){}\n]|report|outputFile|junit/i;

/**
 * What to write so that a suite reports which tests failed, as lines for comments; nothing when its runner is not
 * known. `script` is what really runs, in `dir`; `withArgs` adds arguments to the command of the suite.
 */
export function reportAdvice(
  suite: string,
  script: string,
  withArgs: (args: string) => string,
  dir = '',
): readonly string[] {
  if (involved.test(script)) return [];
  const bare = script
    .trim()
    .replace(/^(?:cross-env )?(?:[A-Z_]+=\S+ )*(?:npx (?:-y |--yes )?|pnpm exec |yarn )?/, '');
  const runsNode = /^node\b/.test(bare) && !/ --test(?= |$)/.test(bare);
  const reporter: Reporter | undefined = Object.values(reporters).find((known: Reporter) =>
    known.command.test(bare),
  );
  if (!reporter || runsNode) return [];
  const file = `junit-${suite}.xml`;
  const needs = reporter.needs === undefined ? '' : `, with ${reporter.needs}`;
  return [
    `To see which tests fail, and to run only those again${needs} (and ${file} in .gitignore):`,
    `command: ${withArgs(reporter.args(file))}`,
    `results: ${literal(path.posix.join(dir, file))}`,
    ...(reporter.variable === undefined ? [] : [`env: { ${reporter.variable}: ${file} }`]),
  ];
}
