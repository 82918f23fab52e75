import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { projectId, type RunResult } from '../../src/base/index.ts';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject } from '../support/project.ts';
import { until } from '../support/until.ts';

/** Ctrl-C goes to all processes of the terminal: `start`, and the tmux client that it is just asking. */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const yaml =
  'name: shop\nwindows:\n  api: { command: sleep 1000, ready: { tcp: "localhost:1", timeout: 300s } }\n';

/** `start`, interrupted when it asks tmux for the `nth` time. */
async function interruptedStart(cwd: string, nth: number): Promise<RunResult> {
  const dir = path.join(cwd, '..', 'shims');
  mkdirSync(dir);
  const count = path.join(dir, 'count');
  const shim = `#!/bin/sh
echo x >>'${count}'
if [ "$(wc -l <'${count}')" -eq ${nth} ]; then kill -INT $PPID; kill -INT $$; fi
PATH=\${PATH#*:}; exec tmux "$@"
`;
  writeFileSync(path.join(dir, 'tmux'), shim, { mode: 0o755 });
  return devenv(['start', '--detach'], {
    cwd,
    env: { ...world.env, PATH: `${dir}:${world.env['PATH']}` },
  });
}

const stays =
  /^devenv: interrupted while waiting; session shop stays and keeps running\n {2}devenv stop ends it\n/m;

test('before anything is built, it says that nothing was', async () => {
  const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
  // Another start has the lock, so this one asks tmux only when that is over.
  const locks = path.join(world.env['XDG_STATE_HOME'] ?? '', 'devenv/locks');
  const lock = path.join(locks, `start-${projectId(cwd)}`);
  mkdirSync(locks, { recursive: true });
  const holder = spawn('sleep', ['1000'], { stdio: 'ignore' });
  writeFileSync(lock, String(holder.pid));
  const waiting = interruptedStart(cwd, 1);
  try {
    await until('it reads its configuration', () =>
      existsSync(path.join(world.env['XDG_CACHE_HOME'] ?? '', 'devenv/config')),
    );
  } finally {
    holder.kill();
  }
  expect(await waiting).toMatchObject({ code: 130, stderr: 'devenv: interrupted; nothing was built\n' });
  expect(await world.tmux('ls')).toBe('');
});

test('when it has just built the session, it says that this stays', async () => {
  const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
  const { code, stderr } = await interruptedStart(cwd, 2);
  expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringMatching(stays) });
  expect(await world.tmux('ls', '-F', '#{session_name}')).toBe('shop');
});

test.each([2, 3, 5])('so does a second start that waits (question %i)', async (nth) => {
  const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
  expect(await devenv(['start', '--detach', '--no-wait'], { cwd, env: world.env })).toMatchObject({
    code: 0,
  });
  const { code, stderr } = await interruptedStart(cwd, nth);
  expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringMatching(stays) });
});
