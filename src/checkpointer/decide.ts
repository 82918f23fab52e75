import { act, changedMeanwhile, keep } from './act.ts';
import type {
  CheckpointerEvent,
  CheckpointerSettings,
  CheckpointerState,
  Decided,
  Facts,
  LockState,
} from './types.ts';

// What the timed checkpointer does, as a pure function: facts in, one action out. It tags what passed, puts the
// last good state back only for a confirmed regression, and in every doubt keeps what is there.

/** The first look is one interval from now. */
export function startCheckpointer(
  settings: CheckpointerSettings,
  at: number,
  lock: LockState = 'held',
): CheckpointerState {
  const state: CheckpointerState = {
    nextAt: at + settings.everyMs,
    why: 'no look yet',
    settled: undefined,
    broken: undefined,
    confirmed: undefined,
    takenAway: undefined,
    calmFrom: at,
    toldNoGood: false,
    paused: false,
    lock,
  };
  return typeof lock === 'object'
    ? { ...state, nextAt: at + lockRetry(settings), why: onlyTests(lock) }
    : state;
}

/** While the watcher tests, the look waits for the verdict. */
const busyRetryMs = 1000;
/** The lock of another watcher is tried again this often. */
const longestLockRetryMs = 5000;
const mostBroken = 3;
/** A look that comes later than this was held up: the machine slept, or this process was stopped. */
const lateMs = 5000;

const lockRetry = ({ everyMs }: CheckpointerSettings): number => Math.min(everyMs, longestLockRetryMs);
const onlyTests = ({ holder }: { readonly holder: string }): string => `${holder} makes the checkpoints here`;

/** Paused or without the lock it only waits. */
export function isIdle(state: Pick<CheckpointerState, 'paused' | 'lock'>): boolean {
  return state.paused || typeof state.lock === 'object';
}

/** What an event leads to: at most one action, at most one thing to say. */
export function decide(
  settings: CheckpointerSettings,
  state: CheckpointerState,
  event: CheckpointerEvent,
): Decided {
  switch (event.kind) {
    case 'tick':
      return isIdle(state) ? wait(settings, state, event.facts.at) : onTick(settings, state, event.facts);
    case 'verified':
      return isIdle(state) ? wait(settings, state, event.facts.at) : onVerified(settings, state, event);
    case 'confirmed':
      return isIdle(state) ? wait(settings, state, event.facts.at) : onConfirmed(settings, state, event);
    case 'tagged':
      return onTagged(state, event);
    case 'reset':
      return {
        state: {
          ...state,
          confirmed: undefined,
          settled: event.tree,
          takenAway: event.from,
          why: event.text,
        },
        decision: { kind: 'reset', text: event.text },
      };
    case 'refused':
      return keep({ ...state, confirmed: undefined }, event.tree, event.why);
    case 'woke':
      return { state: { ...state, calmFrom: event.at + settings.quietMs } };
    case 'lock':
      return onLock(settings, state, event);
    default:
      return onPause(state, event);
  }
}

/** Nobody's verdict leads to anything now; what is confirmed is found out anew afterwards. */
function wait(settings: CheckpointerSettings, state: CheckpointerState, at: number): Decided {
  const { lock } = state;
  const taken = typeof lock === 'object';
  return {
    state: {
      ...state,
      confirmed: undefined,
      nextAt: at + (taken ? lockRetry(settings) : settings.everyMs),
      why: taken ? onlyTests(lock) : pausedWhy,
    },
  };
}

const pausedWhy = 'paused: p in devenv watch goes on';

function onPause(
  state: CheckpointerState,
  { kind, at }: { readonly kind: string; readonly at: number },
): Decided {
  if (kind === 'paused') return { state: { ...state, paused: true, confirmed: undefined, why: pausedWhy } };
  // What was due meanwhile is looked at once.
  return { state: { ...state, paused: false, nextAt: at, why: 'goes on after a pause' } };
}

function onLock(
  settings: CheckpointerSettings,
  state: CheckpointerState,
  { at, lock }: Extract<CheckpointerEvent, { kind: 'lock' }>,
): Decided {
  const before = state.lock;
  if (typeof lock === 'object') return wait(settings, { ...state, lock }, at);
  const next = { ...state, lock };
  if (typeof before !== 'object') return { state: next };
  const text = `took over: ${before.holder} ended`;
  return { state: { ...next, nextAt: at, why: text }, decision: { kind: 'lock', text } };
}

