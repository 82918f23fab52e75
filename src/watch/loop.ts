/**
 * When to look at the tree and when to run the tests, as a pure state machine. Events of the file system are
 * hints; what counts is the tree that a look finds. A look is taken at the first hint already, while the
 * debounce time runs, so that a quiet tree needs no more waiting. After any hints that come to an end, the
 * last tree gets a verdict, unless the loop is paused. Where every run finds the tree changed under it, by the
 * tests or by a person who saves all the time, the runs are held: until somebody changes something while no
 * test runs, or for a while that doubles each time.
 */
export interface LoopState {
  readonly debounceMs: number;
  /** Hints so far; a look that began after the last one has seen them all. */
  readonly hints: number;
  readonly firstHintAt: number;
  readonly lastHintAt: number;
  /** `hints` when the look under way began. */
  readonly looking: number | undefined;
  /** The last tree found, and `hints` when that look began. */
  readonly seen: { readonly tree: string; readonly hints: number } | undefined;
  readonly running: { readonly tree: string; readonly cancelled: boolean; readonly scope: Scope } | undefined;
  /** The tree whose verdict is known. */
  readonly judged: string | undefined;
  /** A run that was asked for by key. */
  readonly wanted: Scope | undefined;
  readonly paused: boolean;
  /** Runs in a row during which the tree changed, and by which files. */
  readonly unstable: { readonly cuts: number; readonly stales: number; readonly files: readonly string[] };
  readonly held: Held | undefined;
}

/** Run after run these files changed meanwhile: no more runs for now. */
interface Held {
  readonly files: readonly string[];
  readonly from: number;
  /** When it is tried again, for the changes may have been a person's. */
  readonly until: number;
  /** The tree that the last run left; undefined before the first look at it. */
  readonly tree: string | undefined;
}

/** All suites, or only those that failed. */
export type Scope = 'all' | 'failed';

export type LoopEvent =
  /** Something may have changed. */
  | { readonly kind: 'hint'; readonly at: number }
  /** A look at the tree ended; `changed` are the files that differ from the look before. */
  | {
      readonly kind: 'looked';
      readonly at: number;
      readonly tree: string;
      readonly changed: readonly string[];
    }
  | { readonly kind: 'look-failed'; readonly at: number }
  /** `stale`: files that changed while it ran; `stopped`: it was cancelled. */
  | {
      readonly kind: 'ended';
      readonly at: number;
      readonly verdict: 'judged' | 'stopped' | 'stale';
      readonly changed: readonly string[];
    }
  | { readonly kind: 'want'; readonly at: number; readonly scope: Scope }
  | { readonly kind: 'pause' | 'resume' | 'wake'; readonly at: number };

export type LoopAction =
  | { readonly kind: 'look' }
  | { readonly kind: 'run'; readonly tree: string; readonly scope: Scope }
  | { readonly kind: 'cancel' }
  /** Send `wake` at that time. */
  | { readonly kind: 'wake'; readonly at: number }
  | { readonly kind: 'hold'; readonly files: readonly string[]; readonly until: number };

export interface Step {
  readonly state: LoopState;
  readonly actions: readonly LoopAction[];
}

/** A burst of hints is looked at after this, however long it goes on. */
const longestDebounceMs = 500;
/** Runs cut short by the same files before one is let run to its end, to see whether it is its own doing. */
const mostCuts = 4;
/** Runs that changed the tree under themselves before the loop is held. */
const mostStales = 3;
/** The first and the longest time that the loop is held. */
const firstHoldMs = 2000;
const longestHoldMs = 300_000;
/** What a run left behind may still write for so long. */
const aftermathMs = 1000;

/** Nothing is known yet: the first look leads to the first run. */
export function startLoop(debounceMs: number, at: number): Step {
  const state: LoopState = {
    debounceMs,
    hints: 1,
    firstHintAt: at - longestDebounceMs,
    lastHintAt: at - longestDebounceMs,
    looking: undefined,
    seen: undefined,
    running: undefined,
    judged: undefined,
    wanted: undefined,
    paused: false,
    unstable: { cuts: 0, stales: 0, files: [] },
    held: undefined,
  };
  return advance(state, at, []);
}

/** What an event leads to. */
export function stepLoop(state: LoopState, event: LoopEvent): Step {
  switch (event.kind) {
    case 'hint':
      return advance(onHint(state, event.at), event.at, []);
    case 'looked':
      return advance(onLooked(state, event), event.at, []);
    case 'look-failed':
      // Whatever was in the way (a git command at work): it is tried again after a pause.
      return advance(
        { ...onHint({ ...state, looking: undefined }, event.at), firstHintAt: event.at },
        event.at,
        [],
      );
    case 'ended':
      return onEnded(state, event);
    case 'want':
      return advance(
        { ...onHint(state, event.at), wanted: event.scope, held: undefined, unstable: calm },
        event.at,
        [],
      );
    case 'pause':
      return {
        state: { ...state, paused: true },
        actions: state.running && !state.running.cancelled ? [{ kind: 'cancel' }] : [],
      };
    case 'resume':
      return advance({ ...onHint(state, event.at), paused: false }, event.at, []);
    default:
      return wakeAgain(advance(state, event.at, []), event.at);
  }
}

