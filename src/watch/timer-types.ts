import type { Checkpoint } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import type { Repo } from '../git/index.ts';
import type { Verification, VerifyEvents } from '../verify/index.ts';
import type { CheckpointerEvent, Decision, Facts } from './checkpointer-types.ts';
import type { WatchLock } from './lock.ts';
import type { Surroundings, WatchDeps } from './types.ts';

/** What the watcher tells the checkpointer, asked anew at every step. */
interface Watched {
  /** The tree as it was last found; undefined before the first look. */
  readonly key: string | undefined;
  /** Monotonic. */
  readonly editedAt: number;
  readonly testing: boolean;
  /** The watcher's last whole verdict, with the key of its tree. */
  readonly judged: { readonly key: string; readonly found: Verification } | undefined;
}

export interface TimerInput {
  readonly repo: Repo;
  readonly lock: WatchLock;
  readonly around: Surroundings;
  readonly watched: () => Watched;
  readonly ignored: (path: string) => boolean;
  /** The tree is another one than the watcher believes, or will be: it should look. */
  readonly hint: () => void;
  /** Whether the configuration still is the one on the disk; where it is not, the watching ends. */
  readonly configured: () => Promise<boolean>;
  readonly events: VerifyEvents;
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
  /** Runs until the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** What the steps of a look work with. */
export interface TimerContext {
  readonly deps: WatchDeps;
  readonly project: Project;
  readonly input: TimerInput;
  /** The present; undefined before the first look at the tree. */
  readonly gather: () => Promise<Facts | undefined>;
  /** Decides about what happened, and does what follows. */
  readonly handle: (event: CheckpointerEvent, checkpoint?: Checkpoint) => Promise<void>;
  /** Says what it is at. */
  readonly say: (why: string) => void;
  /** Looks again in a moment. */
  readonly soon: () => void;
  readonly signal: () => AbortSignal;
  /** The last good checkpoint, as `gather` found it. */
  readonly good: () => Checkpoint | undefined;
}