const later = (settings: CheckpointerSettings, state: CheckpointerState, at: number): CheckpointerState => ({
  ...state,
  nextAt: at + settings.everyMs,
});

function onTick(settings: CheckpointerSettings, before: CheckpointerState, facts: Facts): Decided {
  const late = facts.at - before.nextAt > lateMs;
  const state = late ? { ...before, calmFrom: facts.at + settings.quietMs } : before;
  const next = later(settings, state, facts.at);
  if (facts.tree === state.settled) return { state: next };
  // In a work tree of its own the verdict is in nobody's way, and needs no verdict of the watcher's.
  if (facts.testing && settings.verifyIn === 'place')
    return { state: { ...state, nextAt: facts.at + busyRetryMs, why: 'waits for the tests' } };
  if (facts.good?.tree === facts.tree) {
    return {
      state: { ...next, settled: facts.tree, confirmed: undefined, why: `unchanged since ${facts.good.tag}` },
    };
  }
  if (state.confirmed?.tree === facts.tree && state.confirmed.on === facts.good?.tag)
    return act(settings, next, facts);
  return { state: { ...next, confirmed: undefined }, action: { kind: 'verify' } };
}

function onVerified(
  settings: CheckpointerSettings,
  state: CheckpointerState,
  event: Extract<CheckpointerEvent, { kind: 'verified' }>,
): Decided {
  const { facts, verdict, tree, why } = event;
  // Counted from the end: gates that take longer than the interval do not run one upon another.
  const next = later(settings, state, facts.at);
  if (event.untold !== undefined && ['passed', 'flaky', 'failed'].includes(verdict)) {
    const told = verdict === 'failed' ? why : `it ${verdict === 'passed' ? 'passes' : 'is flaky'}`;
    return keep(next, tree, `${told}, but no checkpoint can hold ${event.untold}`);
  }
  switch (verdict) {
    case 'stopped':
      return { state: { ...next, why: changedMeanwhile } };
    case 'stale':
      return {
        state: { ...next, why: `no verdict: ${why}` },
        decision: { kind: 'stale', text: `no verdict: ${why}` },
      };
    case 'passed':
    case 'flaky':
      return { state: next, action: { kind: 'tag', tree, verdict } };
    case 'broken':
      return onBroken(next, tree, why);
    default:
      return onFailed(next, event);
  }
}

function onFailed(
  state: CheckpointerState,
  event: Extract<CheckpointerEvent, { kind: 'verified' }>,
): Decided {
  const { facts, tree, why } = event;
  // What is there now (an edit, a rollback by hand) has no verdict yet.
  if (facts.tree !== tree) return { state: { ...state, why: `${why}; but ${changedMeanwhile}` } };
  if (facts.broughtBack || tree === state.takenAway)
    return keep(state, tree, 'this state was brought back by hand; it stays until it changes');
  if (!event.suiteFailed) return keep(state, tree, `${why}; only failed tests lead to a reset`);
  if (facts.good) return { state, action: { kind: 'confirm', tree } };
  const kept = keep(
    { ...state, toldNoGood: true },
    tree,
    `${why}; there is no good checkpoint to go back to yet`,
  );
  return state.toldNoGood ? { state: kept.state } : kept;
}

function onBroken(state: CheckpointerState, tree: string, why: string): Decided {
  const times = state.broken?.tree === tree ? state.broken.times + 1 : 1;
  const text = `could not be judged: ${why}`;
  if (times >= mostBroken)
    return { state: { ...state, broken: undefined, settled: tree, why: `kept: ${text}` } };
  const next = { ...state, broken: { tree, times }, why: `kept: ${text}` };
  return times === 1 ? { state: next, decision: { kind: 'kept', text: `kept: ${text}` } } : { state: next };
}

function onConfirmed(
  settings: CheckpointerSettings,
  state: CheckpointerState,
  event: Extract<CheckpointerEvent, { kind: 'confirmed' }>,
): Decided {
  const { facts, tree, on, why } = event;
  const next = later(settings, state, facts.at);
  if (!event.confirmed) return keep(next, tree, why);
  return act(settings, { ...next, confirmed: { tree, why, on } }, facts);
}

function onTagged(state: CheckpointerState, event: Extract<CheckpointerEvent, { kind: 'tagged' }>): Decided {
  const text = event.created ? `tagged ${event.tag}` : `unchanged since ${event.tag}`;
  const next = { ...state, settled: event.tree, broken: undefined, toldNoGood: false, why: text };
  return event.created ? { state: next, decision: { kind: 'tagged', text } } : { state: next };
}
