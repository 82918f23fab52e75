import { spawn } from 'node:child_process';
import { messageOf, sendSignal } from '../../base/index.ts';
import type { Probe, ProbeResult } from './types.ts';

/** Ready when a shell command exits with 0. One that takes too long is killed with all it started. */
export const command: Probe<'command'> = (config, { env, cwd, limitMs }) =>
  new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', config.command], { env, cwd, stdio: 'ignore', detached: true });
    const done = (result: ProbeResult): void => {
      clearTimeout(timer);
      resolve(result);
    };
    const timer = setTimeout(() => {
      if (child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL');
      done({ ok: false, detail: `${config.command} takes too long` });
    }, limitMs);
    child.once('error', (error) => done({ ok: false, detail: messageOf(error) }));
    child.once('exit', (code, signal) => {
      const how = code === null ? `was ended by ${signal}` : `exited with status ${code}`;
      done({
        ok: code === 0,
        detail: code === 0 ? `${config.command} succeeded` : `${config.command} ${how}`,
      });
    });
  });
