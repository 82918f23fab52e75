import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageRoot } from '../../src/base/index.ts';
import { devenv, devenvJson } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject, writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

/** A `start` that comes while the session's services are still being ended. */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

/** It ends when the test says so. */
const yaml = `name: slow
windows:
  a: { command: "trap : TERM; echo up; while test ! -e $HOME/go; do sleep 0.1; done", ready: { log: up }, stop: { grace: 5m } }
`;

const home = (): string => world.env['HOME'] ?? '';
const letGo = (): void => writeFiles(home(), 'go', '');

interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

async function started(): Promise<Place> {
  const at = {
    cwd: await makeProject(world.env, { files: { 'devenv.yaml': yaml } }),
    env: world.env,
  };
  expect((await devenv(['start', '--detach'], at)).code).toBe(0);
  return at;
}

function begin(args: readonly string[], at: Place) {
  const child = spawn(process.execPath, [path.join(packageRoot(), 'bin/devenv.js'), ...args], {
    ...at,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { pid: child.pid, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said.err += chunk));
  const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
  return { child, said, ended };
}

/** Begins what ends the service, and waits until it is being ended. */
async function ending(args: readonly string[], at: Place, session = 'slow') {
  const begun = begin(args, at);
  const told = ['show', '-pv', '-t', `=${session}:a`, '@devenv_stopping'];
  await until('it waits', async () => (await world.tmux(...told)) === '1');
  return begun;
}

const stateOf = async (at: Place): Promise<unknown> =>
  (await devenvJson<{ windows: { state: string }[] }>(['status'], at)).windows[0]?.state;

test('it waits for the end of a stop, says so, and builds the session anew', async () => {
  const at = await started();
  const stop = await ending(['stop'], at);
  expect((await devenv(['status'], at)).stdout).toMatch(/^ *a +ready .*stopping/m);
  const start = begin(['start', '--detach'], at);
  await until('a word', () => start.said.err !== '');
  expect(start.said.err).toBe(`waiting for devenv stop (process ${stop.said.pid}) to end\n`);
  letGo();
  expect([await stop.ended, stop.said.out]).toEqual([0, 'session slow stopped\n']);
  // The new one ends at once while the file is there.
  rmSync(path.join(home(), 'go'));
  expect([await start.ended, start.said.out]).toEqual([0, expect.stringContaining('session slow is up')]);
  expect(await stateOf(at)).toBe('ready');
});

test('it waits for the end of one window, and starts that again', async () => {
  const at = await started();
  const stop = await ending(['stop', 'a'], at);
  const start = begin(['start', '--detach', '--no-wait', 'a'], at);
  await until('a word', () => start.said.err.includes('waiting for devenv stop'));
  letGo();
  expect([await stop.ended, await start.ended]).toEqual([0, 0]);
  expect(start.said.out).toContain('started again in session slow: a');
});

test.each([
  ['restart', ['restart', '--no-wait']],
  ['rollback', ['rollback', 'last']],
] as const)('it waits for a %s, and finds the session running', async (_what, args) => {
  const at = await started();
  expect((await devenv(['checkpoint', '--no-verify'], at)).code).toBe(0);
  writeFiles(at.cwd, 'b.txt', 'new\n');
  const other = await ending(args, at);
  const start = begin(['start', '--detach', '--no-wait'], at);
  await until('a word', () => start.said.err !== '');
  expect(start.said.err).toBe(`waiting for devenv restart (process ${other.said.pid}) to end\n`);
  letGo();
  expect([await other.ended, await start.ended]).toEqual([0, 0]);
  expect(start.said.err).toContain('session slow is already running');
});

test('it waits for the end of a checkpoint that was open, and finds its folder gone', async () => {
  const at = await started();
  expect((await devenv(['checkpoint', '--no-verify'], at)).code).toBe(0);
  const opened = await devenvJson<{ path: string; session: string }>(['open', 'last', '--detach'], at);
  const close = await ending(['open', '--close', 'last'], at, opened.session);
  const start = begin(['start', '--detach', '--no-wait', '--cwd', opened.path], at);
  await until('a word', () => start.said.err.includes('waiting for devenv stop'));
  letGo();
  expect(await close.ended).toBe(0);
  expect([await start.ended, start.said.err]).toEqual([2, expect.stringContaining('no such directory')]);
});

test('Ctrl-C ends the waiting: nothing is built, the status is 130', async () => {
  const at = await started();
  const stop = await ending(['stop'], at);
  const start = begin(['start', '--detach'], at);
  await until('a word', () => start.said.err !== '');
  start.child.kill('SIGINT');
  expect(await start.ended).toBe(130);
  expect(start.said.err).toContain(
    `devenv: interrupted while waiting for devenv stop (process ${stop.said.pid}) to end; nothing was done`,
  );
  letGo();
  expect(await stop.ended).toBe(0);
  expect(await devenvJson(['status'], at)).toMatchObject({ running: false });
});

test('a stop that was interrupted is waited for no more', async () => {
  const at = await started();
  const stop = await ending(['stop'], at);
  stop.child.kill('SIGINT');
  expect(await stop.ended).toBe(130);
  const { code, stderr } = await devenv(['start', '--detach', '--no-wait'], at);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('waiting')]);
});
