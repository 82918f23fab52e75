import { existsSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../base/index.ts';
import { readBlocks, type Block } from './block.ts';
import { readCrontab } from './crontab.ts';
import { linesOf } from './install.ts';
import { jobIds, readJob } from './places.ts';
import { cronRuns, readIfThere } from './processes.ts';
import { timerIds, timerRuns, unitDir, unitFiles } from './systemd.ts';
import type { Backend, CronDeps, Job } from './types.ts';

/** A schedule that is in force, or should be. */
export interface ListedJob {
  readonly id: string;
  readonly backend: Backend;
  /** What was scheduled; undefined when only the lines are there. */
  readonly job: Job | undefined;
  /** What keeps it from working, or is not as it was written; a line each, with the remedy. */
  readonly drift: readonly string[];
}

/** Every schedule that devenv made for this user, and `problem`: why the crontab could not be read. */
export async function listJobs(
  deps: CronDeps,
): Promise<{ readonly jobs: readonly ListedJob[]; readonly problem: string | undefined }> {
  let blocks: readonly Block[] = [];
  let problem: string | undefined;
  try {
    blocks = readBlocks(await readCrontab(deps));
  } catch (error) {
    problem = messageOf(error);
  }
  const daemon = await cronRuns();
  const timers = timerIds(deps.env);
  const lost = jobIds(deps.env).filter((id) => !timers.includes(id) && !blocks.some((one) => one.id === id));
  const jobs = await Promise.all([
    ...blocks.map((block) => listed(deps, block.id, 'cron', (job) => cronDrift(block, job, daemon))),
    ...timers.map((id) => listed(deps, id, 'systemd', (job) => timerDrift(deps, id, job))),
    ...lost.map((id) => listed(deps, id, undefined, (job) => [whyLost(deps, job, problem)])),
  ]);
  return { jobs, problem };
}

async function listed(
  deps: CronDeps,
  id: string,
  backend: Backend | undefined,
  look: (job: Job | undefined) => readonly string[] | Promise<readonly string[]>,
): Promise<ListedJob> {
  const job = readJob(deps.env, id);
  return {
    id,
    backend: backend ?? job?.backend ?? 'cron',
    job,
    drift: [...(await look(job)), ...missingFiles(job)],
  };
}

/** A schedule that was made and is in no crontab any more is one that does not work. */
function whyLost({ env }: CronDeps, job: Job | undefined, problem: string | undefined): string {
  if (job?.backend === 'systemd')
    return `it is not in ${unitDir(env)} any more: devenv cron install puts it back, devenv cron remove forgets it`;
  return (
    problem ??
    'it is not in the crontab any more: devenv cron install puts it back, devenv cron remove forgets it'
  );
}

const again = 'devenv cron install writes it anew';

function cronDrift(block: Block, job: Job | undefined, daemon: boolean): readonly string[] {
  return [
    ...(daemon ? [] : ['no cron daemon runs, so nothing starts it: sudo service cron start']),
    ...(job && block.lines.join('\n') !== linesOf(job).join('\n')
      ? [`its lines in the crontab were edited: ${again}`]
      : []),
    ...(job ? [] : [`what was scheduled is not known any more: ${again}`]),
  ];
}

async function timerDrift(deps: CronDeps, id: string, job: Job | undefined): Promise<readonly string[]> {
  const files = job ? Object.entries(unitFiles(job)) : [];
  const edited = files.some(([name, text]) => readIfThere(path.join(unitDir(deps.env), name)) !== text);
  return [
    ...((await timerRuns(deps, id)) ? [] : [`its timer does not run: ${again}`]),
    ...(edited ? [`its unit files were edited: ${again}`] : []),
    ...(job ? [] : [`what was scheduled is not known any more: ${again}`]),
  ];
}

function missingFiles(job: Job | undefined): readonly string[] {
  if (!job) return [];
  const { wrapper, node, program, root } = job;
  const gone = [wrapper, node, program].find((file) => !existsSync(file));
  return [
    ...(gone === undefined ? [] : [`it calls ${gone}, which is gone: ${again}`]),
    ...(existsSync(root) ? [] : [`its project is gone: devenv cron remove --id ${job.id} forgets it`]),
  ];
}
