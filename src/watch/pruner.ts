import { messageOf, plural } from '../base/index.ts';
import { prune } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import type { Repo } from '../git/index.ts';
import type { WatchDeps } from './types.ts';

/** Drops old checkpoints, now and then. */
interface Pruner {
  /** A checkpoint was made: time to look, unless that was done within the hour. Never waits, never throws. */
  readonly soon: () => void;
  /** Resolves when nothing is under way. */
  readonly done: () => Promise<void>;
}

const everyMs = 3_600_000;
/** So many at once: git holds a lock of the repository meanwhile, and the user's own git would wait for it. */
const most = 500;

/** Makes the pruner of a work tree. What goes wrong is only noted: there is time until the next time. */
export function createPruner(deps: WatchDeps, project: Project, repo: Repo): Pruner {
  const { clock, store, log } = deps;
  let working: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    const { keep, tags } = project.config.checkpoint;
    const pruned = await prune(repo, { now: clock.now(), keep, tags, most });
    const [moved, gone] = [pruned.drop.length + pruned.dropUndo.length, pruned.expired.length];
    if (moved + gone > 0) {
      store.addEvent(project.id, 'prune', { moved, gone });
      log.info({ moved, gone }, `${plural(moved, 'checkpoint')} moved to the trash`);
    }
    // What was too much for one time goes on with the next checkpoint.
    if (moved < most && gone < most) store.setValue(project.id, 'prunedAt', clock.now());
  };
  return {
    soon: () => {
      const last = Number(store.getValue(project.id, 'prunedAt') ?? 0);
      const age = clock.now() - last;
      // A time in the future is that of a clock which was wrong.
      if (working || (age >= 0 && age < everyMs)) return;
      working = work()
        .catch((error: unknown) => {
          store.setValue(project.id, 'prunedAt', clock.now());
          log.warn({ error: messageOf(error) }, 'old checkpoints were not dropped');
        })
        .finally(() => (working = undefined));
    },
    done: async () => working,
  };
}
