import type { Checkpoint } from '../checkpoint/index.ts';
import type { Decision, StepInput, WatchLock } from '../checkpointer/index.ts';
import type { Surroundings } from './types.ts';

/** What the watcher tells the checkpointer; where the configuration is another one, the watching ends. */
export interface TimerInput extends StepInput {
  readonly lock: WatchLock;
  readonly around: Surroundings;
  readonly changed: (told: {
    readonly decision?: Decision;
    readonly checkpoint?: Checkpoint;
    readonly busy: boolean;
  }) => void;
}

/** What the timer is doing, for people: by the clock on the wall. */
export interface TimerView {
  /** undefined while no look is due: paused, or another watcher does it. */
  readonly nextAt: number | undefined;
  readonly why: string;
}

/** The timed checkpointer at work. */
export interface Timer {
  readonly state: () => TimerView;
  /** Verifies and makes a checkpoint now, because the user asked. */
  readonly checkpointNow: () => Promise<void>;
  /** Ends what it is doing where that is in the way, since the tree is another one; resolves when it has. */
  readonly interrupt: () => Promise<void>;
  readonly pause: (paused: boolean) => void;
  /** Ends what it does and gives the lock to another one; takes it again when that one has ended. */
  readonly yieldTo: (holder: string) => Promise<void>;
  /** Runs until the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}
