import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot, type RunResult } from '../../src/base/index.ts';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject, writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

/** A `start` where the session is there already. */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const project = (windows: string): Promise<string> =>
  makeProject(world.env, { files: { 'devenv.yaml': `name: shop\nwindows:\n${windows}` } });

const start = (cwd: string, ...args: string[]): Promise<RunResult> =>
  devenv(['start', '--detach', ...args], { cwd, env: world.env });

/** Ready when the test says so. */
const patient = (timeout: string): string =>
  `  api: { command: sleep 1000, ready: { command: test -e go, timeout: ${timeout} } }\n`;

it('waits for what another start is still waiting for', async () => {
  const cwd = await project(patient('60s'));
  const first = start(cwd);
  await until('the session', async () => (await world.tmux('ls')).includes('shop'));
  expect(await start(cwd, '--no-wait')).toMatchObject({ code: 0 });
  const argv = [path.join(packageRoot(), 'bin/devenv.js'), 'start', '--detach'];
  const second = spawn(process.execPath, argv, { cwd, env: world.env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  second.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const ended = new Promise<number | null>((resolve) => void second.on('close', resolve));
  await until('the second waits', () => /already running\napi: starting/.test(said));
  writeFiles(cwd, 'go', '');
  expect(await ended).toBe(0);
  expect(said).toMatch(/already running\napi: starting.*\napi: ready/);
  expect((await first).stderr).toMatch(/^api: starting \(.*\napi: ready/);
});

it('fails as the first does when they do not get ready', async () => {
  const cwd = await project(patient('1s'));
  for (const result of [await start(cwd), await start(cwd)]) {
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/devenv: api is not ready in time/);
  }
});

it('fails where a service has failed meanwhile; one that was stopped stays stopped', async () => {
  const cwd = await project('  api: { command: "test ! -e go || exit 7; sleep 1000", kind: service }\n');
  expect(await start(cwd)).toMatchObject({ code: 0 });
  await devenv(['stop', 'api'], { cwd, env: world.env });
  expect(await start(cwd)).toMatchObject({ code: 0 });
  writeFiles(cwd, 'go', '');
  expect(await start(cwd, 'api')).toMatchObject({ code: 1 });
  const again = await start(cwd);
  expect(again).toMatchObject({ code: 1 });
  expect(again.stderr).toMatch(/devenv: api exited with status 7/);
  expect(await start(cwd, '--no-wait')).toMatchObject({ code: 0 });
});

it('starts an ended window again when it is named, with what it needs, and says so', async () => {
  const cwd = await project(
    '  db: { command: sleep 1000, kind: service }\n  api: { command: touch ran; sleep 1000, kind: service, needs: [db] }\n',
  );
  expect(await start(cwd)).toMatchObject({ code: 0 });
  await devenv(['stop', 'api', 'db'], { cwd, env: world.env });
  const again = await start(cwd, 'api');
  expect(again).toMatchObject({ code: 0 });
  expect(again.stderr).toContain('already running; starting db, api again');
  expect(again.stdout).toContain('started again in session shop: db, api');
  expect(again.stdout).not.toContain('added');
  expect(existsSync(path.join(cwd, 'ran'))).toBe(true);
  await world.tmux('kill-window', '-t', '=shop:api');
  expect((await start(cwd, 'api')).stdout).toContain('added to session shop: api');
});

it('a window that is no longer configured is not restarted: it says so', async () => {
  const cwd = await project('  api: { command: sleep 1000 }\n  old: { command: sleep 1000 }\n');
  expect(await start(cwd, '--no-wait')).toMatchObject({ code: 0 });
  writeFiles(cwd, 'devenv.yaml', 'name: shop\nwindows:\n  api: { command: sleep 1000 }\n');
  const { code, stderr } = await devenv(['restart', 'old'], { cwd, env: world.env });
  expect([code, stderr]).toEqual([
    4,
    expect.stringContaining('old is in the session, but no longer in devenv.yaml'),
  ]);
  expect(await devenv(['restart', 'api', '--no-wait'], { cwd, env: world.env })).toMatchObject({ code: 0 });
});
