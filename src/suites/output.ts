import { stripAnsi } from '../base/index.ts';
import { locate } from './locate.ts';
import type { Failure, Report } from './types.ts';

/** How a test runner ends its output. Counts are for the eye; only that there are none at all makes a verdict. */
interface SummaryStyle {
  readonly counts: RegExp;
  readonly words: { readonly passed: RegExp; readonly failed: RegExp; readonly skipped: RegExp };
  /** One failed test a line; group 1 is its name. */
  readonly failure: RegExp;
}

const words = {
  passed: /(\d+) pass(?:ed|ing)?/,
  failed: /(\d+) fail(?:ed|ing|ures?)?/,
  skipped: /(\d+) (?:skipped|pending|todo|ignored)/,
};

const styles = {
  vitest: { counts: /^\s*Tests {2}.*\(\d+\).*$/m, words, failure: /^\s*FAIL\s+(.+)$/gm },
  jest: { counts: /^Tests: .*total.*$/m, words, failure: /^\s*● (?!Console)(.+)$/gm },
  pytest: {
    counts: /^(?:=+ .*|\d+ |\d.*, \d+ )\b(?:passed|failed|error|skipped)\b.* in [\d.]+s.*$/m,
    words,
    failure: /^FAILED (\S+.*)$/gm,
  },
  node: {
    counts: /^[#ℹ] pass \d+(?:\n[#ℹ] .*)*$/m,
    words: { passed: /[#ℹ] pass (\d+)/, failed: /[#ℹ] fail (\d+)/, skipped: /[#ℹ] skipped (\d+)/ },
    failure: /^\s*(?:not ok \d+ - |✖ )(?!failing tests)(.+?)(?: \([\d.]+ms\))?$/gm,
  },
  cargo: { counts: /^test result: .*$/m, words, failure: /^test (\S+) \.\.\. FAILED$/gm },
  go: {
    counts: /^(?:ok|FAIL|---)\s+\S+.*$/m,
    words: { passed: /\0/, failed: /\0/, skipped: /\0/ },
    failure: /^\s*--- FAIL: (\S+)/gm,
  },
} satisfies Record<string, SummaryStyle>;

const none: Report = { passed: 0, failed: 0, flaky: 0, skipped: 0, failures: [] };

/**
 * Reads what can be read from the output of a suite that leaves no results file: counts, the names of failed
 * tests; failing that, one failure with the last lines, so that there is always something to look at.
 */
export function readOutput(
  output: string,
  context: { readonly suite: string; readonly red: boolean; readonly root: string; readonly cwd: string },
): Report {
  const text = stripAnsi(output).replaceAll('\r', '');
  const style = Object.values(styles).find(({ counts }) => counts.test(text));
  const counted = style ? countsOf(text, style) : none;
  if (!context.red) return { ...counted, failed: 0 };
  // The last place of each: runners tell at the end why a test failed.
  const places = new Map<string, number>();
  for (const match of style ? text.matchAll(style.failure) : [])
    places.set((match[1] ?? '').trim(), match.index + match[0].indexOf(match[1] ?? ''));
  const failures = [...places].slice(0, 50).map(([name, at]): Failure => {
    const block = text.slice(at, at + 2000);
    return { name, ...locate(block, undefined, context), message: messageAfter(block, name), id: name };
  });
  if (failures.length > 0) return { ...counted, failed: counted.failed || failures.length, failures };
  const whole = [wholeFailure(text, context)];
  if (counted.failed > 0) return { ...counted, failures: whole };
  return { ...counted, failed: 1, failures: whole, whole: true };
}

/** What runners say that found nothing to run. */
const emptyRun =
  /^(?:[#ℹ] (?:tests 0$|todo [1-9])|(?:=+ )?(?:no tests ran|\d+ deselected(?:, .*)?) in |(?:Ran|DONE) 0 tests in |Tests: +0 total|\?\s+\S+\s+\[no test files\]$|ok\s.*\[no tests to run\]$|test result: ok\. .* [1-9]\d* filtered out|\s+0 passing \()/m;
/** How vitest and jest end then: with the status that they name, as they were told (`--passWithNoTests`). */
const endOfNone = /^No (?:test files|tests) found, exiting with code (\d+)[ \t]*$/gm;
/** What runners without counts, or with others than those above, say when they ran something. */
const otherRun =
  /^(?:ok\s+\S+\s+(?:[\d.]+s|\(cached\))(?!.*\[no tests to run\]$)|\s+[1-9]\d* (?:passing|passed) \()/m;
/** How unittest ("OK (skipped=1)") and gotestsum end: how many ran, and how many of them were skipped. */
const ranOf =
  /^(?:Ran|DONE) (\d+) tests?\b(?:.*, (\d+) skipped| in .*\s+(?:OK|PASSED|FAILED) \(.*?skip(?:ped|s)=(\d+))?/gm;
/** `go test -v` tells of every test; less of it than this is the whole output. */
const wholeOutput = 60_000;
const onlySkips = (text: string): boolean =>
  text.length < wholeOutput && /--- SKIP: /.test(text) && !/--- (?:PASS|FAIL): /.test(text);
/** Each part of a crate tells its own; the last ones are often empty. */
const nothingInCargo = (text: string): boolean =>
  text.length < wholeOutput && /^test result: ok\. 0 passed; 0 failed; /m.test(text);
/** How pytest and unittest end when they found nothing to run; a failure after an empty run is another one. */
const exitOfNone = 5;

/**
 * Why a run without a results file judged nothing: its runner says that no test ran, and it ended with 0, or as
 * runners do that take it for a mistake. undefined: it says nothing of the kind, or some test ran.
 */
export function whyNoTest(output: string, exit: number | null): string | undefined {
  const text = stripAnsi(output).replaceAll('\r', '');
  const named = [...text.matchAll(endOfNone)].some((match) => Number(match[1]) === exit);
  if (exit !== 0 && exit !== exitOfNone && !named) return undefined;
  const ends = Array.from(text.matchAll(ranOf), ([, tests, some, all]) => {
    const skipped = Number(some ?? all ?? 0);
    return { passed: Number(tests) - skipped, failed: 0, skipped };
  });
  const counted = [...Object.values(styles).map((style) => countsOf(text, style)), ...ends];
  const goSkips = onlySkips(text);
  if (counted.some(({ passed, failed }) => passed + failed > 0) || (!goSkips && otherRun.test(text)))
    return undefined;
  if (exit === 0 && (goSkips || counted.some(({ skipped }) => skipped > 0)))
    return 'all its tests were skipped: none ran';
  return named || emptyRun.test(text) || nothingInCargo(text) ? 'no test ran' : undefined;
}

function countsOf(text: string, { counts, words: by }: SummaryStyle): Report {
  const line = [...text.matchAll(new RegExp(counts.source, 'gm'))].map((match) => match[0]).join('\n');
  const sum = (word: RegExp): number =>
    [...line.matchAll(new RegExp(word.source, 'g'))].reduce((n, match) => n + Number(match[1] ?? 0), 0);
  return { ...none, passed: sum(by.passed), failed: sum(by.failed), skipped: sum(by.skipped) };
}

function messageAfter(block: string, name: string): string {
  const next = block
    .slice(name.length)
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !/^(?:[-=─⎯]+|\([\d.]+ms\))$/.test(line));
  return next ?? 'failed';
}

function wholeFailure(
  text: string,
  context: { readonly suite: string; readonly root: string; readonly cwd: string },
): Failure {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return {
    name: context.suite,
    ...locate(lines.slice(-40).join('\n'), undefined, context),
    message: lines.slice(-5).join('\n').slice(-600) || 'no output',
    id: context.suite,
  };
}
