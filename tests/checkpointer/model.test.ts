import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, isIdle, startCheckpointer } from '../../src/checkpointer/decide.ts';
import type {
  CheckpointerEvent,
  CheckpointerSettings,
  CheckpointerState,
  Decided,
  Facts,
  LockState,
} from '../../src/checkpointer/types.ts';

// A world in which things happen at random, and the driver that carries out what is decided, as the timer does.

type Step =
  | { readonly kind: 'edit'; readonly tree: string }
  | { readonly kind: 'undo' | 'git' | 'attend' | 'pause' | 'test' | 'lock' | 'woke' }
  | { readonly kind: 'wait'; readonly ms: number }
  /** What the next run says, and what happens while it runs. */
  | { readonly kind: 'luck'; readonly verdict: 'stale' | 'broken' | 'flaky' | 'stopped' | 'honest' }
  | { readonly kind: 'meanwhile'; readonly step: Step | undefined };

const trees = ['good1', 'good2', 'bad1', 'bad2', 'bad3'];
const passes = (tree: string): boolean => tree.startsWith('good');

const simple: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('edit' as const), tree: fc.constantFrom(...trees) }),
  fc.record({ kind: fc.constantFrom('undo', 'git', 'attend', 'pause', 'test', 'lock', 'woke') }),
);
const wait = fc.record({
  kind: fc.constant('wait' as const),
  ms: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.constant(300_000), fc.constant(40_000_000)),
});
/** What a reset is made for: good, then bad, then calm. What comes before it may still forbid it. */
const regression: fc.Arbitrary<readonly Step[]> = fc
  .tuple(fc.constantFrom('good1', 'good2'), fc.constantFrom('bad1', 'bad2', 'bad3'))
  .map(([good, bad]) => [
    { kind: 'edit', tree: good },
    { kind: 'wait', ms: 300_000 },
    { kind: 'edit', tree: bad },
    { kind: 'wait', ms: 300_000 },
  ]);
const steps = fc
  .array(
    fc.oneof(
      { arbitrary: simple.map((step) => [step]), weight: 2 },
      { arbitrary: wait.map((step) => [step]), weight: 3 },
      { arbitrary: regression, weight: 1 },
      fc
        .record({
          kind: fc.constant('luck' as const),
          verdict: fc.constantFrom('stale', 'broken', 'flaky', 'stopped', 'honest', 'honest', 'honest'),
        })
        .map((step) => [step]),
      fc
        .record({ kind: fc.constant('meanwhile' as const), step: fc.option(simple, { nil: undefined }) })
        .map((step) => [step]),
    ),
    { minLength: 20, maxLength: 80, size: 'max' },
  )
  .map((all): readonly Step[] => all.flat());
const settingsOf = fc.record({
  everyMs: fc.constantFrom(1000, 300_000),
  quietMs: fc.constantFrom(0, 10_000),
  onFailure: fc.constantFrom('auto', 'ask', 'reset', 'keep'),
  verifyIn: fc.constantFrom('place', 'worktree'),
}) satisfies fc.Arbitrary<CheckpointerSettings>;

interface World {
  at: number;
  tree: string;
  before: string;
  editedAt: number;
  git: boolean;
  attended: boolean;
  testing: boolean;
  lock: LockState;
  putAway: Set<string>;
  good: { tag: string; tree: string } | undefined;
  luck: Extract<Step, { kind: 'luck' }>['verdict'];
  /** What happens during the next runs, one each. */
  meanwhile: (Step | undefined)[];
}

const locks = fc.constantFrom<LockState>('held', 'held', 'none', { holder: 'another devenv watch' });

