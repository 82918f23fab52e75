import { createReadStream } from 'node:fs';
import { SaxesParser } from 'saxes';
import { plural, showName, stripAnsi } from '../base/index.ts';
import { firstLines, isFileName, locate } from './locate.ts';
import type { Failure, Report } from './types.ts';

/** Failures kept word for word; all are counted. */
const keptFailures = 200;
const keptText = 16_000;
const isSuite = /^testsuites?$/;

type Attributes = Readonly<Record<string, string>>;
type Outcome = 'passed' | 'failed' | 'flaky' | 'skipped';

interface OpenCase {
  readonly attributes: Attributes;
  outcome: Outcome;
  message: string;
  text: string;
  /** Marked as still to do: node's own reporter. */
  todo?: boolean;
}

/** What the report is read with: names of files become relative to the root. */
export interface ReadOptions {
  readonly root: string;
  readonly cwd: string;
}

/** A suite that is being read, with what was counted before it. */
interface OpenSuite {
  readonly attributes: Attributes;
  readonly cases: number;
  readonly skipped: number;
}

/**
 * Reads a JUnit XML file as a stream. Cases are counted here, because no two tools agree on what the totals
 * in the suites' attributes mean; that a suite holds fewer cases than it counts is noted. Throws when the file
 * is no complete JUnit document.
 */
export async function readJUnit(file: string, options: ReadOptions): Promise<Report> {
  const reader = createReader(options);
  for await (const chunk of createReadStream(file, 'utf8')) reader.write(String(chunk));
  return reader.end();
}

/** As `readJUnit`, of a text. */
export function parseJUnit(xml: string, options: ReadOptions): Report {
  const reader = createReader(options);
  reader.write(xml);
  return reader.end();
}

interface Reader {
  write(chunk: string): void;
  end(): Report;
}

function createReader(options: ReadOptions): Reader {
  const parser = new SaxesParser({});
  const counts: Record<Outcome, number> = { passed: 0, failed: 0, flaky: 0, skipped: 0 };
  const failures: Failure[] = [];
  const suites: OpenSuite[] = [];
  let open: OpenCase | undefined;
  let inside: 'failure' | undefined;
  let depth = 0;
  let roots = 0;
  let complaint: string | undefined;
  let impossible: string | undefined;
  let claimed = 0;
  let cases = 0;
  let otherwise = false;
  let todos = 0;
  let lacking: string | undefined;

  const finish = (done: OpenCase): void => {
    counts[done.outcome]++;
    cases++;
    if (done.outcome === 'failed' && failures.length < keptFailures) {
      failures.push(toFailure(done, suites.at(-1)?.attributes, options));
    }
  };
  const finishSuite = (): void => {
    const suite = suites.pop();
    if (!suite) return;
    const { name, tests } = suite.attributes;
    const held = cases - suite.cases;
    // Tools that leave out what was skipped count it all the same.
    const unshown = sumOf(suite.attributes, 'skipped', 'disabled') - (counts.skipped - suite.skipped);
    if (Number(tests) > held + Math.max(unshown, 0))
      lacking ??= `count ${plural(Number(tests), 'test')}${name ? ` in ${showName(name)}` : ''}, but hold ${held}`;
  };

  // Reports with a stray control character are common; only an incomplete document is unreadable.
  parser.on('error', (error) => (complaint ??= error.message.split('\n')[0]));
  parser.on('opentag', ({ name, attributes }) => {
    depth++;
    if (depth === 1 && !/^(testsuites?|testcase)$/.test(name)) throw new Error(`<${name}> is not JUnit XML`);
    if (isSuite.test(name)) {
      impossible ??= whyImpossible(attributes);
      claimed = Math.max(claimed, sumOf(attributes, 'failures', 'errors'));
      otherwise ||= countsOtherwise(attributes);
      suites.push({ attributes, cases, skipped: counts.skipped });
    } else if (name === 'testcase')
      open = { attributes, outcome: startOutcome(attributes), message: '', text: '' };
    else if (name === 'failure' || name === 'error') {
      // An error of the suite itself, outside any case, is a failure with the suite's name.
      open ??= {
        attributes: { name: suites.at(-1)?.attributes['name'] ?? name, ofSuite: 'yes' },
        outcome: 'passed',
        message: '',
        text: '',
      };
      // node: one that is still to do may fail, and does so in the totals.
      if (open.todo) todos++;
      else open.outcome = 'failed';
      open.message ||= attributes['message'] ?? '';
      inside = 'failure';
    } else if (open && name === 'skipped' && open.outcome === 'passed') {
      open.outcome = 'skipped';
      open.todo = attributes['type'] === 'todo';
    } else if (open && (name === 'flakyFailure' || name === 'flakyError') && open.outcome === 'passed')
      open.outcome = 'flaky';
  });
  const onText = (text: string): void => {
    if (roots > 0 && text.trim())
      impossible ??= `go on after their end: ${showName(text.trim().slice(0, 60))}`;
    if (open && inside && open.text.length < keptText) open.text += text;
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', ({ name }) => {
    depth--;
    if (depth === 0) roots++;
    if (name === 'failure' || name === 'error') {
      inside = undefined;
      if (open?.attributes['ofSuite']) {
        finish(open);
        open = undefined;
      }
    } else if (name === 'testcase' && open) {
      finish(open);
      open = undefined;
    } else if (isSuite.test(name)) finishSuite();
  });

  return {
    write: (chunk) => void parser.write(chunk),
    end: () => {
      parser.close();
      if (roots !== 1 || depth !== 0) throw new Error(complaint ?? 'the document is not complete');
      // What passed on another try may count as a failure.
      return {
        ...counts,
        failures,
        claimed: claimed > counts.flaky + todos ? claimed : 0,
        lacking: impossible ?? (otherwise ? undefined : lacking),
      };
    },
  };
}

