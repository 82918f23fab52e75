import { describe, expect, test } from 'vitest';
import { decide, startCheckpointer } from '../../src/checkpointer/decide.ts';
import type { CheckpointerEvent, CheckpointerState, Facts } from '../../src/checkpointer/types.ts';

const settings = { everyMs: 300_000, quietMs: 10_000, onFailure: 'auto', verifyIn: 'place' } as const;
const at = 1_000_000;
const facts = (over: Partial<Facts> = {}): Facts => ({
  at,
  tree: 'B',
  editedAt: at - 60_000,
  testing: false,
  repoState: 'clean',
  broughtBack: false,
  good: { tag: 'checkpoint-1', tree: 'A' },
  attended: false,
  ...over,
});
const start = startCheckpointer(settings, at - settings.everyMs);
const begin = (over: Partial<CheckpointerState> = {}): CheckpointerState => ({ ...start, ...over });
const verified = (
  verdict: Extract<CheckpointerEvent, { kind: 'verified' }>['verdict'],
  over: Partial<Facts> = {},
  suiteFailed = true,
): CheckpointerEvent => ({
  kind: 'verified',
  facts: facts(over),
  tree: 'B',
  verdict,
  why: 'unit: adds fails',
  suiteFailed,
});
const confirmed = (over: Partial<Facts> = {}, passes = true): CheckpointerEvent => ({
  kind: 'confirmed',
  facts: facts(over),
  tree: 'B',
  on: 'checkpoint-1',
  confirmed: passes,
  why: 'unit passes on checkpoint-1',
});

type Row = readonly [
  name: string,
  state: CheckpointerState,
  event: CheckpointerEvent,
  action: string | undefined,
  decision: string | undefined,
  why?: RegExp,
];
const waiting = begin({ confirmed: { tree: 'B', why: 'unit passes on checkpoint-1', on: 'checkpoint-1' } });
const other = { holder: 'another devenv watch (pid 7)' };

