import { hostname } from 'node:os';
import { plural } from '../base/index.ts';
import { describeUntold, type Verification } from '../verify/index.ts';
import type { Project } from '../config/index.ts';
import type { Judged } from './judge.ts';
import { isSlow, median, summarise } from './outcome.ts';
import type { CheckResult, NightlyReport, Outcome, SessionReport, SuiteReport, Undone } from './types.ts';

/** What came of a run, before it is written down. */
export interface Found {
  readonly outcome: Outcome;
  /** What is wrong, in one line. */
  readonly why?: string | undefined;
  readonly checklist: readonly CheckResult[];
  readonly session?: SessionReport | undefined;
  readonly judged?: Judged | undefined;
  /** Further things to be told. */
  readonly warnings: readonly string[];
}

/** Around a run. */
export interface Frame {
  readonly project: Project;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly durationMs: number;
  readonly caughtUp: boolean;
  readonly log: string | null;
  /** Reports of the nights before, newest first. */
  readonly before: readonly NightlyReport[];
  readonly mask: (text: string) => string;
}

/** So many nights tell what is usual. */
export const comparedNights = 7;

/** The report of a night. Pure. */
export function composeReport(found: Found, frame: Frame): NightlyReport {
  const { project, before, mask } = frame;
  const { judged, session = null } = found;
  const ran = judged?.verification;
  const suites = (ran?.suites ?? []).map((suite) => toSuite(suite, before, mask));
  const undone = toUndone(judged);
  const iso = (at: number): string => new Date(at).toISOString();
  const coverage = ran?.gates.find((gate) => gate.coverage !== undefined)?.coverage ?? null;
  const told = {
    outcome: found.outcome,
    suites,
    checkpoint: judged?.checkpoint ?? null,
    undone,
    decisions: (judged?.decisions ?? []).map(mask),
    durationMs: Math.round(frame.durationMs),
  };
  const usualMs = median(before.map((one) => one.durationMs));
  return {
    version: 1,
    project: project.config.name,
    root: project.root,
    host: hostname(),
    startedAt: iso(frame.startedAt),
    endedAt: iso(frame.endedAt),
    ...told,
    summary: mask(summarise(told, found.why ?? ran?.why)),
    caughtUp: frame.caughtUp,
    checklist: found.checklist,
    session,
    tree: ran?.tree ?? null,
    notRun: wanted(project).filter((name) => !suites.some((suite) => suite.name === name)),
    gates: (ran?.gates ?? []).map((gate) => ({ ...gate, detail: mask(gate.detail) })),
    coverage,
    warnings: [...found.warnings, ...warningsOf(found, { suites, coverage, before })].map(mask),
    usualMs,
    lastNights: before.map(({ startedAt, outcome, durationMs }) => ({ startedAt, outcome, durationMs })),
    news: null,
    notified: [],
    log: frame.log,
  };
}

function wanted({ config }: Project): readonly string[] {
  const { suites, gates } = config.nightly;
  const ofGates = config.gates
    .filter(({ name }) => gates.includes(name))
    .flatMap((gate) => gate.suites ?? []);
  return [...new Set([...suites, ...ofGates])];
}

function toSuite(
  { output: _output, partial: _partial, failures, ...rest }: Verification['suites'][number],
  before: readonly NightlyReport[],
  mask: (text: string) => string,
): SuiteReport {
  // A run that failed was run again: it says nothing of how long it usually takes.
  const usual = before.flatMap((night) =>
    night.suites.filter((one) => one.name === rest.name && one.verdict === 'passed'),
  );
  return {
    ...rest,
    ...(rest.why === undefined ? {} : { why: mask(rest.why) }),
    failures: failures.map(({ id: _id, ...one }) => ({ ...one, message: mask(one.message) })),
    usualMs: median(usual.map((one) => one.durationMs)),
  };
}

function toUndone(judged: Judged | undefined): Undone | null {
  if (!judged?.undone) return null;
  const { to, from, undo, written, deleted, restarted } = judged.undone;
  const n = /(\d+)$/.exec(undo ?? '')?.[1];
  return {
    to,
    from,
    undo,
    written,
    deleted,
    restarted,
    back: 'devenv undo',
    backLater: n === undefined ? 'devenv undo' : `devenv rollback undo/${n}`,
  };
}

function warningsOf(
  { checklist, session, judged }: Found,
  night: {
    readonly suites: readonly SuiteReport[];
    readonly coverage: number | null;
    readonly before: readonly NightlyReport[];
  },
): readonly string[] {
  const { suites, coverage, before } = night;
  const amiss = checklist.filter(({ ok, level }) => !ok && level === 'warning');
  const flaky = suites.filter(({ verdict }) => verdict === 'flaky');
  const slow = suites.filter((one) => one.verdict === 'passed' && isSlow(one.durationMs, one.usualMs));
  const last = before.find((one) => one.coverage !== null)?.coverage ?? null;
  const untold = judged?.verification?.untold ?? [];
  return [
    ...amiss.map(({ name, message }) => `${name}: ${message}`),
    ...(session?.state === 'failed' ? [`the session could not be started: ${session.why ?? ''}`] : []),
    ...(session?.restarted.length
      ? [`restarted, since they had failed: ${session.restarted.join(', ')}`]
      : []),
    ...(session?.notReady ?? []),
    ...flaky.map((one) => `${one.name} is flaky: ${plural(one.flaky, 'test')} needed a second try`),
    ...slow.map((one) => `${one.name} took ${times(one.durationMs, one.usualMs)} as long as usual`),
    ...(coverage !== null && last !== null && last - coverage >= 1
      ? [`coverage fell from ${last.toFixed(2)} % to ${coverage.toFixed(2)} %`]
      : []),
    ...(judged?.verification?.verdict === 'stale' ? [stale] : []),
    ...(judged?.undone?.restartError === undefined
      ? []
      : [`a service could not be restarted after the reset: ${judged.undone.restartError}`]),
    ...(untold.length > 0 ? [`no checkpoint can hold ${describeUntold(untold)}`] : []),
  ];
}

const stale =
  'what tests and services write belongs into .gitignore; with checkpoint.verify_in: worktree edits do not matter';

const times = (ms: number, usualMs: number | null): string => `${(ms / (usualMs || 1)).toFixed(1)} times`;
