import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  startLoop,
  stepLoop,
  type LoopAction,
  type LoopEvent,
  type LoopState,
} from '../../src/watch/loop.ts';

/** Drives the machine by hand: what it did after each event. */
function machine(debounceMs = 50) {
  const first = startLoop(debounceMs, 1000);
  let state: LoopState = first.state;
  const log: LoopAction[][] = [[...first.actions]];
  return {
    state: () => state,
    first: first.actions,
    send(event: LoopEvent): readonly LoopAction[] {
      const step = stepLoop(state, event);
      state = step.state;
      log.push([...step.actions]);
      return step.actions;
    },
  };
}
const looked = (at: number, tree: string, changed: readonly string[] = ['f']): LoopEvent => ({
  kind: 'looked',
  at,
  tree,
  changed,
});
const ended = (
  at: number,
  verdict: 'judged' | 'stopped' | 'stale' = 'judged',
  changed: readonly string[] = [],
): LoopEvent => ({ kind: 'ended', at, verdict, changed });
const hint = (at: number): LoopEvent => ({ kind: 'hint', at });

/** A loop that has judged tree A and is at rest. */
function atRest() {
  const m = machine();
  m.send(looked(1010, 'A'));
  m.send(ended(2000));
  return m;
}

describe('one story each', () => {
  test('the first look leads to the first run', () => {
    const m = machine();
    expect(m.first).toEqual([{ kind: 'look' }]);
    expect(m.send(looked(1010, 'A'))).toEqual([{ kind: 'run', tree: 'A', scope: 'all' }]);
    expect(m.send(ended(2000))).toEqual([]);
  });

  test('a save is looked at at once and runs when the debounce is over', () => {
    const m = atRest();
    expect(m.send(hint(5000))).toEqual([{ kind: 'look' }]);
    expect(m.send(looked(5030, 'B'))).toEqual([{ kind: 'wake', at: 5050 }]);
    expect(m.send({ kind: 'wake', at: 5050 })).toEqual([{ kind: 'run', tree: 'B', scope: 'all' }]);
  });

  test('a look that takes longer than the debounce is not waited for twice', () => {
    const m = atRest();
    m.send(hint(5000));
    expect(m.send(looked(5080, 'B'))).toEqual([{ kind: 'run', tree: 'B', scope: 'all' }]);
  });

  test('a second hint during the look makes it worthless', () => {
    const m = atRest();
    m.send(hint(5000));
    expect(m.send(hint(5010))).toEqual([]);
    expect(m.send(looked(5030, 'half'))).toEqual([{ kind: 'wake', at: 5060 }]);
    expect(m.send({ kind: 'wake', at: 5060 })).toEqual([{ kind: 'look' }]);
    expect(m.send(looked(5090, 'B'))).toEqual([{ kind: 'run', tree: 'B', scope: 'all' }]);
  });

  test('hints without end are looked at after half a second', () => {
    const m = atRest();
    m.send(hint(5000));
    m.send(looked(5030, 'B'));
    for (let at = 5040; at < 5500; at += 40)
      expect(m.send(hint(at)).some((a) => a.kind === 'run')).toBe(false);
    expect(m.send(hint(5501))).toEqual([{ kind: 'look' }]);
  });

  test('the same content starts nothing', () => {
    const m = atRest();
    m.send(hint(5000));
    expect(m.send(looked(5080, 'A', []))).toEqual([]);
  });

  test('a save during a run cancels it and runs again', () => {
    const m = atRest();
    m.send(hint(5000));
    m.send(looked(5080, 'B'));
    m.send(hint(6000));
    expect(m.send(looked(6080, 'C'))).toEqual([{ kind: 'cancel' }]);
    expect(m.send(ended(6100, 'stopped', ['f']))).toEqual([{ kind: 'look' }]);
    expect(m.send(looked(6160, 'C', []))).toEqual([{ kind: 'run', tree: 'C', scope: 'all' }]);
  });

  test('a save of the same content during a run does not disturb it', () => {
    const m = atRest();
    m.send(hint(5000));
    m.send(looked(5080, 'B'));
    m.send(hint(6000));
    expect(m.send(looked(6080, 'B', []))).toEqual([]);
  });

  test('paused: nothing runs; resumed: it catches up', () => {
    const m = atRest();
    m.send({ kind: 'pause', at: 4000 });
    m.send(hint(5000));
    expect(m.send(looked(5080, 'B'))).toEqual([]);
    expect(m.send({ kind: 'resume', at: 6000 })).toEqual([{ kind: 'look' }]);
    expect(m.send(looked(6080, 'B', []))).toEqual([{ kind: 'run', tree: 'B', scope: 'all' }]);
  });

  test('a run that is asked for runs on a tree that is judged, also while paused', () => {
    const m = atRest();
    m.send({ kind: 'pause', at: 4000 });
    m.send({ kind: 'want', at: 5000, scope: 'failed' });
    expect(m.send(looked(5080, 'A', []))).toEqual([{ kind: 'run', tree: 'A', scope: 'failed' }]);
  });

  /** A loop held after three runs that changed `stamp.txt`, and the tree it was left with seen. */
  function heldLoop() {
    const m = atRest();
    let at = 5000;
    m.send(hint(at));
    let actions = m.send(looked((at += 600), 'T0', ['src.ts']));
    for (let n = 1; n <= 3; n++) {
      expect(actions).toContainEqual({ kind: 'run', tree: `T${n - 1}`, scope: 'all' });
      actions = m.send(ended((at += 1000), 'stale', ['stamp.txt']));
      if (n < 3) actions = m.send(looked((at += 600), `T${n}`, ['stamp.txt']));
    }
    expect(actions).toContainEqual({ kind: 'hold', files: ['stamp.txt'], until: at + 2000 });
    expect(actions).toContainEqual({ kind: 'wake', at: at + 2000 });
    const from = at;
    expect(m.send(looked(from + 100, 'T3', ['stamp.txt']))).toEqual([]);
    return { m, from };
  }

  test('runs that change the tree themselves are held after the third, and tried again ever less often', () => {
    const { m, from } = heldLoop();
    // What a run left behind still writes.
    m.send(hint(from + 200));
    expect(m.send(looked(from + 300, 'T4', ['stamp.txt']))).toEqual([]);
    let at = from + 2000;
    expect(m.send({ kind: 'wake', at })).toEqual([{ kind: 'run', tree: 'T4', scope: 'all' }]);
    for (const pause of [4000, 8000, 16_000]) {
      const actions = m.send(ended((at += 1000), 'stale', ['stamp.txt']));
      expect(actions).toContainEqual({ kind: 'hold', files: ['stamp.txt'], until: at + pause });
      const tree = `after ${pause}`;
      expect(m.send(looked(at + 100, tree, ['stamp.txt']))).toEqual([]);
      expect(m.send({ kind: 'wake', at: (at += pause) })).toEqual([{ kind: 'run', tree, scope: 'all' }]);
    }
    expect(m.send(ended((at += 1000), 'judged'))).toEqual([]);
    expect(m.state().held).toBeUndefined();
  });

  test('a timer that fires a moment too early does not leave the held tree untested', () => {
    const { m, from } = heldLoop();
    m.send(hint(from + 200));
    m.send(looked(from + 300, 'T4', ['stamp.txt']));
    const until = from + 2000;
    expect(m.send({ kind: 'wake', at: until - 1 })).toEqual([{ kind: 'wake', at: until }]);
    expect(m.send({ kind: 'wake', at: until })).toEqual([{ kind: 'run', tree: 'T4', scope: 'all' }]);
  });

  test('held: another file, or the same one saved while no test runs, is tested at once', () => {
    for (const file of ['src.ts', 'stamp.txt']) {
      const { m, from } = heldLoop();
      m.send(hint(from + 1100));
      expect(m.send(looked(from + 1200, 'T4', [file]))).toEqual([{ kind: 'run', tree: 'T4', scope: 'all' }]);
      expect(m.state().held).toBeUndefined();
    }
  });

  test('a person who saves one file all the time gets a verdict of the last content', () => {
    const m = atRest();
    let at = 5000;
    let tree = 0;
    m.send(hint(at));
    m.send(looked((at += 600), 'T0'));
    for (let n = 0; n < 60 && m.state().held === undefined; n++) {
      m.send(hint((at += 400)));
      const actions = m.send(looked((at += 600), `T${++tree}`, ['f']));
      if (actions.some((action) => action.kind === 'cancel')) m.send(ended((at += 10), 'stopped', ['f']));
      else if (m.state().running) m.send(ended((at += 10), 'stale', ['f']));
      m.send(looked((at += 100), `T${tree}`, []));
    }
    const { held } = m.state();
    expect(held).toBeDefined();
    // No save came after the one that began the hold.
    expect(m.send({ kind: 'wake', at: held?.until ?? 0 })).toEqual([
      { kind: 'run', tree: `T${tree}`, scope: 'all' },
    ]);
  });

  test('a run that is cut again and again by one file is in the end let through', () => {
    const m = atRest();
    let at = 5000;
    let tree = 0;
    m.send(hint(at));
    m.send(looked((at += 600), 'T0'));
    for (let cut = 0; cut < 4; cut++) {
      m.send(hint((at += 1000)));
      expect(m.send(looked((at += 600), `T${++tree}`, ['stamp.txt']))).toEqual([{ kind: 'cancel' }]);
      m.send(ended((at += 10), 'stopped', ['stamp.txt']));
      expect(m.send(looked((at += 600), `T${tree}`, []))).toMatchObject([{ kind: 'run' }]);
    }
    m.send(hint((at += 1000)));
    expect(m.send(looked((at += 600), `T${++tree}`, ['stamp.txt']))).toEqual([]);
  });
});