describe('one row a case: what is done, what is said', () => {
  const rows: readonly Row[] = [
    ['a changed tree is judged', begin(), { kind: 'tick', facts: facts() }, 'verify', undefined],
    [
      'a tree that was decided about is left',
      begin({ settled: 'B' }),
      { kind: 'tick', facts: facts() },
      undefined,
      undefined,
    ],
    [
      'the tree of the last good checkpoint needs nothing',
      begin(),
      { kind: 'tick', facts: facts({ tree: 'A' }) },
      undefined,
      undefined,
      /unchanged since checkpoint-1/,
    ],
    [
      'it waits for the tests that run',
      begin(),
      { kind: 'tick', facts: facts({ testing: true }) },
      undefined,
      undefined,
      /waits/,
    ],
    ['passed: tag', begin(), verified('passed'), 'tag', undefined],
    ['flaky: tag, as flaky', begin(), verified('flaky'), 'tag', undefined],
    ['broken: keep', begin(), verified('broken'), undefined, 'kept', /could not be judged/],
    [
      'broken again: keep in silence',
      begin({ broken: { tree: 'B', times: 1 } }),
      verified('broken'),
      undefined,
      undefined,
      /could not be judged/,
    ],
    ['stale: nothing', begin(), verified('stale'), undefined, 'stale'],
    ['stopped: nothing', begin(), verified('stopped'), undefined, undefined],
    ['failed: is it this edit?', begin(), verified('failed'), 'confirm', undefined],
    [
      'failed, no good checkpoint: keep',
      begin(),
      verified('failed', { good: undefined }),
      undefined,
      'kept',
      /no good checkpoint/,
    ],
    [
      'another one that failed, still no good checkpoint: keep in silence',
      begin({ toldNoGood: true }),
      verified('failed', { good: undefined }),
      undefined,
      undefined,
      /no good checkpoint/,
    ],
    [
      'failed, but brought back by hand: keep',
      begin(),
      verified('failed', { broughtBack: true }),
      undefined,
      'kept',
      /by hand/,
    ],
    [
      'failed by a gate that is no test: keep',
      begin(),
      verified('failed', {}, false),
      undefined,
      'kept',
      /only failed tests/,
    ],
    ['it fails on the good checkpoint too: keep', begin(), confirmed({}, false), undefined, 'kept'],
    ['confirmed, nobody there: reset', begin(), confirmed(), 'reset', undefined],
    ['confirmed, somebody there: ask', begin(), confirmed({ attended: true }), 'ask', 'asked'],
    [
      'confirmed, edited a moment ago: wait',
      begin(),
      confirmed({ editedAt: at - 3000 }),
      undefined,
      undefined,
      /nothing was edited for 10/,
    ],
    [
      'confirmed, during a rebase: keep',
      begin(),
      confirmed({ repoState: 'rebasing' }),
      undefined,
      'kept',
      /rebasing/,
    ],
    [
      'still during the rebase: in silence',
      begin({ ...waiting, why: 'kept: no reset while git is rebasing' }),
      { kind: 'tick', facts: facts({ repoState: 'rebasing' }) },
      undefined,
      undefined,
    ],
    [
      'confirmed, but the tree is another one by now: nothing',
      begin(),
      confirmed({ tree: 'C' }),
      undefined,
      undefined,
    ],
    [
      'the quiet came: reset without judging again',
      waiting,
      { kind: 'tick', facts: facts() },
      'reset',
      undefined,
    ],
    [
      'the quiet came, but with another tree: judge that',
      waiting,
      { kind: 'tick', facts: facts({ tree: 'C' }) },
      'verify',
      undefined,
    ],
    [
      'a reset that was refused keeps',
      waiting,
      { kind: 'refused', at, tree: 'B', why: 'it would delete 300 files' },
      undefined,
      'kept',
      /300 files/,
    ],
    [
      'the good checkpoint it was confirmed on is gone, another one is the last: judge again',
      waiting,
      { kind: 'tick', facts: facts({ good: { tag: 'checkpoint-0', tree: 'Z' } }) },
      'verify',
      undefined,
    ],
    [
      'confirmed on one that is no more the last good one: nothing',
      begin(),
      confirmed({ good: { tag: 'checkpoint-2', tree: 'Z' } }),
      undefined,
      undefined,
      /changed/,
    ],
    [
      'confirmed, but no good checkpoint is left: nothing',
      begin(),
      confirmed({ good: undefined }),
      undefined,
      undefined,
    ],
    [
      'a rollback by hand while it was judged: the verdict is of a tree that is gone',
      begin(),
      verified('failed', { tree: 'C' }),
      undefined,
      undefined,
      /changed while it was judged/,
    ],
    [
      'what passed is kept all the same, for it is that very tree',
      begin(),
      verified('passed', { tree: 'C' }),
      'tag',
      undefined,
    ],
    [
      'what the user has just rolled back to is not reset at once',
      begin(),
      verified('failed', { broughtBack: true }),
      undefined,
      'kept',
      /by hand/,
    ],
    [
      'a rollback by hand that brought it back while it was confirmed: keep',
      begin(),
      confirmed({ broughtBack: true }),
      undefined,
      'kept',
      /by hand/,
    ],
    [
      'the tree that was reset is there again: keep',
      begin({ takenAway: 'B' }),
      verified('failed'),
      undefined,
      'kept',
      /by hand/,
    ],
    [
      'paused: no look',
      begin({ paused: true }),
      { kind: 'tick', facts: facts() },
      undefined,
      undefined,
      /paused/,
    ],
    [
      'paused while it was judged: no tag',
      begin({ paused: true }),
      verified('passed'),
      undefined,
      undefined,
      /paused/,
    ],
    [
      'paused while it was confirmed: no reset',
      begin({ paused: true }),
      confirmed(),
      undefined,
      undefined,
      /paused/,
    ],
    ['it is paused', waiting, { kind: 'paused', at }, undefined, undefined, /paused/],
    ['it goes on', begin({ paused: true }), { kind: 'resumed', at }, undefined, undefined, /goes on/],
    [
      'another watcher has the lock: no look',
      begin({ lock: other }),
      { kind: 'tick', facts: facts() },
      undefined,
      undefined,
      /another devenv watch \(pid 7\) makes the checkpoints/,
    ],
    ['without the lock: no tag', begin({ lock: other }), verified('passed'), undefined, undefined, /pid 7/],
    ['without the lock: no reset', begin({ lock: other }), confirmed(), undefined, undefined, /pid 7/],
    [
      'the other one ended: it takes over, and says so',
      begin({ lock: other }),
      { kind: 'lock', at, lock: 'held' },
      undefined,
      'lock',
      /took over/,
    ],
    [
      'no lock can be had here: it tags, but never resets',
      begin({ lock: 'none' }),
      confirmed(),
      undefined,
      'kept',
      /no lock/,
    ],
    [
      'no lock can be had here: passed is tagged',
      begin({ lock: 'none' }),
      verified('passed'),
      'tag',
      undefined,
    ],
    [
      'a look that comes hours late, since the machine slept, is one look',
      begin(),
      { kind: 'tick', facts: facts({ at: at + 8 * 3_600_000 }) },
      'verify',
      undefined,
    ],
    [
      'after the sleep what is known of edits is old: no reset before it was quiet again',
      { ...waiting, nextAt: at },
      { kind: 'tick', facts: facts({ at: at + 8 * 3_600_000 }) },
      undefined,
      undefined,
      /nothing was edited/,
    ],
    [
      'an edit in the time to come (another clock) is one of now',
      begin(),
      confirmed({ editedAt: at + 3_600_000 }),
      undefined,
      undefined,
      /nothing was edited/,
    ],
    [
      'a reset is told',
      waiting,
      { kind: 'reset', at, from: 'B', tree: 'A', text: 'reset to checkpoint-1' },
      undefined,
      'reset',
    ],
    [
      'a tag is told',
      begin(),
      { kind: 'tagged', at, tree: 'B', tag: 'checkpoint-2', created: true },
      undefined,
      'tagged',
    ],
    [
      'a tag that was there already is not',
      begin(),
      { kind: 'tagged', at, tree: 'B', tag: 'checkpoint-2', created: false },
      undefined,
      undefined,
    ],
  ];
  for (const [name, state, event, action, decision, why] of rows)
    test(name, () => {
      const found = decide(settings, state, event);
      expect(found.action?.kind).toBe(action);
      expect(found.decision?.kind).toBe(decision);
      expect(found.state.why).toMatch(why ?? /./);
      expect(found.state.nextAt).toBeGreaterThanOrEqual(state.nextAt);
    });
});

