import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { configBase, DevenvError, makeDir, run, type RunResult, replaceFile } from '../base/index.ts';
import { lingers, managerEnv, readIfThere, userName } from './processes.ts';
import type { CronDeps, Job } from './types.ts';

/** The unit files of a project's timer, by name. Pure. */
export function unitFiles(
  job: Pick<Job, 'id' | 'name' | 'at' | 'wrapper'>,
): Readonly<Record<string, string>> {
  const title = `devenv nightly of ${job.name}`.replaceAll('%', '%%').replaceAll(/\s+/g, ' ');
  return {
    [`devenv-${job.id}.service`]: `[Unit]
Description=${title}

[Service]
Type=oneshot
# Through the shell: the name of a program may hold less than an argument.
ExecStart=/bin/sh ${systemdWord(job.wrapper)}
# The session it starts or mends goes on running.
KillMode=process
`,
    [`devenv-${job.id}.timer`]: `[Unit]
Description=${title}

[Timer]
OnCalendar=*-*-* ${job.at}:00
Persistent=true
RandomizedDelaySec=60

[Install]
WantedBy=timers.target
`,
  };
}

/** A path as one argument in a unit file, where `%` and `$` mean something. */
function systemdWord(file: string): string {
  const text = file.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[\w@+=:,./%$-]+$/.test(text)) return text;
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

/** Where a user's own units lie. */
export function unitDir(env: NodeJS.ProcessEnv): string {
  return path.join(configBase(env), 'systemd', 'user');
}

/** The ids of the projects that have a timer. */
export function timerIds(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    return readdirSync(unitDir(env)).flatMap((name) => /^devenv-([0-9a-f]+)\.timer$/.exec(name)?.[1] ?? []);
  } catch {
    return []; // no such folder: no timers
  }
}

/** Why systemd cannot be used here, with the way out; undefined when it can. */
export async function whyNoSystemd(deps: CronDeps): Promise<DevenvError | undefined> {
  const asked = await systemctl(deps, ['show-environment']);
  if (asked.reason === 'missing')
    return new DevenvError('environment', 'systemd is not installed here', 'use cron: devenv cron install');
  if (!asked.ok)
    return new DevenvError(
      'environment',
      `systemd has no manager for this user: ${firstLine(asked)}`,
      `loginctl enable-linger ${userName()} starts one (it may need the administrator); or use cron`,
    );
  if (await lingers(deps)) return undefined;
  return new DevenvError(
    'environment',
    'a systemd timer would only run while you are logged in: lingering is off',
    `loginctl enable-linger ${userName()}, then try again; or: devenv cron install --backend cron`,
  );
}

/** Writes and starts the timer; where that fails, nothing of it stays. Returns whether anything changed. */
export async function installTimer(deps: CronDeps, job: Job): Promise<boolean> {
  const dir = unitDir(deps.env);
  const files = unitFiles(job);
  const same = Object.entries(files).every(([name, text]) => readIfThere(path.join(dir, name)) === text);
  if (same && (await timerRuns(deps, job.id))) return false;
  makeDir(dir);
  const before = Object.keys(files).map((name) => [name, readIfThere(path.join(dir, name))] as const);
  try {
    for (const [name, text] of Object.entries(files)) replaceFile(path.join(dir, name), text, 0o644);
    await must(deps, ['daemon-reload']);
    await must(deps, ['enable', `devenv-${job.id}.timer`]);
    // Another time counts only from a start.
    await must(deps, ['restart', `devenv-${job.id}.timer`]);
    if (!(await timerRuns(deps, job.id)))
      throw new DevenvError(
        'environment',
        `systemd did not start devenv-${job.id}.timer`,
        `systemctl --user status devenv-${job.id}.timer says why`,
      );
  } catch (error) {
    for (const [name, text] of before)
      if (text === undefined) rmSync(path.join(dir, name), { force: true });
      else replaceFile(path.join(dir, name), text, 0o644);
    await systemctl(deps, ['daemon-reload']);
    throw error;
  }
  return true;
}

/** Whether the timer of a project is running. */
export async function timerRuns(deps: CronDeps, id: string): Promise<boolean> {
  return (await systemctl(deps, ['is-active', `devenv-${id}.timer`])).ok;
}

/** Stops and removes the timer. Returns whether there was one. */
export async function removeTimer(deps: CronDeps, id: string): Promise<boolean> {
  const files = [`devenv-${id}.timer`, `devenv-${id}.service`].map((name) =>
    path.join(unitDir(deps.env), name),
  );
  if (!files.some((file) => existsSync(file))) return false;
  // Without a manager there is nothing to stop.
  await systemctl(deps, ['disable', '--now', `devenv-${id}.timer`]);
  for (const file of files) rmSync(file, { force: true });
  await systemctl(deps, ['daemon-reload']);
  return true;
}

async function must(deps: CronDeps, args: readonly string[]): Promise<void> {
  const done = await systemctl(deps, args);
  if (done.ok) return;
  throw new DevenvError(
    'environment',
    `systemctl --user ${args.join(' ')} failed: ${firstLine(done)}`,
    'nothing was changed; journalctl --user tells more',
  );
}

function systemctl({ env }: CronDeps, args: readonly string[]): Promise<RunResult> {
  return run(['systemctl', '--user', ...args], { env: managerEnv(env), timeoutMs: 15_000 });
}

const firstLine = ({ stderr, stdout, code }: RunResult): string =>
  (stderr.trim() || stdout.trim()).split('\n')[0] || `status ${code ?? '?'}`;
