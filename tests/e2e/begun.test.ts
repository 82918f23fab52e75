import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject, writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

/** `start` lets tmux begin before it has read the configuration. */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const yaml = 'name: shop\nwindows:\n  api: { command: sleep 1000 }\n  ui: { command: sleep 1000 }\n';
const start = (cwd: string, ...more: string[]) =>
  devenv(['start', '--detach', '--no-wait', ...more], { cwd, env: world.env });
const windows = async (): Promise<string[]> =>
  (await world.tmux('list-windows', '-a', '-F', '#{session_name}:#{window_name}')).split('\n');

test('several starts at once build one session, beside one that was there', async () => {
  await world.tmux('new-session', '-d', '-s', "mine 'o", '-n', 'own', 'sleep 1000');
  const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
  const results = await Promise.all([start(cwd), start(cwd), start(cwd), start(cwd)]);
  expect(results.map(({ code, stderr }) => [code, stderr.replace(/session .*/, 'session')])).toEqual(
    expect.arrayContaining([
      [0, ''],
      [0, 'session\n'],
    ]),
  );
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect((await windows()).toSorted()).toEqual(["mine 'o:own", 'shop:api', 'shop:ui']);
});

test('a server without a session, as another start has it for a moment, is no error', async () => {
  const socket = world.env['DEVENV_TMUX_SOCKET'] ?? '';
  const holding = spawn('tmux', ['-L', socket, 'start-server', ';', 'source-file', '-'], { env: world.env });
  try {
    await until('the server', async () => (await run(['tmux', '-L', socket, 'show', '-g'], world)).ok);
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
    expect(await devenv(['status'], { cwd, env: world.env })).toMatchObject({ code: 0 });
    expect(await devenv(['stop'], { cwd, env: world.env })).toMatchObject({ code: 0 });
    expect(await start(cwd)).toMatchObject({ code: 0 });
  } finally {
    holding.stdin.end();
  }
});

test('a window that is missing is added by the client that looked', async () => {
  const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
  expect(await start(cwd, 'api')).toMatchObject({ code: 0 });
  expect(await start(cwd)).toMatchObject({ code: 0 });
  expect(await windows()).toEqual(['shop:api', 'shop:ui']);
});

test('a mistake leaves no server and no lock behind', async () => {
  const cwd = await makeProject(world.env, { files: { 'devenv.yaml': 'windows: 3\n' } });
  expect(await start(cwd)).toMatchObject({ code: 2 });
  expect(await start(cwd, '--no-such-option')).toMatchObject({ code: 2 });
  await until('no server', async () => (await world.tmux('ls')) === '');
  writeFiles(cwd, 'devenv.yaml', yaml);
  expect(await start(cwd)).toMatchObject({ code: 0 });
});

test('a tmux that cannot wait for a script is asked as usual', async () => {
  const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
  const shims = path.join(cwd, '../shims');
  mkdirSync(shims);
  const seen = path.join(shims, 'seen');
  const refuses = `#!/bin/sh
case "$*" in *if-shell*) touch '${seen}'; echo 'unknown command: if-shell' >&2; exit 1 ;; esac
PATH=\${PATH#*:}; exec tmux "$@"
`;
  writeFileSync(path.join(shims, 'tmux'), refuses, { mode: 0o755 });
  const env = { ...world.env, PATH: `${shims}:${world.env['PATH']}` };
  expect(await devenv(['start', '--detach', '--no-wait'], { cwd, env })).toMatchObject({ code: 0 });
  expect(existsSync(seen)).toBe(true);
  expect(await windows()).toEqual(['shop:api', 'shop:ui']);
});
