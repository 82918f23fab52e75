import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageRoot } from '../../src/base/index.ts';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject, writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

/** What waits for a service that takes its time to end, and is interrupted. */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const yaml = `name: slow
windows:
  a: { command: "trap : TERM; echo up; while :; do sleep 0.1; done", ready: { log: up }, stop: { grace: 5m } }
`;

interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

async function started(): Promise<Place> {
  const at = {
    cwd: await makeProject(world.env, { files: { 'devenv.yaml': yaml, 'a.txt': 'old\n' } }),
    env: world.env,
  };
  expect((await devenv(['start', '--detach'], at)).code).toBe(0);
  return at;
}

/** Sends the signal while the service is waited for; the exit status and what was said. */
async function interrupted(
  args: readonly string[],
  at: Place,
  signal: NodeJS.Signals,
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [path.join(packageRoot(), 'bin/devenv.js'), ...args], at);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said.err += chunk));
  const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
  await until(
    'it waits',
    async () => (await world.tmux('show', '-pv', '-t', 'slow:a', '@devenv_stopping')) === '1',
  );
  child.kill(signal);
  return { code: await ended, ...said };
}

test.each([
  ['SIGINT', 'stop', 'the rest goes on running'],
  ['SIGTERM', 'stop', 'the rest goes on running'],
  ['SIGINT', 'restart', 'is not started again'],
  ['SIGTERM', 'restart', 'is not started again'],
] as const)(
  '%s ends the waiting of %s, which says so, and the status is 130',
  async (signal, command, what) => {
    const at = await started();
    const { code, err } = await interrupted([command], at, signal);
    expect(code).toBe(130);
    expect(err).toMatch(new RegExp(`interrupted: what was told to end may still end.* ${what}`));
    expect(JSON.parse((await devenv(['status', '--json'], at)).stdout)).toMatchObject({ running: true });
  },
);

test.each([[['run', 'job']], [['run', 'job', '--json']]])(
  'a second Ctrl-C does not wait for a task that takes its time to end (%s)',
  async (args) => {
    const job = `  job: { command: "trap : TERM; echo up; while :; do sleep 0.1; done", kind: task, stop: { grace: 5m } }\n`;
    const at = {
      cwd: await makeProject(world.env, { files: { 'devenv.yaml': `${yaml}${job}` } }),
      env: world.env,
    };
    expect((await devenv(['start', '--detach'], at)).code).toBe(0);
    const screen = (): Promise<string> => world.tmux('capture-pane', '-p', '-t', 'slow:job');
    const child = spawn(process.execPath, [path.join(packageRoot(), 'bin/devenv.js'), ...args], at);
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said.out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said.err += chunk));
    const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
    await until('it runs', async () => /^up$/m.test(await screen()));
    child.kill('SIGINT');
    const told = ['show', '-pv', '-t', 'slow:job', '@devenv_stopping'];
    await until('it is told to end', async () => (await world.tmux(...told)) === '1');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const message = 'interrupted again, and left at once: what was told to end may still end';
    const hint = 'devenv status shows what runs';
    if (args.includes('--json'))
      expect(JSON.parse(said.out)).toEqual({ error: { code: 'interrupted', message, hint } });
    else expect([said.out, said.err]).toEqual(['up\n', `devenv: ${message}\n  ${hint}\n`]);
  },
);

test('a rollback is interrupted while it restarts services: the files are back, it says all, the status is 130', async () => {
  const at = await started();
  expect((await devenv(['checkpoint', '--no-verify'], at)).code).toBe(0);
  writeFiles(at.cwd, 'a.txt', 'new\n');
  const { code, out } = await interrupted(['rollback', 'last'], at, 'SIGINT');
  expect(code).toBe(130);
  expect(out).toContain('a.txt');
  expect(out).toContain('services were not restarted: interrupted');
  expect(readFileSync(path.join(at.cwd, 'a.txt'), 'utf8')).toBe('old\n');
});
