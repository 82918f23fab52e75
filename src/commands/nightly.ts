import {
  DevenvError,
  exitCodes,
  formatAge,
  formatDuration,
  plural,
  formatTable,
  openLog,
  projectId,
} from '../base/index.ts';
import { bareProject, findRoot, loadProject, type Project } from '../config/index.ts';
import { hostZone, lastDue, readJob, readNights } from '../cron/index.ts';
import {
  exitOf,
  healSession,
  isBad,
  readReports,
  renderMarkdown,
  reportDir,
  runNightly,
  type Finished,
  type NightlyReport,
} from '../nightly/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { createTmux } from '../tmux/index.ts';
import { watchIgnored } from '../watch/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { requirePorts, withPorts } from './start.ts';
import { surroundings } from './watch.ts';

export interface NightlyCommandInput {
  /** Run only when no run came to an end since one was due. */
  readonly ifMissed: boolean;
  /** Print an old report: 1 is the last. */
  readonly report?: string | undefined;
  readonly history: boolean;
}

/** `devenv nightly`: the unattended run, now; or the reports of those before. */
export async function nightly(ctx: CommandContext, input: NightlyCommandInput): Promise<CommandResult> {
  if (input.report !== undefined) return showReport(ctx, readNumber(input.report));
  if (input.history) return history(ctx);
  const store = openStore(ctx.env, ctx.clock);
  try {
    const why = input.ifMissed ? await whyNotMissed(ctx, store) : undefined;
    if (why !== undefined) return { json: { ran: false, why }, text: `nothing was missed: ${why}` };
    return await run(ctx, store, input.ifMissed);
  } finally {
    store.close();
  }
}

async function run(ctx: CommandContext, store: Store, caughtUp: boolean): Promise<CommandResult> {
  const { project, mistake } = await readProject(ctx);
  const log = await openLog(ctx.env, { project: project.config.name, command: 'nightly' });
  const around = surroundings(ctx, project);
  const finished = await runNightly({ env: ctx.env, clock: ctx.clock, store, log }, project, {
    signal: ctx.signal,
    caughtUp,
    ignored: watchIgnored(project),
    onProgress: ctx.note,
    blocked: mistake,
    around: {
      ...around,
      heal: (signal) => {
        const deps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
        return healSession(deps, project, { preflight: requirePorts(deps, project, ctx.note), signal });
      },
    },
  });
  const exit = mistake ? exitCodes[mistake.code] : exitOf(finished.report.outcome);
  return { json: reportJson(finished), text: describe(ctx, finished), ...(exit === 0 ? {} : { exit }) };
}

/** The project; where its configuration has a mistake, what is wrong: then the night is blocked, and told. */
async function readProject(
  ctx: CommandContext,
): Promise<{ readonly project: Project; readonly mistake?: DevenvError }> {
  try {
    return { project: await withPorts(ctx, await loadProject({ cwd: ctx.cwd, env: ctx.env })) };
  } catch (error) {
    if (!(error instanceof DevenvError) || error.code === 'usage') throw error;
    return { project: bareProject({ cwd: ctx.cwd, env: ctx.env }), mistake: error };
  }
}

/** Why there is nothing to make up for; undefined when there is. */
async function whyNotMissed(ctx: CommandContext, store: Store): Promise<string | undefined> {
  const id = projectId(findRoot(ctx.cwd).root);
  const job = readJob(ctx.env, id);
  if (!job)
    throw new DevenvError('environment', 'no nightly run is scheduled here', 'devenv cron install does that');
  const due = await lastDue(job.at, ctx.clock.now(), hostZone());
  const ago = formatAge(ctx.clock.now() - due);
  if (due < job.installedAt) return 'no run was due since it was scheduled';
  // One that was killed is not the last one that ended.
  const { last } = readNights(store, id);
  const counts = last && last.startedAt >= due && !['interrupted', 'cut-short'].includes(last.outcome);
  return counts ? `the run that was due ${ago} ended: ${last.outcome}` : undefined;
}

function reportJson({ report, file }: Finished): unknown {
  return { ...report, files: { json: `${file}.json`, markdown: `${file}.md` } };
}

function describe({ colors }: CommandContext, { report, file }: Finished): string {
  const paint = isBad(report.outcome)
    ? colors.red
    : report.outcome === 'passed'
      ? colors.green
      : colors.yellow;
  const [word = '', ...rest] = report.summary.split(' ');
  return [
    `${paint(word)} ${rest.join(' ')}`,
    ...report.checklist.flatMap(({ ok, level, remedy }) =>
      !ok && level === 'error' && remedy ? [`  ${remedy}`] : [],
    ),
    ...report.warnings.map((text) => `warning: ${text}`),
    `report: ${file}.md`,
  ].join('\n');
}

function readNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new DevenvError('usage', `--report: not a number of a report: ${text}`, '1 is the last one');
}

/** Another run was in the way: it is in the history, but no night to number. */
const ran = ({ outcome }: NightlyReport): boolean => outcome !== 'skipped';

function pastReports(ctx: CommandContext, limit: number): readonly NightlyReport[] {
  // The folder is known by the project's place alone; its configuration may have a mistake by now.
  const project = bareProject({ cwd: ctx.cwd, env: ctx.env });
  return readReports(reportDir(ctx.env, project), limit);
}

function showReport(ctx: CommandContext, n: number): CommandResult {
  const found = pastReports(ctx, Infinity).filter(ran);
  const report = found[n - 1];
  if (!report)
    throw new DevenvError(
      'unknown-tag',
      found.length === 0
        ? 'there is no report yet'
        : `there is no report ${n}, only ${plural(found.length, 'report')}`,
      found.length === 0 ? 'devenv nightly writes one' : 'devenv nightly --history lists them',
    );
  return { json: report, text: renderMarkdown(report) };
}

const shownNights = 30;

function history(ctx: CommandContext): CommandResult {
  const nights = pastReports(ctx, shownNights);
  const { colors, clock } = ctx;
  const rows = nights.map((one, n) => [
    ran(one) ? String(nights.slice(0, n + 1).filter(ran).length) : '-',
    formatAge(clock.now() - Date.parse(one.startedAt)),
    (isBad(one.outcome) ? colors.red : colors.green)(one.outcome),
    formatDuration(one.durationMs),
    one.summary,
  ]);
  const head = ['N', 'AGE', 'OUTCOME', 'TOOK', ''].map((title) => colors.dim(title));
  return {
    json: { nights },
    text:
      rows.length === 0 ? 'there is no report yet: devenv nightly writes one' : formatTable([head, ...rows]),
  };
}
