import { isAlive, self } from '../base/index.ts';
import { runningNight } from '../cron/index.ts';
import type { Project } from '../config/index.ts';
import { takeLock } from '../store/index.ts';
import type { LockState } from './types.ts';
import type { VerifyDeps } from '../verify/index.ts';

/** Two watchers of one work tree both test, but only one makes checkpoints. */
export interface WatchLock extends Disposable {
  readonly state: () => LockState;
  /** Tries again, when another process has it. */
  readonly retry: () => LockState;
  /** Gives it back, for another one to take. */
  readonly release: () => void;
}

/** The fact by which the one that makes the checkpoints tells what it does, and who it is. */
export const checkpointerFact = 'checkpointer';

/** Takes the lock of a work tree, or says who holds it. */
export function watchLock(deps: VerifyDeps, project: Project): WatchLock {
  let held: Disposable | undefined;
  let state: LockState = 'none';
  const retry = (): LockState => {
    if (held) return 'held';
    const night = runningNight(deps.env, deps.store, project.id);
    if (night && night.pid !== self.pid) return (state = { holder: nightHolder(night) });
    const lock = takeLock(deps.env, `watch-${project.id}`);
    if (typeof lock === 'object') held = lock;
    state =
      typeof lock === 'object' ? 'held' : lock === 'taken' ? { holder: holderOf(deps, project) } : 'none';
    return state;
  };
  const release = (): void => {
    held?.[Symbol.dispose]();
    held = undefined;
  };
  retry();
  return { state: () => state, retry, release, [Symbol.dispose]: release };
}

/** Who has it while a nightly run is under way. */
export const nightHolder = ({ pid }: { readonly pid: number }): string => `the nightly run (pid ${pid})`;

function holderOf({ store }: VerifyDeps, project: Project): string {
  const fact = store.getValue(project.id, checkpointerFact);
  const pid = typeof fact === 'object' && fact !== null && 'pid' in fact ? Number(fact.pid) : 0;
  return pid > 0 && isAlive(pid) ? `another devenv watch (pid ${pid})` : 'another devenv watch';
}
