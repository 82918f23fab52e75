import path from 'node:path';
import { DevenvError, ensureDir, packageRoot, self, replaceFile } from '../base/index.ts';
import { takeLock, whyNoLock } from '../store/index.ts';
import { crontabLines, readBlocks, strayLines, withBlock, withoutBlock } from './block.ts';
import { readCrontab, writeCrontab } from './crontab.ts';
import { clockTime, hostZone, nextDue } from './due.ts';
import { cronDir, dropJob, jobDir, readJob, writeJob } from './places.ts';
import { cronRuns, readIfThere } from './processes.ts';
import { installTimer, removeTimer, timerIds, unitFiles, whyNoSystemd } from './systemd.ts';
import type { Backend, CronDeps, Job } from './types.ts';
import { wrapperScript } from './wrapper.ts';

export interface InstallInput {
  readonly project: { readonly id: string; readonly name: string; readonly root: string };
  /** `HH:MM`. */
  readonly at: string;
  readonly backend: Backend | 'auto';
  /** The tmux server of the session, by its socket. */
  readonly socket: string;
  readonly dryRun: boolean;
}

/** What is (or, for a dry run, would be) in force. */
export interface Installed {
  readonly job: Job;
  /** false: all of it was there already. */
  readonly changed: boolean;
  /** What stands in the crontab or in the unit files. */
  readonly lines: readonly string[];
  /** Files that were written besides. */
  readonly files: readonly string[];
  /** Said to the user, a line each. */
  readonly warnings: readonly string[];
}

/**
 * Schedules a project's nightly run with cron or systemd. Everything that is not this project's stays byte for
 * byte.
 * @throws DevenvError 'environment' where it cannot work, with the remedy; then nothing was changed
 */
export async function installJob(deps: CronDeps, input: InstallInput): Promise<Installed> {
  const { backend, warnings } = await chooseBackend(deps, input.backend);
  const job = await describeJob(deps, input, backend);
  const wrapper = wrapperScript({
    ...input.project,
    node: job.node,
    program: job.program,
    log: path.join(jobDir(deps.env, job.id), 'output.log'),
    env: deps.env,
    socket: input.socket,
  });
  const lines = backend === 'cron' ? linesOf(job) : Object.values(unitFiles(job)).join('\n').split('\n');
  const known = readJob(deps.env, job.id);
  const strays = strayLines(await readCrontab(deps).catch(() => ''), job.id);
  const told = { job, lines, files: [job.wrapper], warnings: [...warnings, ...strays.map(keptLine)] };
  if (input.dryRun) return { ...told, changed: !(await isInForce(deps, job, wrapper)) };
  return alone(deps, async () => {
    const sameScript = readIfThere(job.wrapper) === wrapper;
    ensureDir(jobDir(deps.env, job.id));
    // First the script, so that the schedule never calls what is not there.
    if (!sameScript) replaceFile(job.wrapper, wrapper, 0o700);
    let scheduled: boolean;
    try {
      scheduled = backend === 'cron' ? await putBlock(deps, job) : await installTimer(deps, job);
    } catch (error) {
      if (!known) dropJob(deps.env, job.id);
      throw error;
    }
    const moved = backend === 'cron' ? await removeTimer(deps, job.id) : await takeBlock(deps, job.id);
    const changed = !sameScript || scheduled || moved;
    // The time since when a run may be missed begins with a new time of day.
    const installedAt = known?.at === job.at ? known.installedAt : job.installedAt;
    writeJob(deps.env, { ...job, installedAt });
    return { ...told, job: { ...job, installedAt }, changed };
  });
}

const keptLine = (line: string): string =>
  `stays, though it stands in devenv's block of the crontab: ${Buffer.from(line, 'latin1').toString()}`;

async function describeJob(deps: CronDeps, { project, at }: InstallInput, backend: Backend): Promise<Job> {
  const now = deps.clock.now();
  return {
    ...project,
    at,
    backend,
    wrapper: path.join(jobDir(deps.env, project.id), 'nightly'),
    node: self.execPath,
    program: path.join(packageRoot(), 'bin', 'devenv.js'),
    installedAt: now,
    nextAt: await nextDue(at, now, hostZone()),
  };
}

/** The crontab lines of a job. */
export function linesOf(job: Pick<Job, 'wrapper' | 'at'>): readonly string[] {
  return crontabLines(job.wrapper, ...clockTime(job.at));
}

