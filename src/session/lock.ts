import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, ensureDir, isAlive, makeLockFile, stateDir } from '../base/index.ts';
import type { SessionDeps } from './types.ts';

/**
 * Does one thing to a project's session at a time: two starts at once would fight over its ports.
 * The lock is a file with the holder's process id; one whose holder is gone is taken over.
 */
export async function withLock<T>(
  deps: SessionDeps,
  { projectId, signal }: { readonly projectId: string; readonly signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const file = lockFile(deps.env, projectId);
  await take(deps, file, signal);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Takes the lock if nobody has it; returns what gives it back. */
export function takeLockNow(env: NodeJS.ProcessEnv, projectId: string): (() => void) | undefined {
  const file = lockFile(env, projectId);
  return makeLockFile(file) ? () => rmSync(file, { force: true }) : undefined;
}

const lockFile = (env: NodeJS.ProcessEnv, projectId: string): string =>
  path.join(ensureDir(path.join(stateDir(env), 'locks')), `start-${projectId}`);

async function take(deps: SessionDeps, file: string, signal: AbortSignal | undefined): Promise<void> {
  const deadline = deps.clock.monotonic() + 30_000;
  while (!makeLockFile(file)) {
    if (signal?.aborted) throw new DevenvError('interrupted', 'interrupted; nothing was built');
    const holder = holderOf(file);
    if (holder !== undefined && !isAlive(holder)) rmSync(file, { force: true });
    else if (deps.clock.monotonic() > deadline) {
      throw new DevenvError(
        'refused',
        `another start of this project is under way (process ${holder ?? 'unknown'})`,
        `if it is not, remove ${file}`,
      );
    } else await deps.clock.sleep(20);
  }
}

/** undefined while the holder has not written its id yet. */
function holderOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined; // given back meanwhile
  }
}