test('whatever happens, when it gets quiet the last tree has a verdict', () => {
  const happening = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('save' as const), tree: fc.nat(3), after: fc.nat(120) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('look ends' as const), after: fc.nat(80) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('look fails' as const), after: fc.nat(80) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('run ends' as const), after: fc.nat(200) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('pause' as const, 'resume' as const, 'want' as const),
        after: fc.nat(50),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('time passes' as const), after: fc.nat(700) }) },
  );
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (story) => {
      let at = 1000;
      let tree = 'T0';
      const start = startLoop(50, at);
      let state = start.state;
      const world = {
        look: undefined as string | undefined,
        run: undefined as string | undefined,
        cancelled: false,
        wake: undefined as number | undefined,
        lastSeen: '',
        judged: '',
        wrong: false,
      };
      const apply = (actions: readonly LoopAction[]): void => {
        for (const action of actions) {
          if (action.kind === 'look') {
            world.wrong ||= world.look !== undefined;
            world.look = tree;
          } else if (action.kind === 'run') {
            world.wrong ||= world.run !== undefined;
            world.run = action.tree;
            world.cancelled = false;
          } else if (action.kind === 'cancel') {
            world.wrong ||= world.run === undefined;
            world.cancelled = true;
          } else if (action.kind === 'wake') world.wake = Math.min(world.wake ?? Infinity, action.at);
        }
      };
      const send = (event: LoopEvent): void => {
        const step = stepLoop(state, event);
        state = step.state;
        apply(step.actions);
      };
      const pass = (ms: number): void => {
        at += ms;
        if (world.wake !== undefined && world.wake <= at) {
          world.wake = undefined;
          send({ kind: 'wake', at });
        }
      };
      const endLook = (): void => {
        if (world.look === undefined) return;
        const found = world.look;
        world.look = undefined;
        const changed = found === world.lastSeen ? [] : [found];
        world.lastSeen = found;
        send({ kind: 'looked', at, tree: found, changed });
      };
      const endRun = (): void => {
        if (world.run === undefined) return;
        const ran = world.run;
        world.run = undefined;
        const verdict = world.cancelled ? 'stopped' : ran === tree ? 'judged' : 'stale';
        if (verdict === 'judged') world.judged = ran;
        send({ kind: 'ended', at, verdict, changed: verdict === 'judged' ? [] : [tree] });
      };
      apply(start.actions);
      for (const one of story) {
        pass(one.after);
        if (one.do === 'save') {
          tree = `T${one.tree}`;
          send({ kind: 'hint', at });
        } else if (one.do === 'look ends') endLook();
        else if (one.do === 'look fails' && world.look !== undefined) {
          world.look = undefined;
          send({ kind: 'look-failed', at });
        } else if (one.do === 'run ends') endRun();
        else if (one.do === 'pause' || one.do === 'resume') send({ kind: one.do, at });
        else if (one.do === 'want') send({ kind: 'want', at, scope: 'all' });
      }
      // It gets quiet: one last save, and everything under way comes to its end.
      tree = 'last';
      send({ kind: 'resume', at });
      send({ kind: 'hint', at });
      for (let i = 0; i < 60; i++) {
        pass(100);
        endLook();
        pass(100);
        endRun();
      }
      expect(world.judged).toBe('last');
      expect([world.look, world.run, world.wrong]).toEqual([undefined, undefined, false]);
    }),
    { numRuns: 300 },
  );
});
