import { expect, test } from 'vitest';
import { openLog, type Clock } from '../../src/base/index.ts';
import { createEngine } from '../../src/watch/engine.ts';
import { createPicture } from '../../src/watch/picture.ts';
import { until } from '../support/until.ts';
import { testProject } from '../verify/support.ts';

test('when events are lost, the next look comes soon, not when the minute that has begun is over', async () => {
  const t = testProject({ suites: [] });
  const asked: number[] = [];
  // Nothing but the end of the waiting ends it.
  const clock: Clock = {
    ...t.deps.clock,
    sleep: (ms, signal) => {
      asked.push(ms);
      return new Promise((resolve) => signal?.addEventListener('abort', () => resolve()));
    },
  };
  const stop = new AbortController();
  const engine = createEngine({
    deps: { ...t.deps, clock, log: await openLog(t.env) },
    project: t.project,
    look: () => Promise.reject(new Error('not asked for here')),
    ignored: () => false,
    picture: createPicture(t.project, () => {}, clock, undefined),
    around: {
      attended: () => Promise.resolve(false),
      ask: () => Promise.resolve(),
      withdraw: () => Promise.resolve(),
      tell: () => Promise.resolve(),
      showStatus: () => Promise.resolve(),
      undo: () => Promise.resolve(),
      rollBack: () => Promise.reject(new Error('not asked for here')),
    },
    signal: stop.signal,
  });
  const ended = engine.run(stop.signal);
  await until('the first pause', () => asked.includes(60_000));
  engine.sweepEvery(5000);
  await until('a shorter one', () => asked.includes(5000));
  stop.abort();
  await ended;
  t.store.close();
  expect(asked.filter((ms) => ms >= 5000)).toEqual([60_000, 5000]);
});
