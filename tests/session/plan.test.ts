import { array, assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSession, stopLevels } from '../../src/session/plan.ts';
import type { PaneRow } from '../../src/tmux/index.ts';
import { makeProject, ownRow, paneRow } from './support.ts';

const project = makeProject('/nowhere/shop', [
  { name: 'editor', kind: 'tool' },
  { name: 'api', commands: ['a'] },
  { name: 'ui', commands: ['b'], needs: ['api'] },
  { name: 'logs', commands: ['c'] },
]);

/** The plan in a form that reads in a table. */
function plan(rows: readonly PaneRow[], names: readonly string[] = []): unknown {
  const found = planSession(project, rows, names);
  if (found.kind === 'build') return { build: found.wanted.map((w) => w.name) };
  if (found.kind === 'refused') return { refused: found.root ?? 'foreign' };
  return {
    add: found.windows.map((w) => `${w.window.name} after ${w.after ?? 'nothing'}`),
    revive: found.revive.map((w) => w.name),
  };
}

const all = [ownRow('editor', 1, { kind: 'tool' }), ownRow('api', 2), ownRow('ui', 3), ownRow('logs', 4)];

describe('planSession', () => {
  it.each<[string, readonly PaneRow[], readonly string[], unknown]>([
    ['nothing runs: everything', [], [], { build: ['editor', 'api', 'ui', 'logs'] }],
    ['one window: it and what it needs, in the order of the layout', [], ['ui'], { build: ['api', 'ui'] }],
    [
      'another session is no hindrance',
      [paneRow({ sessionName: 'other' })],
      [],
      { build: ['editor', 'api', 'ui', 'logs'] },
    ],
    ['a session of that name without our mark', [paneRow()], [], { refused: 'foreign' }],
    [
      'a session of that name of another project',
      [ownRow('api', 1, { root: '/nowhere/else' })],
      [],
      { refused: '/nowhere/else' },
    ],
    ['all of it runs', all, [], { add: [], revive: [] }],
    [
      'it runs under a name that the user gave it',
      all.map((row) => ({ ...row, sessionName: 'mine' })),
      [],
      { add: [], revive: [] },
    ],
    [
      'windows are missing: behind the one before them',
      all.filter((_, i) => i === 0 || i === 3),
      [],
      { add: ['api after @1', 'ui after @1'], revive: [] },
    ],
    ['the first is missing', all.slice(1), [], { add: ['editor after nothing'], revive: [] }],
    [
      'an ended window stays as it is',
      [...all.slice(0, 3), ownRow('logs', 4, { state: 'stopped' })],
      [],
      { add: [], revive: [] },
    ],
    [
      'unless it is asked for',
      [...all.slice(0, 3), ownRow('logs', 4, { state: 'stopped' })],
      ['logs'],
      { add: [], revive: ['logs'] },
    ],
    [
      'what it needs is started again too',
      [all[0]!, ownRow('api', 2, { state: 'stopped' }), ownRow('ui', 3, { state: 'stopped' }), all[3]!],
      ['ui'],
      { add: [], revive: ['api', 'ui'] },
    ],
    [
      'a dead pane is an ended window',
      [...all.slice(0, 3), ownRow('logs', 4, {}, { dead: true })],
      ['logs'],
      { add: [], revive: ['logs'] },
    ],
    [
      'a build that is under way has no marks yet',
      [paneRow({ sessionName: 'devenv-build-1' })],
      [],
      { build: ['editor', 'api', 'ui', 'logs'] },
    ],
  ])('%s', (_what, rows, names, expected) => {
    expect(plan(rows, names)).toEqual(expected);
  });

  it('names the nearest window', () => {
    expect(() => plan([], ['apy'])).toThrow(
      expect.objectContaining({ code: 'unknown-window', hint: 'did you mean api?' }),
    );
  });
});

describe('stopLevels', () => {
  it.each([
    ['no needs: all at once', { a: [], b: [] }, [['a', 'b']]],
    ['who needs others goes first', { api: [], ui: ['api'], e2e: ['ui'] }, [['e2e'], ['ui'], ['api']]],
    ['needs outside of what is stopped do not count', { ui: ['api'] }, [['ui']]],
    ['a circle ends together', { a: ['b'], b: ['a'] }, [['a', 'b']]],
  ])('%s', (_what, needs, expected) => {
    expect(stopLevels(Object.entries(needs).map(([name, list]) => ({ name, needs: list })))).toEqual(
      expected,
    );
  });

  it('stops each once, and never what a remaining one needs', () => {
    const graph = array(array(nat(9), { maxLength: 3 }), { minLength: 1, maxLength: 10 });
    assert(
      property(graph, (edges) => {
        const windows = edges.map((list, i) => ({
          name: String(i),
          needs: list.filter((n) => n < i).map(String),
        }));
        const levels = stopLevels(windows);
        expect(levels.flat().toSorted()).toEqual(windows.map((w) => w.name).toSorted());
        levels.forEach((level, i) => {
          const later = new Set(levels.slice(i).flat());
          const needed = windows.filter((w) => later.has(w.name)).flatMap((w) => w.needs);
          expect(level.filter((name) => needed.includes(name))).toEqual([]);
        });
      }),
    );
  });
});