const earlyMs = 100;

/** A timer may fire a moment early; then the end of a hold is waited for once more, or its tree stays untested. */
function wakeAgain(step: Step, at: number): Step {
  const { held, running } = step.state;
  const early = held !== undefined && running === undefined && at < held.until && held.until - at < earlyMs;
  return early ? { ...step, actions: [...step.actions, { kind: 'wake', at: held.until }] } : step;
}

const calm = { cuts: 0, stales: 0, files: [] };

function onHint(state: LoopState, at: number): LoopState {
  // A hint after the last ones have settled begins a new burst.
  const quietBefore = at >= quietAt(state);
  return {
    ...state,
    hints: state.hints + 1,
    lastHintAt: at,
    firstHintAt: quietBefore ? at : state.firstHintAt,
  };
}

function onLooked(state: LoopState, event: Extract<LoopEvent, { kind: 'looked' }>): LoopState {
  const seen = { tree: event.tree, hints: state.looking ?? state.hints };
  const next = { ...state, looking: undefined, seen };
  const { held } = state;
  if (!held || state.running) return next;
  const elsewhere = event.changed.some((file) => !held.files.includes(file));
  // What changes while no test runs is no test's doing.
  const byHand = held.tree !== undefined && held.tree !== event.tree && event.at >= held.from + aftermathMs;
  return elsewhere || byHand
    ? { ...next, held: undefined, unstable: calm }
    : { ...next, held: { ...held, tree: event.tree } };
}

function onEnded(state: LoopState, event: Extract<LoopEvent, { kind: 'ended' }>): Step {
  const ended = state.running;
  const next = { ...state, running: undefined };
  if (event.verdict === 'judged') {
    const judged = ended?.tree ?? state.judged;
    return advance({ ...next, judged, unstable: calm, held: undefined }, event.at, []);
  }
  const unstable = countUnstable(state, event);
  const again = state.held !== undefined && event.verdict === 'stale';
  if (unstable.stales < mostStales && !again)
    return advance(onHint({ ...next, unstable }, event.at), event.at, []);
  const before = state.held ? state.held.until - state.held.from : firstHoldMs / 2;
  const held: Held = {
    files: [...new Set([...(state.held?.files ?? []), ...unstable.files])],
    from: event.at,
    until: event.at + Math.min(2 * before, longestHoldMs),
    tree: undefined,
  };
  return advance(onHint({ ...next, unstable: calm, held }, event.at), event.at, [
    { kind: 'hold', files: held.files, until: held.until },
    { kind: 'wake', at: held.until },
  ]);
}

function countUnstable(
  state: LoopState,
  event: Extract<LoopEvent, { kind: 'ended' }>,
): LoopState['unstable'] {
  const { cuts, stales, files } = state.unstable;
  const known = files.length === 0 || event.changed.every((file) => files.includes(file));
  const base = known ? { cuts, stales } : { cuts: 0, stales: 0 };
  const all = known ? [...new Set([...files, ...event.changed])] : event.changed;
  return event.verdict === 'stale'
    ? { ...base, stales: base.stales + 1, files: all }
    : { ...base, cuts: base.cuts + 1, files: all };
}

/** When the hints so far count as over. */
function quietAt(state: LoopState): number {
  return Math.min(
    state.lastHintAt + state.debounceMs,
    state.firstHintAt + Math.max(longestDebounceMs, state.debounceMs),
  );
}

function advance(state: LoopState, at: number, before: readonly LoopAction[]): Step {
  if (state.looking !== undefined) return { state, actions: before };
  const fresh = state.seen?.hints === state.hints;
  const quiet = at >= quietAt(state);
  // A look at once for the first hint of a burst; for more of them only when they are over.
  const first = state.firstHintAt === state.lastHintAt;
  if (!fresh && (quiet || first)) {
    return { state: { ...state, looking: state.hints }, actions: [...before, { kind: 'look' }] };
  }
  if (!quiet) return { state, actions: [...before, { kind: 'wake', at: quietAt(state) }] };
  return state.seen ? settle(state, state.seen.tree, { at, before }) : { state, actions: before };
}

/** The tree is known and quiet: run, cancel, or leave it. */
function settle(
  state: LoopState,
  tree: string,
  { at, before }: { readonly at: number; readonly before: readonly LoopAction[] },
): Step {
  const { running } = state;
  if (running) {
    const cut = running.tree !== tree && !running.cancelled && state.unstable.cuts < mostCuts;
    if (!cut) return { state, actions: before };
    return {
      state: { ...state, running: { ...running, cancelled: true } },
      actions: [...before, { kind: 'cancel' }],
    };
  }
  const held = state.held !== undefined && at < state.held.until;
  const scope = state.wanted ?? (tree === state.judged || held || state.paused ? undefined : 'all');
  if (scope === undefined) return { state, actions: before };
  return {
    state: { ...state, running: { tree, cancelled: false, scope }, wanted: undefined },
    actions: [...before, { kind: 'run', tree, scope }],
  };
}
