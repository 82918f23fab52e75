import type { CheckpointConfig } from '../config/index.ts';
import { formatDuration } from '../base/index.ts';

/**
 * What the timed checkpointer does, as a pure function: facts in, one action out. It tags what passed, puts the
 * last good state back only for a confirmed regression, and in every doubt keeps what is there.
 */
export interface CheckpointerState {
  readonly nextAt: number;
  /** What it did last or waits for, in one line. */
  readonly why: string;
  /** The tree about which it has decided: nothing more happens until there is another one. */
  readonly settled: string | undefined;
  /** A tree that could not be judged, and how often. */
  readonly broken: { readonly tree: string; readonly times: number } | undefined;
  /** A confirmed regression that is not acted upon yet. */
  readonly confirmed: { readonly tree: string; readonly why: string } | undefined;
}

export type CheckpointerSettings = Pick<CheckpointConfig, 'everyMs' | 'quietMs' | 'onFailure'>;

/** The present, as far as a decision needs it. */
export interface Facts {
  readonly at: number;
  readonly tree: string;
  readonly editedAt: number;
  /** The watcher's own tests run just now. */
  readonly testing: boolean;
  /** `clean`, or what git is in the middle of. */
  readonly repoState: string;
  /** This tree was put away by a rollback or reset before, and the user brought it back. */
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
  | { readonly kind: 'reset'; readonly at: number; readonly tree: string; readonly text: string }
  | { readonly kind: 'refused'; readonly at: number; readonly tree: string; readonly why: string };

export type CheckpointerAction =
  | { readonly kind: 'verify' }
  | { readonly kind: 'tag'; readonly verdict: 'passed' | 'flaky' }
  | { readonly kind: 'confirm' }
  | { readonly kind: 'reset'; readonly why: string }
  | { readonly kind: 'ask'; readonly why: string };

/** Something to tell the user and to record. */
export interface Decision {
  readonly kind: 'tagged' | 'reset' | 'asked' | 'kept' | 'stale';
  readonly text: string;
}

export interface Decided {
  readonly state: CheckpointerState;
  readonly action?: CheckpointerAction;
  readonly decision?: Decision;
}

/** The first look is one interval from now. */
export function startCheckpointer(settings: CheckpointerSettings, at: number): CheckpointerState {
  return {
    nextAt: at + settings.everyMs,
    why: 'no look yet',
    settled: undefined,
    broken: undefined,
    confirmed: undefined,
  };
}

/** While the watcher tests, the look waits for the verdict. */
const busyRetryMs = 1000;
const mostBroken = 3;

/** What an event leads to: at most one action, at most one thing to say. */
export function decide(
  settings: CheckpointerSettings,
  state: CheckpointerState,
  event: CheckpointerEvent,
): Decided {
  switch (event.kind) {
    case 'tick':
      return onTick(settings, state, event.facts);
    case 'verified':
      return onVerified(settings, state, event);
    case 'confirmed':
      if (!event.confirmed) return keep(later(settings, state, event.facts.at), event.tree, event.why);
      return act(
        settings,
        { ...later(settings, state, event.facts.at), confirmed: { tree: event.tree, why: event.why } },
        event.facts,
      );
    case 'tagged': {
      const text = event.created ? `tagged ${event.tag}` : `unchanged since ${event.tag}`;
      const next = { ...state, settled: event.tree, broken: undefined, why: text };
      return event.created ? { state: next, decision: { kind: 'tagged', text } } : { state: next };
    }
    case 'reset':
      return {
        state: { ...state, confirmed: undefined, settled: event.tree, why: event.text },
        decision: { kind: 'reset', text: event.text },
      };
    default:
      return keep({ ...state, confirmed: undefined }, event.tree, event.why);
  }
}

const later = (settings: CheckpointerSettings, state: CheckpointerState, at: number): CheckpointerState => ({
  ...state,
  nextAt: at + settings.everyMs,
});

/** Decided about this tree: leave it, and say why, once. */
function keep(state: CheckpointerState, tree: string, why: string): Decided {
  const text = `kept: ${why}`;
  return {
    state: { ...state, settled: tree, confirmed: undefined, why: text },
    decision: { kind: 'kept', text },
  };
}

function onTick(settings: CheckpointerSettings, state: CheckpointerState, facts: Facts): Decided {
  const next = later(settings, state, facts.at);
  if (facts.tree === state.settled) return { state: next };
  if (facts.testing)
    return { state: { ...state, nextAt: facts.at + busyRetryMs, why: 'waits for the tests' } };
  if (facts.good?.tree === facts.tree) {
    return {
      state: { ...next, settled: facts.tree, confirmed: undefined, why: `unchanged since ${facts.good.tag}` },
    };
  }
  if (state.confirmed?.tree === facts.tree) return act(settings, next, facts);
  return { state: { ...next, confirmed: undefined }, action: { kind: 'verify' } };
}

function onVerified(
  settings: CheckpointerSettings,
  state: CheckpointerState,
  event: Extract<CheckpointerEvent, { kind: 'verified' }>,
): Decided {
  const { facts, verdict, tree, why } = event;
  const next = later(settings, state, facts.at);
  if (event.untold !== undefined && ['passed', 'flaky', 'failed'].includes(verdict)) {
    const told = verdict === 'failed' ? why : `it ${verdict === 'passed' ? 'passes' : 'is flaky'}`;
    return keep(next, tree, `${told}, but no checkpoint can hold ${event.untold}`);
  }
  switch (verdict) {
    case 'stopped':
      return { state: { ...next, why: 'the tree changed while it was judged' } };
    case 'stale':
      return {
        state: { ...next, why: `no verdict: ${why}` },
        decision: { kind: 'stale', text: `no verdict: ${why}` },
      };
    case 'passed':
    case 'flaky':
      return { state: next, action: { kind: 'tag', verdict } };
    case 'broken':
      return onBroken(next, tree, why);
    default:
      if (facts.broughtBack)
        return keep(next, tree, 'this state was brought back by hand; it stays until it changes');
      if (!event.suiteFailed) return keep(next, tree, `${why}; only failed tests lead to a reset`);
      if (!facts.good) return keep(next, tree, `${why}; there is no good checkpoint to go back to yet`);
      return { state: next, action: { kind: 'confirm' } };
  }
}

function onBroken(state: CheckpointerState, tree: string, why: string): Decided {
  const times = state.broken?.tree === tree ? state.broken.times + 1 : 1;
  const text = `could not be judged: ${why}`;
  if (times >= mostBroken)
    return { state: { ...state, broken: undefined, settled: tree, why: `kept: ${text}` } };
  const next = { ...state, broken: { tree, times }, why: `kept: ${text}` };
  return times === 1 ? { state: next, decision: { kind: 'kept', text: `kept: ${text}` } } : { state: next };
}

/** A confirmed regression: ask, reset, or keep. */
function act(settings: CheckpointerSettings, state: CheckpointerState, facts: Facts): Decided {
  const { confirmed } = state;
  if (!confirmed || confirmed.tree !== facts.tree)
    return { state: { ...state, confirmed: undefined, why: 'the tree changed while it was judged' } };
  const wish = settings.onFailure === 'auto' ? (facts.attended ? 'ask' : 'reset') : settings.onFailure;
  if (wish === 'keep') return keep(state, facts.tree, `${confirmed.why} (on_failure: keep)`);
  if (wish === 'ask' && !facts.attended)
    return keep(state, facts.tree, `${confirmed.why}; nobody is attached to be asked`);
  if (wish === 'ask') {
    const text = `asked: ${confirmed.why}`;
    return {
      state: { ...state, settled: facts.tree, confirmed: undefined, why: text },
      action: { kind: 'ask', why: confirmed.why },
      decision: { kind: 'asked', text },
    };
  }
  if (facts.repoState !== 'clean') {
    const text = `kept: no reset while git is ${facts.repoState}`;
    return state.why === text
      ? { state }
      : { state: { ...state, why: text }, decision: { kind: 'kept', text } };
  }
  const quietFrom = facts.editedAt + settings.quietMs;
  if (facts.at < quietFrom) {
    return {
      state: {
        ...state,
        nextAt: quietFrom,
        why: `resets when nothing was edited for ${formatDuration(settings.quietMs)}`,
      },
    };
  }
  return { state, action: { kind: 'reset', why: confirmed.why } };
}
