import { createTmux, holdClient, type HeldClient } from '../tmux/index.ts';
import { takeLockNow } from './lock.ts';

/** A start that has begun: it has the project's lock, and a tmux client waits for what is to be built. */
export interface BegunStart {
  readonly root: string;
  readonly client: HeldClient;
  /** Gives the lock back and lets the client go; more than once is harmless. */
  release(): void;
}

/**
 * Lets tmux start and look while the configuration is still being read. undefined while something else has
 * the lock: then it is waited for as usual.
 */
export function beginStart(env: NodeJS.ProcessEnv, root: string): BegunStart | undefined {
  const unlock = takeLockNow(env, root);
  if (!unlock) return undefined;
  const client = holdClient(createTmux(env));
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    client.release();
    unlock();
  };
  return { root, client, release };
}
