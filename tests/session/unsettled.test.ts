import { expect, it } from 'vitest';
import { windowStatus } from '../../src/session/state.ts';
import { pickUnsettled } from '../../src/session/unsettled.ts';
import type { PaneRow } from '../../src/tmux/index.ts';
import { ownRow } from './support.ts';

const nowMs = 1_000_000_000;
const probe = JSON.stringify({ kind: 'tcp', host: 'localhost', port: 1, timeoutMs: 60_000 });
const secondsAgo = (s: number): string => String(nowMs / 1000 - s);

/** What a start waits for where these windows are, the probes of those with one in `ready` succeeding. */
function waitsFor(
  rows: readonly PaneRow[],
  how: { readonly ready?: readonly string[]; readonly attaching?: boolean } = {},
): readonly string[] {
  const windows = rows.map((row) => ({ name: row.windowName, id: row.windowId, panes: [row] }));
  const statuses = windows.map((window) => {
    const probed = window.panes[0]?.marks.ready !== undefined && window.panes[0].marks.state === 'running';
    const ok = how.ready?.includes(window.name) === true;
    return windowStatus(window, probed ? { ok, detail: '' } : undefined, nowMs);
  });
  return pickUnsettled(windows, statuses, { attaching: how.attaching === true, nowMs });
}

const steady = { started: secondsAgo(60) };

it.each<[string, readonly PaneRow[], readonly string[], readonly string[]]>([
  ['what has run for long is not waited for', [ownRow('api', 1, steady)], [], []],
  ['what has just begun is', [ownRow('api', 1, { started: secondsAgo(1) })], ['api'], ['api']],
  [
    'what has a probe, until it succeeds',
    [ownRow('api', 1, { started: secondsAgo(9), ready: probe })],
    ['api'],
    ['api'],
  ],
  [
    'what is late, unless somebody is about to see it',
    [ownRow('api', 1, { started: secondsAgo(99), ready: probe })],
    ['api'],
    [],
  ],
  [
    'what failed, likewise',
    [ownRow('api', 1, { ...steady, state: 'exited', exit: '1' }), ownRow('ui', 2, steady)],
    ['api'],
    [],
  ],
  ['what a person stopped stays stopped', [ownRow('api', 1, { ...steady, state: 'stopped' })], [], []],
  [
    'unless another waits for it',
    [
      ownRow('api', 1, { ...steady, state: 'stopped' }),
      ownRow('db', 2, steady),
      ownRow('ui', 3, { state: 'waiting', needs: '["api","db"]' }),
    ],
    ['api', 'ui'],
    ['api', 'ui'],
  ],
  ['what is about to be restarted', [ownRow('api', 1, { state: 'restarting' })], ['api'], ['api']],
  [
    'a task that nobody asked for and a shell are no services',
    [ownRow('e2e', 1, { kind: 'task', state: 'idle' }), ownRow('sh', 2, { kind: 'tool' })],
    [],
    [],
  ],
])('%s', (_, rows, detached, attaching) => {
  expect(waitsFor(rows)).toEqual(detached);
  expect(waitsFor(rows, { attaching: true })).toEqual(attaching);
});

it('a probe that succeeds ends the waiting', () => {
  const rows = [ownRow('api', 1, { started: secondsAgo(1), ready: probe })];
  expect(waitsFor(rows, { ready: ['api'] })).toEqual([]);
});
