import path from 'node:path';
import type { Logger } from 'pino';
import { ensureDir } from './disk.ts';
import { stateDir } from './paths.ts';

/**
 * devenv's own diary, one JSON object a line, for what happens when nobody looks (the watcher, the
 * checkpointer). It is written to `<state dir>/devenv.log`; where that cannot be written it is silent.
 */
export async function openLog(
  env: NodeJS.ProcessEnv,
  bindings: Readonly<Record<string, unknown>> = {},
): Promise<Logger> {
  const { pino } = await import('pino');
  const options = { base: { pid: process.pid, ...bindings }, timestamp: pino.stdTimeFunctions.isoTime };
  try {
    const file = path.join(ensureDir(stateDir(env)), 'devenv.log');
    return pino(options, pino.destination({ dest: file, append: true, sync: true, mode: 0o600 }));
  } catch {
    return pino({ ...options, enabled: false });
  }
}

export type { Logger };
