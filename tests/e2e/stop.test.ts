import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageRoot } from '../../src/base/index.ts';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject } from '../support/project.ts';
import { until } from '../support/until.ts';

/** A stop that waits for a service that takes its time, and is interrupted. */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const stubborn = `a: { command: "trap : TERM; echo up; while :; do sleep 0.1; done", ready: { log: up }`;

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends the waiting, says so, and the status is 130',
  async (signal) => {
    const yaml = `name: slow\nwindows:\n  ${stubborn}, stop: { grace: 5m } }\n`;
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
    const at = { cwd, env: world.env };
    expect((await devenv(['start', '--detach'], at)).code).toBe(0);
    const child = spawn(process.execPath, [path.join(packageRoot(), 'bin/devenv.js'), 'stop'], at);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
    await until(
      'it waits',
      async () => (await world.tmux('show', '-pv', '-t', 'slow:a', '@devenv_stopping')) === '1',
    );
    child.kill(signal);
    expect(await ended).toBe(130);
    expect(said).toContain('interrupted: what was told to end may still end, the rest goes on running');
    expect(JSON.parse((await devenv(['status', '--json'], at)).stdout)).toMatchObject({ running: true });
  },
);
