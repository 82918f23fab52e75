import { DevenvError, formatTable, projectId } from '../base/index.ts';
import { findRoot, loadProject, type Project } from '../config/index.ts';
import {
  hostZone,
  installJob,
  isChangeHour,
  listJobs,
  nextDue,
  readJob,
  removeJob,
  usualTime,
  type Backend,
  type Installed,
} from '../cron/index.ts';
import { openStore } from '../store/index.ts';
import { createTmux } from '../tmux/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { nightFacts, type NightFacts } from './night-facts.ts';

export interface CronInput {
  readonly action: 'install' | 'list' | 'remove';
  readonly at?: string | undefined;
  readonly backend?: string | undefined;
  /** For a project that is not here any more. */
  readonly id?: string | undefined;
  readonly dryRun: boolean;
}

/** `devenv cron install|list|remove`: the schedule of the nightly run. */
export async function cron(ctx: CommandContext, input: CronInput): Promise<CommandResult> {
  if (input.action === 'install') return install(ctx, input);
  return input.action === 'list' ? list(ctx) : remove(ctx, input);
}

async function install(ctx: CommandContext, input: CronInput): Promise<CommandResult> {
  const given = input.at === undefined ? undefined : readTime(input.at);
  const backend = readBackend(input.backend);
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
  const { id, root, config } = project;
  const known = readJob(ctx.env, id)?.at;
  const at = given ?? config.nightly.at ?? known ?? usualTime(id);
  const done = await installJob(ctx, {
    project: { id, root, name: config.name },
    at,
    backend,
    socket: createTmux(ctx.env).socket,
    dryRun: input.dryRun,
  });
  for (const warning of [...done.warnings, ...warningsOf(project, done.job.at)])
    ctx.note(`warning: ${warning}`);
  return {
    json: { ...jobJson(done), changed: done.changed, lines: done.lines, files: done.files },
    text: describeInstall(ctx, done, input.dryRun),
    ...(input.dryRun ? {} : { next: 'devenv status shows the last night, devenv cron remove ends it' }),
  };
}

function readTime(text: string): string {
  if (/^([01]?\d|2[0-3]):[0-5]\d$/.test(text)) return text.padStart(5, '0');
  throw new DevenvError(
    'usage',
    `--at: not a time of day: ${text}`,
    'from 00:00 to 23:59, for example 04:17',
  );
}

const backends = ['auto', 'cron', 'systemd'] as const;

function readBackend(text = 'auto'): Backend | 'auto' {
  const found = backends.find((one) => one === text);
  if (found) return found;
  throw new DevenvError('usage', `--backend: no such one: ${text}`, `one of ${backends.join(', ')}`);
}

function warningsOf({ config }: Project, at: string): readonly string[] {
  return [
    ...(isChangeHour(at) && hostZone() !== 'UTC'
      ? [`when clocks are changed ${at} may come twice or not at all; 04:00 or later is safe`]
      : []),
    ...(config.nightly.suites.length + config.nightly.gates.length === 0
      ? ['there is no suite and no gate to run: add one under `suites:` in devenv.yaml']
      : []),
  ];
}

function jobJson({ job }: Pick<Installed, 'job'>) {
  const { id, name, root, at, backend, nextAt, wrapper } = job;
  const next = new Date(nextAt).toISOString();
  return { id, project: name, root, at, zone: hostZone(), backend, nextAt: next, script: wrapper };
}

function describeInstall(
  { colors }: CommandContext,
  { job, changed, lines }: Installed,
  dryRun: boolean,
): string {
  const what = dryRun
    ? changed
      ? 'would be scheduled'
      : 'is scheduled already'
    : changed
      ? 'scheduled'
      : 'unchanged: scheduled';
  const where = job.backend === 'cron' ? 'in the crontab' : `as devenv-${job.id}.timer`;
  const shown = lines
    .filter(Boolean)
    .map((line) => colors.dim(`  ${Buffer.from(line, 'latin1').toString()}`));
  return [
    `${colors.bold(job.name)} ${what} every night at ${job.at} (${hostZone()}), ${where}`,
    ...(job.backend === 'cron' ? shown : []),
  ].join('\n');
}

async function list(ctx: CommandContext): Promise<CommandResult> {
  const { jobs, problem } = await listJobs(ctx);
  const zone = hostZone();
  const store = openStore(ctx.env, ctx.clock);
  try {
    const rows = await Promise.all(
      jobs.map(async (found) => ({
        id: found.id,
        project: found.job?.name ?? null,
        root: found.job?.root ?? null,
        at: found.job?.at ?? null,
        zone,
        backend: found.backend,
        nextAt: found.job ? new Date(await nextDue(found.job.at, ctx.clock.now(), zone)).toISOString() : null,
        last: lastOf(await nightFacts(ctx, store, found.id)),
        drift: found.drift,
      })),
    );
    if (problem !== undefined) ctx.note(`warning: ${problem}`);
    return { json: { jobs: rows, problem: problem ?? null }, text: listText(ctx, rows) };
  } finally {
    store.close();
  }
}

function lastOf({ lastAt, outcome }: NightFacts): Row['last'] {
  return lastAt === null || outcome === null ? null : { at: lastAt, outcome };
}

interface Row {
  readonly id: string;
  readonly project: string | null;
  readonly at: string | null;
  readonly backend: string;
  readonly nextAt: string | null;
  readonly last: { readonly at: string; readonly outcome: string } | null;
  readonly drift: readonly string[];
}

function listText({ colors }: CommandContext, rows: readonly Row[]): string {
  if (rows.length === 0) return 'nothing is scheduled; devenv cron install schedules this project';
  const local = (iso: string): string => {
    const at = new Date(iso);
    const two = (n: number): string => String(n).padStart(2, '0');
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
  };
  const head = ['PROJECT', 'AT', 'WITH', 'NEXT', 'LAST', ''].map((title) => colors.dim(title));
  const body = rows.flatMap((row) => [
    [
      row.project ?? row.id,
      row.at ?? '?',
      row.backend,
      row.nextAt === null ? '?' : local(row.nextAt),
      row.last === null ? 'never' : `${local(row.last.at)} ${row.last.outcome}`,
      row.drift.length === 0 ? colors.green('ok') : colors.red('does not work as it is'),
    ],
  ]);
  const drift = rows.flatMap((row) => row.drift.map((text) => `${row.project ?? row.id}: ${text}`));
  return [formatTable([head, ...body]), ...drift].join('\n');
}

async function remove(ctx: CommandContext, input: CronInput): Promise<CommandResult> {
  const id = input.id ?? projectId(findRoot(ctx.cwd).root);
  if (!/^[A-Za-z0-9_-]+$/.test(id))
    throw new DevenvError('usage', `--id: no such id: ${id}`, 'devenv cron list --json shows them');
  const { from, known, warnings } = await removeJob(ctx, id, input.dryRun);
  for (const warning of warnings) ctx.note(`warning: ${warning}`);
  const where = from.map((one) => (one === 'cron' ? 'the crontab' : 'systemd')).join(' and ');
  const gone = 'it was in no crontab any more; now it is forgotten';
  const verb = input.dryRun ? 'would be taken out of' : 'taken out of';
  return {
    json: { id, removed: from },
    text:
      from.length > 0 ? `${verb} ${where}; the reports stay` : known ? gone : 'nothing was scheduled here',
  };
}
