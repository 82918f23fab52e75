import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ensureDir, stateDir, replaceFile } from '../base/index.ts';
import type { Job } from './types.ts';

/** `<state dir>/cron`: backups of the crontab, and a folder for each scheduled project. */
export const cronDir = (env: NodeJS.ProcessEnv): string => path.join(stateDir(env), 'cron');

/** The folder of one project's schedule: its script, and what was scheduled. */
export const jobDir = (env: NodeJS.ProcessEnv, id: string): string => path.join(cronDir(env), id);

const jobFile = (env: NodeJS.ProcessEnv, id: string): string => path.join(jobDir(env, id), 'job.json');

/** What was scheduled for a project; undefined when nothing is. One small file, no process. */
export function readJob(env: NodeJS.ProcessEnv, id: string): Job | undefined {
  try {
    const job: unknown = JSON.parse(readFileSync(jobFile(env, id), 'utf8'));
    return isJob(job) ? job : undefined;
  } catch {
    return undefined; // none, or one that somebody has edited: the crontab tells what is in force
  }
}

function isJob(value: unknown): value is Job {
  if (typeof value !== 'object' || value === null) return false;
  const texts = ['id', 'name', 'root', 'at', 'backend', 'wrapper', 'node', 'program'];
  const fields = new Map<string, unknown>(Object.entries(value));
  return (
    texts.every((key) => typeof fields.get(key) === 'string') &&
    ['installedAt', 'nextAt'].every((key) => typeof fields.get(key) === 'number') &&
    /^\d\d:\d\d$/.test(String(fields.get('at')))
  );
}

/** The projects of which something is known to be scheduled. */
export function jobIds(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    return readdirSync(cronDir(env)).filter((id) => readJob(env, id) !== undefined);
  } catch {
    return []; // nothing was ever scheduled
  }
}

/** Keeps what was scheduled. */
export function writeJob(env: NodeJS.ProcessEnv, job: Job): void {
  replaceFile(path.join(ensureDir(jobDir(env, job.id)), 'job.json'), `${JSON.stringify(job)}\n`);
}

/** Forgets a project's schedule. */
export function dropJob(env: NodeJS.ProcessEnv, id: string): void {
  rmSync(jobDir(env, id), { recursive: true, force: true });
}
