import { describe, expect, it } from 'vitest';
import { restartable, type OwnSession } from '../../src/session/index.ts';
import type { PaneRow } from '../../src/tmux/index.ts';
import { ownRow } from './support.ts';

const session = (rows: readonly PaneRow[]): OwnSession => ({
  id: '$1',
  uid: 'abc',
  name: 'shop',
  root: '/nowhere/shop',
  attached: 0,
  rows,
});

describe('what starts anew when the code became another', () => {
  it.each([
    ['one that runs', { state: 'running' }, false, true],
    ['one between two restarts', { state: 'restarting' }, false, true],
    ['one that failed', { state: 'exited', exit: '1' }, false, true],
    ['one whose wrapper was killed', { state: 'running' }, true, true],
    ['not one that ended well', { state: 'exited', exit: '0' }, false, false],
    ['not one that a person stopped', { state: 'stopped', exit: '143' }, false, false],
    ['not one that was stopped and whose pane died', { state: 'stopped' }, true, false],
    ['not one that still waits for another', { state: 'waiting' }, false, false],
    ['not a task', { kind: 'task', state: 'running' }, false, false],
    ['not an editor', { kind: 'tool', state: 'running' }, false, false],
  ])('%s', (_what, marks, dead, restarts) => {
    expect(restartable(session([ownRow('api', 1, marks, { dead })]))).toEqual(restarts ? ['api'] : []);
  });
});
