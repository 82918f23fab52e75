import { DevenvError, self } from '../base/index.ts';
import { checkpointerFact, nightHolder, watchLock, type WatchLock } from '../checkpointer/index.ts';
import type { Project } from '../config/index.ts';
import { nightLockName, readNights } from '../cron/index.ts';
import { takeLock, whyNoLock } from '../store/index.ts';
import type { NightlyDeps, OnProgress } from './types.ts';

/** Who asks whether a run is under way holds its lock for a blink. */
const blinks = 20;
const blinkMs = 50;

/**
 * The lock of the nightly run of a work tree, or the run that holds it.
 * @throws DevenvError 'state-dir' where no lock can be taken at all
 */
export async function takeNight(
  { env, clock, store }: NightlyDeps,
  id: string,
): Promise<Disposable | { readonly pid: number | undefined; readonly startedAt: number | undefined }> {
  for (let n = 0; ; n++) {
    const lock = takeLock(env, nightLockName(id));
    if (typeof lock === 'object') return lock;
    if (lock === 'unavailable')
      throw new DevenvError(
        'state-dir',
        `${whyNoLock(env)}, so two runs could meet`,
        'make room there and make it writable, or set XDG_STATE_HOME to a folder elsewhere; devenv doctor says more',
      );
    if (n < blinks) await clock.sleep(blinkMs);
    else {
      const { running } = readNights(store, id);
      return { pid: running?.pid, startedAt: running?.startedAt };
    }
  }
}

/** A watcher looks every two seconds whether it is to make way, and ends what it runs. */
const makeWayMs = 60_000;

/** The lock of who makes checkpoints. A watcher that has it makes way; one that does not keeps it. */
export async function takeWatch(
  deps: NightlyDeps,
  project: Project,
  input: { readonly signal: AbortSignal; readonly onProgress: OnProgress },
): Promise<WatchLock> {
  const { signal } = input;
  const lock = watchLock(deps, project);
  const state = lock.state();
  if (typeof state === 'object') input.onProgress(`waiting for ${state.holder} to make way`);
  const until = deps.clock.monotonic() + makeWayMs;
  while (typeof lock.state() === 'object' && deps.clock.monotonic() < until && !signal.aborted) {
    await deps.clock.sleep(200, signal);
    lock.retry();
  }
  if (lock.state() === 'held')
    deps.store.setValue(project.id, checkpointerFact, {
      why: `${nightHolder(self)} makes the checkpoints`,
      pid: self.pid,
    });
  return lock;
}

/** Gives it back, for a watcher to go on. */
export function giveBack({ store }: NightlyDeps, project: Project, lock: WatchLock): void {
  if (lock.state() === 'held')
    store.setValue(project.id, checkpointerFact, { why: 'devenv watch is not running' });
  lock[Symbol.dispose]();
}