/** googletest and others say in an attribute that a case did not run, others that it failed. */
function startOutcome(attributes: Attributes): Outcome {
  const status = (attributes['status'] ?? '').toLowerCase();
  if (status === 'failed' || status === 'failure' || status === 'error') return 'failed';
  return status === 'notrun' || status === 'disabled' || status === 'skipped' ? 'skipped' : 'passed';
}

/**
 * Totals of a suite, added up. Of failures only that there are any is believed, of tests only that there are more
 * than are shown.
 */
function sumOf(attributes: Attributes, ...names: readonly string[]): number {
  return names.map((name) => Number(attributes[name])).reduce((sum, n) => sum + (n > 0 ? n : 0), 0);
}

/** A total that is no number; an empty one, or what a program has for none, says nothing. */
function whyImpossible(attributes: Attributes): string | undefined {
  const wrong = Object.entries(attributes).find(
    ([name, value]) =>
      /^(tests|failures|errors)$/.test(name) && !/^\s*(\d+(\.0*)?|None|null|undefined|NaN)?\s*$/.test(value),
  );
  return wrong && `cannot be right: ${wrong[0]} is ${showName(wrong[1])}`;
}

/**
 * Tools that honestly count more tests than they show: pytest counts subtests, mocha's reporter what `--grep` or a
 * hook left out, Catch2 and doctest count assertions. They write their report in one go, at the end.
 */
function countsOtherwise({ name = '', hostname, ...more }: Attributes): boolean {
  return (
    /^(pytest( tests)?|Mocha Tests|Root Suite)$/.test(name) || hostname === 'tbd' || 'doctest_version' in more
  );
}

function toFailure(done: OpenCase, suite: Attributes | undefined, options: ReadOptions): Failure {
  const { name = '', classname = '', file, line } = done.attributes;
  const text = stripAnsi(done.text);
  const given =
    file ?? (isFileName(classname) ? classname : undefined) ?? suite?.['file'] ?? nameOfFile(suite?.['name']);
  const place = locate(text, given, options);
  return {
    name: name || classname || 'unnamed',
    file: place.file,
    line: line !== undefined && /^\d+$/.test(line) ? Number(line) : place.line,
    message: firstLines(stripAnsi(done.message).trim() || text) || 'failed',
    id: [place.file ?? '', classname, name].join('|'),
  };
}

const nameOfFile = (name: string | undefined): string | undefined =>
  name && isFileName(name) ? name : undefined;
