import { hostZone, nextDue, type Job } from '../cron/index.ts';

/** When a scheduled night is due next. Apart, because `status` needs it only where nothing has written it down. */
export function nextNight(job: Pick<Job, 'at'>, now: number): Promise<number> {
  return nextDue(job.at, now, hostZone());
}
