import { run } from '../../base/index.ts';
import type { Probe } from './types.ts';

/** Ready when a shell command exits with 0. */
export const command: Probe<'command'> = async (config, { env, cwd, limitMs }) => {
  const result = await run(['/bin/sh', '-c', config.command], { env, cwd, timeoutMs: limitMs });
  if (result.ok) return { ok: true, detail: `${config.command} succeeded` };
  const how =
    result.reason === 'timeout'
      ? 'takes too long'
      : `exited with status ${result.code ?? result.signal ?? '?'}`;
  return { ok: false, detail: `${config.command} ${how}` };
};