async function chooseBackend(
  deps: CronDeps,
  wanted: Backend | 'auto',
): Promise<{ readonly backend: Backend; readonly warnings: readonly string[] }> {
  if (wanted === 'systemd') {
    const why = await whyNoSystemd(deps);
    if (why) throw why;
    return { backend: 'systemd', warnings: [] };
  }
  const runs = await cronRuns();
  if (wanted === 'cron') {
    await readCrontab(deps);
    return { backend: 'cron', warnings: runs ? [] : [`no cron daemon runs: ${startCron}`] };
  }
  const noCron = runs
    ? await readCrontab(deps).then(() => undefined, asError)
    : new DevenvError('environment', 'no cron daemon runs', startCron);
  if (!noCron) return { backend: 'cron', warnings: [] };
  // Markers that do not match are the user's to mend, whatever else there is.
  if (noCron.code === 'refused') throw noCron;
  const noSystemd = await whyNoSystemd(deps);
  if (!noSystemd) return { backend: 'systemd', warnings: [] };
  throw new DevenvError(
    'environment',
    `nothing here can start it every night: ${noCron.message}; ${noSystemd.message}`,
    `for cron: ${noCron.hint ?? ''}\n  for systemd: ${noSystemd.hint ?? ''}`,
  );
}

const startCron = 'sudo service cron start (Debian: apt-get install cron)';

function asError(error: unknown): DevenvError {
  if (error instanceof DevenvError) return error;
  throw error;
}

async function putBlock(deps: CronDeps, job: Job): Promise<boolean> {
  const before = await readCrontab(deps);
  const after = withBlock(before, job.id, linesOf(job));
  if (after === before) return false;
  await writeCrontab(deps, before, after);
  return true;
}

async function takeBlock(deps: CronDeps, id: string): Promise<boolean> {
  let before: string;
  try {
    before = await readCrontab(deps);
  } catch {
    return false; // no crontab can be read, so none of ours can be in it
  }
  const after = withoutBlock(before, id);
  if (after === before) return false;
  await writeCrontab(deps, before, after);
  return true;
}

async function isInForce(deps: CronDeps, job: Job, wrapper: string): Promise<boolean> {
  if (readIfThere(job.wrapper) !== wrapper) return false;
  if (job.backend === 'systemd') return timerIds(deps.env).includes(job.id);
  const text = await readCrontab(deps);
  return withBlock(text, job.id, linesOf(job)) === text;
}

/** Notes when a scheduled project is due next, so that nobody has to reckon it. */
export async function refreshJob(deps: CronDeps, id: string): Promise<void> {
  const job = readJob(deps.env, id);
  if (job) writeJob(deps.env, { ...job, nextAt: await nextDue(job.at, deps.clock.now(), hostZone()) });
}

export interface Removed {
  readonly id: string;
  /** What it was taken out of; empty when nothing was scheduled. */
  readonly from: readonly Backend[];
  /** It had been scheduled, whether or not it still was. */
  readonly known: boolean;
  /** Said to the user, a line each. */
  readonly warnings: readonly string[];
}

/**
 * Takes a project's schedule away, wherever it is. The crontab stays, even when nothing is left in it.
 * @throws DevenvError 'environment' when the crontab cannot be read although something of ours should be in it
 */
export async function removeJob(deps: CronDeps, id: string, dryRun = false): Promise<Removed> {
  const known = readJob(deps.env, id);
  return alone(deps, async () => {
    const before = await readCrontab(deps).catch((error: unknown) => {
      if (known?.backend === 'cron' || asError(error).code === 'refused') throw error;
      return '';
    });
    const inCrontab = readBlocks(before).some((block) => block.id === id);
    const inSystemd = timerIds(deps.env).includes(id);
    if (!dryRun) {
      if (inCrontab) await writeCrontab(deps, before, withoutBlock(before, id));
      if (inSystemd) await removeTimer(deps, id);
      dropJob(deps.env, id);
    }
    return {
      id,
      known: known !== undefined,
      warnings: strayLines(before, id).map(keptLine),
      from: [...(inCrontab ? (['cron'] as const) : []), ...(inSystemd ? (['systemd'] as const) : [])],
    };
  });
}

const patienceMs = 20_000;

/** One change of the schedule at a time: two would write over each other's lines. */
async function alone<T>(deps: CronDeps, work: () => Promise<T>): Promise<T> {
  ensureDir(cronDir(deps.env));
  const deadline = deps.clock.monotonic() + patienceMs;
  for (;;) {
    const lock = takeLock(deps.env, 'cron');
    if (typeof lock === 'object') {
      using _lock = lock;
      return await work();
    }
    if (lock === 'unavailable' || deps.clock.monotonic() > deadline)
      throw new DevenvError(
        'environment',
        lock === 'taken' ? 'another devenv changes the schedule' : whyNoLock(deps.env),
        lock === 'taken'
          ? 'try again'
          : 'make room there and make it writable, or set XDG_STATE_HOME to a folder elsewhere; devenv doctor says more',
      );
    await deps.clock.sleep(50);
  }
}
