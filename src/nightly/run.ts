import { endMarked, formatAge, formatDuration, messageOf, self } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import { readNights, writeNights, type Night } from '../cron/index.ts';
import { repoOf } from '../verify/index.ts';
import { runChecklist } from './checklist.ts';
import { comparedNights, composeReport, type Found, type Frame } from './compose.ts';
import { finish, writeSkipped, type Finished } from './finish.ts';
import { judgeNight } from './judge.ts';
import { giveBack, takeNight, takeWatch } from './lock.ts';
import { masker, openOutput, type Output } from './output.ts';
import { claimReport, readReports, reportDir } from './places.ts';
import type { CheckResult, NightlyDeps, NightlyReport, OnProgress, Surroundings } from './types.ts';

export interface NightlyInput {
  /** Ends the run, whatever it is at; the report is written all the same. */
  readonly signal: AbortSignal;
  readonly around: Surroundings;
  readonly ignored: (path: string) => boolean;
  /** It makes up for a run that was missed. */
  readonly caughtUp: boolean;
  readonly onProgress: OnProgress;
  /** Why the project cannot be judged at all (a mistake in its configuration). */
  readonly blocked?: { readonly message: string; readonly hint: string | undefined } | undefined;
}

/** In the environment of every suite and gate that it runs. */
const markName = 'DEVENV_NIGHTLY';

/**
 * The unattended run: lock, checklist, session, all suites and gates, what follows from the verdict, report, news.
 * Resolves when nothing of it runs any more.
 * @throws DevenvError 'state-dir' where no report can be written
 */
export async function runNightly(
  deps: NightlyDeps,
  project: Project,
  input: NightlyInput,
): Promise<Finished> {
  const lock = await takeNight(deps, project.id);
  if ('pid' in lock) return writeSkipped(deps, project, { caughtUp: input.caughtUp, holder: lock });
  using _lock = lock;
  const startedAt = deps.clock.now();
  const began = deps.clock.monotonic();
  const file = claimReport(reportDir(deps.env, project), startedAt);
  const mask = masker(deps.env, project);
  const { last, cutShort } = begin(deps, project, startedAt);
  const output = openOutput(`${file}.log`, mask);
  // What a killed run left behind would hold ports and files.
  await endMarked(deps.clock, `${markName}=${project.id}`);
  const found = await within(deps, project, { ...input, output });
  output.end();
  const frame: Frame = {
    project,
    startedAt,
    endedAt: deps.clock.now(),
    durationMs: deps.clock.monotonic() - began,
    caughtUp: input.caughtUp,
    log: `${file}.log`,
    before: pastNights(deps, project),
    mask,
  };
  const warnings = [...(cutShort === undefined ? [] : [cutShort]), ...found.warnings];
  const composed = composeReport({ ...found, warnings }, frame);
  const report = await finish(deps, project, { composed, file, last });
  return { report, file };
}

/** Notes that it runs; says what became of one before that never ended. */
function begin(
  { store, clock }: NightlyDeps,
  { id }: Project,
  startedAt: number,
): { readonly last: Night | undefined; readonly cutShort: string | undefined } {
  const before = readNights(store, id);
  const killed = before.running;
  const last: Night | undefined = killed
    ? {
        startedAt: killed.startedAt,
        endedAt: killed.startedAt,
        outcome: 'cut-short',
        bad: true,
        report: null,
      }
    : before.last;
  writeNights(store, id, { last, running: { pid: self.pid, startedAt } });
  const cutShort = killed
    ? `the run before was cut short: it began ${formatAge(clock.now() - killed.startedAt)} and never ended (process ${killed.pid})`
    : undefined;
  return { last, cutShort };
}

function pastNights({ env }: NightlyDeps, project: Project): readonly NightlyReport[] {
  return readReports(reportDir(env, project), 3 * comparedNights)
    .filter(({ outcome }) => outcome !== 'skipped')
    .slice(0, comparedNights);
}

type RunInput = NightlyInput & { readonly output: Output };

/** The run itself, within its time. What goes wrong in it is an outcome, too. */
async function within(deps: NightlyDeps, project: Project, input: RunInput): Promise<Found> {
  const ended = new AbortController();
  const limit = new AbortController();
  const { timeoutMs } = project.config.nightly;
  const timing = async (): Promise<void> => {
    await deps.clock.sleep(timeoutMs, ended.signal);
    if (!ended.signal.aborted) limit.abort();
  };
  void timing();
  const signal = AbortSignal.any([input.signal, limit.signal]);
  let found: Found;
  try {
    found = await go(deps, project, { ...input, signal });
  } catch (error) {
    deps.log.error({ error: messageOf(error) }, 'the nightly run could not do its work');
    found = { outcome: 'error', why: messageOf(error), checklist: [], warnings: [] };
  } finally {
    ended.abort();
  }
  const settled = found.outcome === 'blocked' || found.judged?.undone !== undefined;
  if (input.signal.aborted) return { ...found, outcome: 'interrupted', why: 'a signal ended it' };
  if (!limit.signal.aborted || settled) return found;
  const why = `not done within nightly.timeout (${formatDuration(timeoutMs)}); everything it ran was ended`;
  return { ...found, outcome: 'timed-out', why };
}

async function go(deps: NightlyDeps, project: Project, input: RunInput): Promise<Found> {
  const { signal, onProgress } = input;
  const repo = input.blocked ? undefined : await repoOf(deps, project);
  const checklist = input.blocked ? [mistake(input.blocked)] : await runChecklist(deps, project, repo);
  const blocking = checklist.find(({ ok, level }) => !ok && level === 'error');
  if (blocking || !repo) {
    const why = blocking && `${blocking.name}: ${blocking.message}`;
    // Who is to be told stands in the file that has the mistake.
    const warnings = input.blocked ? ['nobody was told: nightly.notify could not be read'] : [];
    return { outcome: 'blocked', why, checklist, warnings };
  }
  const lock = await takeWatch(deps, project, input);
  try {
    onProgress('looking after the session');
    const session = await input.around.heal(signal);
    const judged = await judgeNight({ ...deps, env: { ...deps.env, [markName]: project.id } }, project, {
      ...input,
      repo,
      lock: lock.state(),
      events: eventsOf(input),
    });
    const { verdict = 'stale', why } = judged.verification ?? { why: 'the tree changed all the time' };
    const problem = deps.store.problem();
    return {
      outcome: verdict === 'stopped' ? 'interrupted' : verdict,
      why,
      checklist,
      session,
      judged,
      warnings: problem === undefined ? [] : [problem],
    };
  } finally {
    giveBack(deps, project, lock);
  }
}

const mistake = ({ message, hint = '' }: NonNullable<NightlyInput['blocked']>): CheckResult => ({
  name: 'configuration',
  ok: false,
  level: 'error',
  message,
  remedy: hint,
});

function eventsOf({ output, onProgress }: RunInput): Parameters<typeof judgeNight>[2]['events'] {
  return {
    start: (suite) => {
      output.title(suite);
      onProgress(`running ${suite}`);
    },
    output: (_, chunk) => output.write(chunk),
    rerun: ({ name }) => {
      output.title(`${name}: what failed, again`);
      onProgress(`${name} failed; running what failed again`);
    },
    result: ({ name, verdict }) => onProgress(`${name} ${verdict}`),
  };
}
