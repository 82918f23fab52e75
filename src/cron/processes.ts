import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { listProcesses, run, self } from '../base/index.ts';
import type { CronDeps } from './types.ts';

/** Whether a daemon runs that looks at crontabs. On macOS launchd starts it when there is one to look at. */
export async function cronRuns(): Promise<boolean> {
  if (self.platform === 'darwin') return true;
  const daemon = /^(?:\S*\/)?(?:cron|crond|fcron|cronie)(?:\s|$)|busybox\S* crond/;
  return (await listProcesses()).some(({ command }) => daemon.test(command));
}

/** The name of this user. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(self.uid); // an id without a name
  }
}

/** Whether this user's systemd manager runs on without a login; only then a timer of theirs is of use. */
export async function lingers(deps: CronDeps): Promise<boolean> {
  const user = userName();
  const asked = await run(['loginctl', 'show-user', user, '--property=Linger'], {
    env: deps.env,
    timeoutMs: 5000,
  });
  if (asked.ok) return /^Linger=yes$/m.test(asked.stdout);
  return existsSync(path.join('/var/lib/systemd/linger', user));
}

/** The environment for `systemctl --user`: over ssh and under cron the way to the manager is not known. */
export function managerEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const runtime = `/run/user/${self.uid}`;
  return env['XDG_RUNTIME_DIR'] || !existsSync(runtime) ? env : { ...env, XDG_RUNTIME_DIR: runtime };
}

/** The text of a file; undefined when it is not there. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // not there, or not ours to read
  }
}
