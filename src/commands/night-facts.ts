import { formatAge, formatDuration } from '../base/index.ts';
import { isOverdue, readJob, readNights, runningNight, type Job } from '../cron/index.ts';
import type { Store } from '../store/index.ts';
import type { CommandContext } from './context.ts';

/** The last nightly run, as `status` shows it; times are ISO 8601 in UTC. */
export interface NightFacts {
  readonly lastAt: string | null;
  /** `cut-short`: it was killed. */
  readonly outcome: string | null;
  /** The report for people. */
  readonly report: string | null;
  /** It is scheduled, and for more than 26 hours none was begun. */
  readonly overdue: boolean;
  /** null: none is scheduled. */
  readonly nextAt: string | null;
  /** One is under way since then. */
  readonly runningSince: string | null;
}

/** What is known of a project's nights: one fact and one small file, no process. */
export async function nightFacts(
  { env, clock }: Pick<CommandContext, 'env' | 'clock'>,
  store: Store,
  id: string,
): Promise<NightFacts> {
  const nights = readNights(store, id);
  const job = readJob(env, id);
  const now = clock.now();
  const running = nights.running && runningNight(env, store, id);
  const killed = running ? undefined : nights.running;
  const lastAt = killed?.startedAt ?? nights.last?.startedAt;
  const iso = (at: number | undefined): string | null =>
    at === undefined ? null : new Date(at).toISOString();
  return {
    lastAt: iso(lastAt),
    outcome: killed ? 'cut-short' : (nights.last?.outcome ?? null),
    report: killed || !nights.last?.report ? null : `${nights.last.report}.md`,
    overdue: job !== undefined && !running && isOverdue(lastAt, job.installedAt, now),
    nextAt: job ? iso(await nextOf(job, now)) : null,
    runningSince: iso(running?.startedAt),
  };
}

async function nextOf(job: Job, now: number): Promise<number> {
  // Written down by the run before; only where that is missing it has to be reckoned.
  if (job.nextAt > now) return job.nextAt;
  return (await import('./next-night.ts')).nextNight(job, now);
}

/** The line of `status`; undefined where nothing is scheduled and none ever ran. */
export function nightLine({ colors, clock }: CommandContext, facts: NightFacts): string | undefined {
  const { lastAt, outcome, overdue, nextAt, runningSince, report } = facts;
  if (lastAt === null && nextAt === null && runningSince === null) return undefined;
  const now = clock.now();
  const age = (iso: string): string => formatAge(Math.max(0, now - Date.parse(iso)));
  const next = nextAt === null ? 'not scheduled' : `next in ${formatDuration(Date.parse(nextAt) - now)}`;
  const rest = colors.dim(runningSince === null ? `, ${next}` : `, running since ${age(runningSince)}`);
  if (lastAt === null || outcome === null) {
    const none = overdue ? colors.red('none yet, overdue') : colors.dim('none yet');
    return `last night: ${none}${rest}`;
  }
  const good = outcome === 'passed' || outcome === 'flaky';
  const paint = good && !overdue ? (outcome === 'passed' ? colors.green : colors.yellow) : colors.red;
  const late = overdue ? ', overdue: devenv doctor says why' : '';
  const where = good || report === null ? '' : colors.dim(`; ${report}`);
  return `last night: ${paint(`${outcome} ${age(lastAt)}${late}`)}${rest}${where}`;
}
