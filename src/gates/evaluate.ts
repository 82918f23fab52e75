import { readFileSync, statSync, type Stats } from 'node:fs';
import path from 'node:path';
import { errnoOf, messageOf, plural, showName, stripAnsi, supervise, whyUnjudged } from '../base/index.ts';
import type { GateConfig } from '../config/index.ts';
import { coveredFiles, readCoverage } from './coverage.ts';
import type { GateResult, SuiteResultLike } from './types.ts';
import { warningCounter } from './warnings.ts';

/** What gates are judged by. */
export interface GateInput {
  /** What the suites came to on this tree. */
  readonly results: readonly SuiteResultLike[];
  readonly root: string;
  /** The whole environment of gate commands. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

type Judged = Omit<GateResult, 'name'>;

/** Judges gates one after the other. Never throws for what a gate finds. */
export async function evaluateGates(
  gates: readonly GateConfig[],
  input: GateInput,
): Promise<readonly GateResult[]> {
  const results: GateResult[] = [];
  for (const gate of gates) results.push({ name: gate.name, ...(await evaluate(gate, input)) });
  return results;
}

async function evaluate(gate: GateConfig, input: GateInput): Promise<Judged> {
  if (gate.suites !== undefined) return judgeSuites(gate.suites, gate.passRate, input.results);
  if (gate.report !== undefined) return judgeReport(gate.report, gate.min, input.root);
  if (gate.command !== undefined) return judgeCommand(gate.command, gate, input);
  return { verdict: 'broken', detail: 'it names no suites, no report and no command' };
}

/** Whether enough of the suites' tests passed; a suite without a count of tests counts as one. */
export function judgeSuites(
  names: readonly string[],
  passRate: number,
  results: readonly SuiteResultLike[],
): Judged {
  let passed = 0;
  let failed = 0;
  let flaky = false;
  for (const name of names) {
    const result = results.find((one) => one.name === name);
    if (!result) return { verdict: 'broken', detail: `suite ${name} has not run on this tree` };
    if (!['passed', 'failed', 'flaky'].includes(result.verdict))
      return { verdict: 'broken', detail: `suite ${name} is ${result.verdict}` };
    const red = result.verdict === 'failed';
    const good = result.passed + result.flaky;
    passed += good > 0 || red ? good : 1;
    failed += red ? Math.max(result.failed, 1) : 0;
    flaky ||= result.verdict === 'flaky';
  }
  const silent = results.filter(({ name, whole }) => whole && names.includes(name));
  const rate = passed + failed === 0 ? 0 : passed / (passed + failed);
  if (rate < passRate && silent.length > 0)
    return { verdict: 'failed', detail: silent.map(describeSilent).join(', ') };
  const detail = `${passed} of ${plural(passed + failed, 'test')} passed (${names.join(', ')})`;
  if (rate < passRate) return { verdict: 'failed', detail: `${detail}, needs ${formatRate(passRate)}` };
  return { verdict: flaky ? 'flaky' : 'passed', detail };
}

const describeSilent = ({ name, exit }: SuiteResultLike): string =>
  `${name} failed${typeof exit === 'number' ? ` (exit ${exit})` : ''}`;

const formatRate = (rate: number): string => `${Number((rate * 100).toFixed(2))} %`;

function judgeReport(report: string, min: number | undefined, root: string): Judged {
  let text: string;
  try {
    text = readFileSync(path.resolve(root, report), 'utf8');
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'there is none' : messageOf(error);
    return { verdict: 'broken', detail: `no coverage from ${report}: ${why}` };
  }
  const coverage = readCoverage(text);
  if (typeof coverage === 'string') return { verdict: 'broken', detail: `${report} ${coverage}` };
  const older = whyOlder(report, coveredFiles(text), root);
  if (older !== undefined)
    return { verdict: 'broken', detail: `${report} ${older}: no suite has written it anew` };
  const least = min ?? 0;
  // Rounded down, so that what fails never looks like what is needed.
  const shown = (Math.floor(coverage * 100 + 1e-9) / 100).toFixed(2);
  const detail = `${shown} % of the lines, needs ${least} %`;
  return { verdict: coverage >= least ? 'passed' : 'failed', detail, coverage };
}

/** The clock of files ticks this coarsely, and some disks round more to one file than to another. */
const coarseMs = 50;

/**
 * That a file was written, put in its place or taken away after the report that counts it: what the report says is of
 * another tree. A file that is moved or restored keeps its mtime, not its ctime. One that is gone went after the
 * report if the folder where it lay changed since; else it is one that was generated for the tests, say.
 */
function whyOlder(report: string, files: readonly string[], root: string): string | undefined {
  const written = (timesOf(root, report)?.mtimeMs ?? 0) + coarseMs;
  const changed = (times: Stats | undefined): boolean =>
    times !== undefined && Math.max(times.mtimeMs, times.ctimeMs) > written;
  const known = new Map(files.map((file) => [file, timesOf(root, file)]));
  const newer = files.find((file) => changed(known.get(file)));
  if (newer !== undefined) return `is older than ${showName(newer)}, which it counts`;
  // Names relative to another folder tell nothing.
  const named = files.some((file) => known.get(file) && !path.isAbsolute(file));
  const gone = files.find((file) => {
    if (known.get(file) || path.relative(root, path.resolve(root, file)).startsWith('..')) return false;
    let folder = path.resolve(root, path.dirname(file));
    while (folder !== root && !timesOf(root, folder)) folder = path.dirname(folder);
    return (folder !== root || named || path.isAbsolute(file)) && changed(timesOf(root, folder));
  });
  return gone && `counts ${showName(gone)}, which is gone since`;
}

function timesOf(root: string, file: string): Stats | undefined {
  try {
    return statSync(path.resolve(root, file));
  } catch {
    return undefined; // it is not there, or named from another folder
  }
}

async function judgeCommand(command: string, gate: GateConfig, input: GateInput): Promise<Judged> {
  const warnings = warningCounter();
  const ended = await supervise(command, {
    cwd: input.root,
    env: input.env,
    timeoutMs: gate.timeoutMs,
    onOutput: warnings.add,
    ...(input.signal ? { signal: input.signal } : {}),
  });
  const broken = whyUnjudged(ended, gate.timeoutMs);
  if (broken !== undefined) return { verdict: 'broken', detail: broken };
  const exit = ended.code === 0 ? '' : `exit ${ended.code}`;
  if (gate.maxWarnings === undefined) {
    return ended.code === 0
      ? { verdict: 'passed', detail: 'exit 0' }
      : { verdict: 'failed', detail: `${exit}: ${lastLine(ended.tail)}` };
  }
  const count = warnings.count();
  const detail = [exit, `${plural(count, 'warning')}, allows ${gate.maxWarnings}`].filter(Boolean).join(', ');
  return { verdict: ended.code === 0 && count <= gate.maxWarnings ? 'passed' : 'failed', detail };
}

function lastLine(text: string): string {
  return stripAnsi(text).trimEnd().split('\n').at(-1)?.trim().slice(0, 200) || 'no output';
}
