import { projectId } from '../../base/index.ts';
import { hostZone, isOverdue, listJobs, readNights } from '../../cron/index.ts';
import { openStore } from '../../store/index.ts';
import { fine, problem, type Check, type Finding } from './check.ts';

/** The schedule of the nightly run: as it was written, all it calls is there, the daemon runs, and it ran. */
export const schedule: Check = async ({ ctx, root }) => {
  const id = projectId(root);
  const { jobs } = await listJobs(ctx);
  const found = jobs.find((one) => one.id === id);
  if (!found) return fine('cron', 'no nightly run is scheduled (devenv cron install does that)');
  const findings = found.drift.map((text): Finding => {
    const [message = text, ...remedy] = text.split(': ');
    return problem('warning', 'cron', { message, remedy: remedy.join(': ') });
  });
  const { job } = found;
  if (findings.length > 0 || !job) return findings;
  const store = openStore(ctx.env, ctx.clock);
  try {
    const { last } = readNights(store, id);
    if (!isOverdue(last?.startedAt, job.installedAt, ctx.clock.now()))
      return fine('cron', `every night at ${job.at} (${hostZone()}) with ${found.backend}`);
  } finally {
    store.close();
  }
  return problem('warning', 'cron', {
    message: `scheduled at ${job.at}, but for more than a day none was begun`,
    remedy: `run it by hand as ${found.backend} does: ${job.wrapper}; what it printed is in output.log beside it`,
  });
};