function play(settings: CheckpointerSettings, all: readonly Step[], lock: LockState = 'held') {
  const w: World = {
    at: 0,
    tree: 'good1',
    before: 'good1',
    editedAt: 0,
    git: false,
    attended: false,
    testing: false,
    lock,
    putAway: new Set(),
    good: { tag: 'checkpoint-0', tree: 'good1' },
    luck: 'honest',
    meanwhile: [],
  };
  let state: CheckpointerState = startCheckpointer(settings, 0, lock);
  let confirmedTree: string | undefined;
  let lastReset: string | undefined;
  let looks = 0;
  let resets = 0;
  let tags = 0;

  const facts = (): Facts => ({
    at: w.at,
    tree: w.tree,
    editedAt: w.editedAt,
    testing: w.testing,
    repoState: w.git ? 'merging' : 'clean',
    broughtBack: w.putAway.has(w.tree),
    good: w.good,
    attended: w.attended,
  });
  const put = (tree: string): void => {
    w.before = w.tree;
    w.tree = tree;
    w.editedAt = w.at;
  };
  const happen = (step: Step): void => {
    if (step.kind === 'edit') put(step.tree);
    else if (step.kind === 'undo') put(w.before);
    else if (step.kind === 'git') w.git = !w.git;
    else if (step.kind === 'attend') w.attended = !w.attended;
    else if (step.kind === 'test') w.testing = !w.testing;
    // The other watcher ends. Nobody takes a lock away that is held.
    else if (step.kind === 'lock') w.lock = typeof w.lock === 'object' ? 'held' : w.lock;
    else if (step.kind === 'pause') send({ kind: state.paused ? 'resumed' : 'paused', at: w.at });
    else if (step.kind === 'woke') send({ kind: 'woke', at: w.at });
    else if (step.kind === 'luck') w.luck = step.verdict;
    else if (step.kind === 'meanwhile') w.meanwhile.push(step.step);
  };
  const meanwhile = (): void => {
    w.at += 400; // a run takes its time
    const step = w.meanwhile.shift();
    if (step) happen(step);
  };
  const send = (event: CheckpointerEvent): void => {
    const was = state;
    const decided = decide(settings, state, event);
    state = decided.state;
    expect(state.why).not.toBe('');
    expect(Number.isFinite(state.nextAt)).toBe(true);
    if (decided.action) carryOut(decided, was);
  };
  const carryOut = ({ action }: Decided, was: CheckpointerState): void => {
    if (!action) return;
    expect(isIdle(was)).toBe(false);
    if (action.kind === 'verify') {
      looks++;
      const tree = w.tree;
      const { luck } = w;
      w.luck = 'honest';
      meanwhile();
      const honest = passes(tree) ? ('passed' as const) : ('failed' as const);
      const verdict =
        luck === 'honest' ? (tree !== w.tree && settings.verifyIn === 'place' ? 'stale' : honest) : luck;
      send({ kind: 'verified', facts: facts(), tree, verdict, why: 'w', suiteFailed: verdict === 'failed' });
    } else if (action.kind === 'tag') {
      tags++;
      w.good = { tag: `checkpoint-${tags}`, tree: action.tree };
      send({ kind: 'tagged', at: w.at, tree: action.tree, tag: w.good.tag, created: true });
    } else if (action.kind === 'confirm') {
      const on = w.good;
      meanwhile();
      const confirmed = on !== undefined && passes(on.tree);
      if (confirmed) confirmedTree = action.tree;
      send({ kind: 'confirmed', facts: facts(), tree: action.tree, on: on?.tag ?? '', confirmed, why: 'w' });
    } else if (action.kind === 'reset') {
      expect(action.tree).toBe(w.tree);
      expect(action.tree).toBe(confirmedTree);
      expect(action.to).toBe(w.good?.tag);
      expect(passes(action.tree)).toBe(false);
      expect(w.git).toBe(false);
      expect(was.paused).toBe(false);
      expect(was.lock).toBe('held');
      expect(w.at - w.editedAt).toBeGreaterThanOrEqual(settings.quietMs);
      expect(['reset', 'auto']).toContain(settings.onFailure);
      expect(settings.onFailure === 'auto' && w.attended).toBe(false);
      expect(action.tree).not.toBe(lastReset);
      lastReset = action.tree;
      resets++;
      w.putAway.add(action.tree);
      w.before = w.tree;
      w.tree = w.good?.tree ?? '';
      send({ kind: 'reset', at: w.at, from: action.tree, tree: w.tree, text: 'reset' });
    }
  };
  const tickIfDue = (): boolean => {
    if (w.at < state.nextAt) return false;
    if (typeof state.lock === 'object') send({ kind: 'lock', at: w.at, lock: w.lock });
    send({ kind: 'tick', facts: facts() });
    return true;
  };

  for (const step of all) {
    if (step.kind !== 'wait') {
      happen(step);
      continue;
    }
    w.at += step.ms;
    const before = looks;
    tickIfDue();
    // However late: one look, not one for each that was missed.
    expect(looks - before).toBeLessThanOrEqual(1);
    expect(state.nextAt).toBeGreaterThan(w.at - 1);
  }

  return { w, resets: () => resets, state: () => state, looks: () => looks, tickIfDue, send };
}

test('[invariant 33] whatever happens, a reset is of a confirmed regression of the present tree, at a time that allows it, and never twice of the same tree', () => {
  let resets = 0;
  fc.assert(
    fc.property(settingsOf, steps, locks, (settings, all, lock) => {
      resets += play(settings, all, lock).resets();
    }),
    { numRuns: 1500 },
  );
  // Else nothing was tried; there are some 450.
  expect(resets).toBeGreaterThan(250);
});

test('it never gets stuck: a changed tree is looked at when all is calm again', () => {
  fc.assert(
    fc.property(settingsOf, steps, locks, (settings, all, lock) => {
      const game = play(settings, all, lock);
      const { w } = game;
      w.git = false;
      w.testing = false;
      w.luck = 'honest';
      w.meanwhile = [];
      w.lock = typeof w.lock === 'object' ? 'held' : w.lock;
      if (game.state().paused) game.send({ kind: 'resumed', at: w.at });
      w.tree = 'good9';
      w.editedAt = w.at;
      const before = game.looks();
      const from = w.at;
      for (let i = 0; i < 5 && game.looks() === before; i++) {
        w.at = Math.max(w.at, game.state().nextAt);
        game.tickIfDue();
      }
      expect(game.looks()).toBe(before + 1);
      expect(w.at - from).toBeLessThan(settings.everyMs + settings.quietMs + 10_000);
      expect(w.good?.tree).toBe('good9');
    }),
    { numRuns: 500 },
  );
});