test.each([
  ['ask', true, 'ask'],
  ['ask', false, undefined],
  ['reset', true, 'reset'],
  ['reset', false, 'reset'],
  ['keep', true, undefined],
  ['auto', true, 'ask'],
  ['auto', false, 'reset'],
] as const)('on_failure: %s, attended: %s -> %s', (onFailure, attended, action) => {
  expect(decide({ ...settings, onFailure }, begin(), confirmed({ attended })).action?.kind).toBe(action);
});

test('no tree is acted upon twice', () => {
  for (const last of [confirmed({ attended: true }), { kind: 'refused', at, tree: 'B', why: 'x' } as const]) {
    const { state } = decide(settings, waiting, last);
    expect(decide(settings, state, { kind: 'tick', facts: facts() }).action).toBeUndefined();
  }
});

test('the wait for quiet ends exactly when it is quiet', () => {
  const { state } = decide(settings, begin(), confirmed({ editedAt: at - 3000 }));
  expect(state.nextAt).toBe(at + 7000);
});

test('after the machine slept nothing is reset before it was quiet again', () => {
  const { state } = decide(settings, waiting, { kind: 'woke', at: at - 1 });
  const tick = decide(settings, state, { kind: 'tick', facts: facts() });
  expect(tick.action).toBeUndefined();
  expect(tick.state.nextAt).toBe(at - 1 + settings.quietMs);
});

test('an edit in the time to come holds a reset up no longer than one of now', () => {
  const { state } = decide(settings, begin(), confirmed({ editedAt: at + 3_600_000 }));
  expect(state.nextAt).toBe(at + settings.quietMs);
});

test('gates that take longer than the interval: the next look is counted from their end', () => {
  const late = at + 3 * settings.everyMs;
  for (const event of [
    verified('passed', { at: late }),
    verified('stale', { at: late }),
    confirmed({ at: late }, false),
  ])
    expect(decide(settings, begin(), event).state.nextAt).toBe(late + settings.everyMs);
});

test('a look that comes late is followed by one an interval later, not by those that were missed', () => {
  const late = at + 8 * 3_600_000;
  expect(decide(settings, begin(), { kind: 'tick', facts: facts({ at: late }) }).state.nextAt).toBe(
    late + settings.everyMs,
  );
});

test('after a pause what is due is looked at once', () => {
  const paused = decide(settings, begin(), { kind: 'paused', at }).state;
  expect(decide(settings, paused, { kind: 'resumed', at: at + 5 }).state).toMatchObject({
    paused: false,
    nextAt: at + 5,
  });
});

test('in a scratch work tree it does not wait for the tests of the watcher', () => {
  const tick = { kind: 'tick', facts: facts({ testing: true }) } as const;
  expect(decide({ ...settings, verifyIn: 'worktree' }, begin(), tick).action?.kind).toBe('verify');
});

test('that there is no good checkpoint is said again after there was one', () => {
  const told = decide(settings, begin(), verified('failed', { good: undefined })).state;
  const tagged = decide(settings, told, {
    kind: 'tagged',
    at,
    tree: 'D',
    tag: 'checkpoint-2',
    created: true,
  }).state;
  expect(decide(settings, tagged, verified('failed', { good: undefined })).decision?.kind).toBe('kept');
});

test('[invariant 32] what was found out about one tree is done to no other', () => {
  for (const event of [verified('failed', { tree: 'C' }), confirmed({ tree: 'C' })])
    expect(decide(settings, waiting, event).action).toBeUndefined();
  for (const event of [verified('failed'), verified('passed'), confirmed(), confirmed({ attended: true })])
    expect(decide(settings, begin(), event).action).toMatchObject({ tree: 'B' });
});

test('[invariant 33] what a reset took away and somebody brought back is not taken away again', () => {
  const { state } = decide(settings, waiting, { kind: 'reset', at, from: 'B', tree: 'A', text: 'reset' });
  const tick = decide(settings, state, { kind: 'tick', facts: facts() });
  expect(tick.action?.kind).toBe('verify');
  const failed = decide(settings, tick.state, verified('failed'));
  expect(failed.action).toBeUndefined();
  expect(decide(settings, failed.state, { kind: 'tick', facts: facts() }).action).toBeUndefined();
});
