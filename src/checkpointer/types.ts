import type { CheckpointConfig } from '../config/index.ts';

/** What the timed checkpointer remembers between two events. All times are monotonic milliseconds. */
export interface CheckpointerState {
  readonly nextAt: number;
  /** What it did last or waits for, in one line. */
  readonly why: string;
  /** The tree about which it has decided: nothing more happens until there is another one. */
  readonly settled: string | undefined;
  /** A tree that could not be judged, and how often. */
  readonly broken: { readonly tree: string; readonly times: number } | undefined;
  /** A confirmed regression that is not acted upon yet, and the good checkpoint it was confirmed on. */
  readonly confirmed: { readonly tree: string; readonly why: string; readonly on: string } | undefined;
  /** The tree that the last reset took away. */
  readonly takenAway: string | undefined;
  /** No reset before: what is known of edits may be old, since the machine slept. */
  readonly calmFrom: number;
  /** It was said that there is no good checkpoint to go back to. */
  readonly toldNoGood: boolean;
  readonly paused: boolean;
  readonly lock: LockState;
}

/** `held`; `none`: no lock can be had here at all; else another process has it, told in words. */
export type LockState = 'held' | 'none' | { readonly holder: string };

export type CheckpointerSettings = Pick<CheckpointConfig, 'everyMs' | 'quietMs' | 'onFailure' | 'verifyIn'>;

/** The present, as far as a decision needs it. */
export interface Facts {
  /** Monotonic, as `editedAt`: a clock that is set forward or back must not matter. */
  readonly at: number;
  readonly tree: string;
  readonly editedAt: number;
  /** The watcher's own tests run just now. */
  readonly testing: boolean;
  /** `clean`, or what git is in the middle of. */
  readonly repoState: string;
  /** This tree was put away by a rollback or reset before, or put there by one, and the user wants it. */
  readonly broughtBack: boolean;
  readonly good: { readonly tag: string; readonly tree: string } | undefined;
  readonly attended: boolean;
}

export type CheckpointerEvent =
  | { readonly kind: 'tick'; readonly facts: Facts }
  | {
      readonly kind: 'verified';
      readonly facts: Facts;
      /** The tree that was judged. */
      readonly tree: string;
      readonly verdict: 'passed' | 'failed' | 'flaky' | 'broken' | 'stale' | 'stopped';
      readonly why: string;
      /** At least one suite failed (not only a gate of another kind). */
      readonly suiteFailed: boolean;
      /** Files that the tree does not hold as they are; then it proves nothing about that tree. */
      readonly untold?: string | undefined;
    }
  | {
      readonly kind: 'confirmed';
      readonly facts: Facts;
      readonly tree: string;
      /** The good checkpoint on which what failed was run. */
      readonly on: string;
      readonly confirmed: boolean;
      readonly why: string;
    }
  | {
      readonly kind: 'tagged';
      readonly at: number;
      readonly tree: string;
      readonly tag: string;
      readonly created: boolean;
    }
  | {
      readonly kind: 'reset';
      readonly at: number;
      /** The tree that was taken away, and the one that is there now. */
      readonly from: string;
      readonly tree: string;
      readonly text: string;
    }
  | { readonly kind: 'refused'; readonly at: number; readonly tree: string; readonly why: string }
  | { readonly kind: 'paused' | 'resumed'; readonly at: number }
  /** The machine slept, or its clock was set. */
  | { readonly kind: 'woke'; readonly at: number }
  | { readonly kind: 'lock'; readonly at: number; readonly lock: LockState };

/** Each names the tree it is about: what was found out about one tree is never done to another. */
export type CheckpointerAction =
  | { readonly kind: 'verify' }
  | { readonly kind: 'tag'; readonly tree: string; readonly verdict: 'passed' | 'flaky' }
  | { readonly kind: 'confirm'; readonly tree: string }
  | { readonly kind: 'reset' | 'ask'; readonly tree: string; readonly to: string; readonly why: string };

/** Something to tell the user and to record. */
export interface Decision {
  readonly kind: 'tagged' | 'reset' | 'asked' | 'kept' | 'stale' | 'lock';
  readonly text: string;
}

export interface Decided {
  readonly state: CheckpointerState;
  readonly action?: CheckpointerAction;
  readonly decision?: Decision;
}
