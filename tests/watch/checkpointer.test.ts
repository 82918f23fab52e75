import { describe, expect, test } from 'vitest';
import {
  decide,
  startCheckpointer,
  type CheckpointerEvent,
  type CheckpointerState,
  type Facts,
} from '../../src/watch/checkpointer.ts';

const settings = { everyMs: 300_000, quietMs: 10_000, onFailure: 'auto' } as const;
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
const waiting = begin({ confirmed: { tree: 'B', why: 'unit passes on checkpoint-1' } });

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
      'a reset is told',
      waiting,
      { kind: 'reset', at, tree: 'A', text: 'reset to checkpoint-1' },
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
