import { formatDuration } from '../base/index.ts';
import type { CheckpointerSettings, CheckpointerState, Decided, Facts } from './types.ts';

export const changedMeanwhile = 'the tree changed while it was judged';

/** Decided about this tree: leave it, and say why, once. */
export function keep(state: CheckpointerState, tree: string, why: string): Decided {
  const text = `kept: ${why}`;
  return {
    state: { ...state, settled: tree, confirmed: undefined, why: text },
    decision: { kind: 'kept', text },
  };
}

/** A confirmed regression: ask, reset, or keep. */
export function act(settings: CheckpointerSettings, state: CheckpointerState, facts: Facts): Decided {
  const { confirmed } = state;
  // It holds for that tree and that checkpoint alone.
  if (!confirmed || confirmed.tree !== facts.tree || confirmed.on !== facts.good?.tag)
    return { state: { ...state, confirmed: undefined, why: changedMeanwhile } };
  if (confirmed.tree === state.takenAway || facts.broughtBack)
    return keep(state, facts.tree, 'this state was brought back by hand; it stays until it changes');
  const wish = settings.onFailure === 'auto' ? (facts.attended ? 'ask' : 'reset') : settings.onFailure;
  if (wish === 'keep') return keep(state, facts.tree, `${confirmed.why} (on_failure: keep)`);
  if (wish === 'ask' && !facts.attended)
    return keep(state, facts.tree, `${confirmed.why}; nobody is attached to be asked`);
  if (wish === 'ask') {
    const text = `asked: ${confirmed.why}`;
    return {
      state: { ...state, settled: facts.tree, confirmed: undefined, why: text },
      action: { kind: 'ask', tree: facts.tree, to: confirmed.on, why: confirmed.why },
      decision: { kind: 'asked', text },
    };
  }
  return reset(settings, state, facts);
}

function reset(settings: CheckpointerSettings, state: CheckpointerState, facts: Facts): Decided {
  const { confirmed } = state;
  if (!confirmed) return { state };
  if (state.lock !== 'held')
    return keep(state, facts.tree, `${confirmed.why}; no reset, since no lock keeps other watchers out`);
  if (facts.repoState !== 'clean') {
    const text = `kept: no reset while git is ${facts.repoState}`;
    return state.why === text
      ? { state }
      : { state: { ...state, why: text }, decision: { kind: 'kept', text } };
  }
  const quietFrom = Math.max(Math.min(facts.editedAt, facts.at) + settings.quietMs, state.calmFrom);
  if (facts.at < quietFrom) {
    return {
      state: {
        ...state,
        nextAt: quietFrom,
        why: `resets when nothing was edited for ${formatDuration(settings.quietMs)}`,
      },
    };
  }
  return {
    state,
    action: { kind: 'reset', tree: facts.tree, to: confirmed.on, why: confirmed.why },
  };
}
