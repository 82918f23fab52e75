import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { healSession } from '../../src/nightly/session.ts';
import { startSession } from '../../src/session/index.ts';
import { makeProject, makeWorld, type World } from '../session/support.ts';
import { writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

let world: World;
afterEach(() => world.end());

test('a start has to wait while the night restarts services', async () => {
  world = makeWorld();
  const project = makeProject(world.root, [
    {
      name: 'api',
      commands: ['trap : TERM; echo up; while test ! -e go; do sleep 0.1; done'],
      ready: { kind: 'command', command: 'false', timeoutMs: 1 },
      stop: { signal: 'SIGTERM', graceMs: 300_000 },
    },
  ]);
  const preflight = () => Promise.resolve();
  await startSession(world.deps, project, { windows: [], preflight });
  await until('it is up', async () =>
    (await world.tmux('capture-pane', '-p', '-t', 'shop:api')).includes('up'),
  );
  const stop = new AbortController();
  const healed = healSession(world.deps, project, { preflight, signal: stop.signal });
  const lock = path.join(world.env['XDG_STATE_HOME'] ?? '', 'devenv/locks', `start-${project.id}`);
  // A restart, as lock.ts writes it.
  await until('the lock', () => readFileSync(lock, 'utf8') === `${process.pid}\n\n`);
  writeFiles(world.root, 'go', '');
  expect(await healed).toMatchObject({ state: 'healed', restarted: ['api'] });
});
