import type { Clock } from '../base/index.ts';
import { nightHolder } from '../checkpointer/index.ts';
import { runningNight } from '../cron/index.ts';
import type { Store } from '../store/index.ts';
import type { Engine } from './engine.ts';
import type { Picture } from './picture.ts';
import type { Timer } from './timer-types.ts';

/** A nightly run waits about this long for the watcher to make way. */
const pollMs = 2000;

/** What makes way. */
interface Watcher {
  readonly deps: { readonly env: NodeJS.ProcessEnv; readonly clock: Clock; readonly store: Store };
  readonly id: string;
  readonly engine: Engine;
  readonly timer: Timer | undefined;
  readonly picture: Picture;
}

/**
 * Makes way for a nightly run: it tests the same files, writes the same reports and listens on the same ports, so
 * tests and checkpoints wait for its end. `look` looks once, `run` until the signal.
 */
export function makeWay({ deps, id, engine, timer, picture }: Watcher): {
  readonly look: () => Promise<void>;
  readonly run: (signal: AbortSignal) => Promise<void>;
} {
  let waits = false;
  let holds = false;
  const look = async (): Promise<void> => {
    const night = runningNight(deps.env, deps.store, id);
    if (night && !waits) {
      waits = true;
      const holder = nightHolder(night);
      picture.note('night', `${holder} is under way: tests and checkpoints wait for its end`);
      holds = engine.hold(true);
      await timer?.yieldTo(holder);
    } else if (!night && waits) {
      waits = false;
      picture.clear('night');
      if (holds) engine.hold(false);
    }
  };
  return {
    look,
    run: async (signal) => {
      while (!signal.aborted) {
        await deps.clock.sleep(pollMs, signal);
        if (!signal.aborted) await look();
      }
      // Who begins anew under another configuration takes a pause over only when it is the user's.
      if (waits && holds) picture.paused(false);
    },
  };
}
