import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageRoot, shellQuote } from '../../src/base/index.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject } from '../support/project.ts';
import { until } from '../support/until.ts';

/** Commands in a pane of the very tmux server, whose session nobody is attached to, or somebody. */
let world: PrivateTmux;
let outer: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
  outer = privateTmux();
});
afterEach(async () => {
  await outer.end();
  await world.end();
});

const yaml = 'name: unseen\nwindows:\n  a: { command: sleep 1000 }\n';

/** Runs the program so in a pane of a session `elsewhere`, in a new project; `before` is done first. */
async function inPane(
  lines: readonly string[],
  before = async (): Promise<void> => {},
): Promise<{ readonly code: string; readonly said: string }> {
  const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
  const program = [process.execPath, path.join(packageRoot(), 'bin/devenv.js')].map(shellQuote).join(' ');
  const commands = lines.map((line) => `${program} ${line} 2>said; echo $? >code`);
  const begin = 'while [ ! -e begin ]; do sleep 0.05; done';
  const line = `${begin}; ${commands.join('; ')}; touch ended; sleep 1000`;
  await world.tmux('new-session', '-d', '-s', 'elsewhere', '-c', cwd, line);
  await before();
  writeFileSync(path.join(cwd, 'begin'), '');
  await until('it ended', () => existsSync(path.join(cwd, 'ended')));
  const read = (name: string): string => readFileSync(path.join(cwd, name), 'utf8').trim();
  return { code: read('code'), said: read('said') };
}

test('start builds the session, stays detached and says how to attach', async () => {
  const { code, said } = await inPane(['start']);
  expect(said).toContain('nobody is attached to the tmux session that this runs in: devenv attach');
  expect(code).toBe('0');
  expect(await world.tmux('list-sessions', '-F', '#S')).toContain('unseen');
});

test('attach says why it cannot, and the status is 3', async () => {
  const { code, said } = await inPane(['start --detach', 'attach']);
  expect(said).toContain('nobody is attached to the tmux session that this runs in, so no terminal can show');
  expect(code).toBe('3');
});

test('start switches the client that looks at it, and no other', async () => {
  const attach = (session: string): Promise<string> =>
    outer.tmux(
      'new-session',
      '-d',
      `env -u TMUX tmux -L ${world.env['DEVENV_TMUX_SOCKET']} attach -t =${session}`,
    );
  const shown = async (): Promise<readonly string[]> =>
    (await world.tmux('list-clients', '-F', '#{client_session}')).split('\n').toSorted();
  const { code } = await inPane(['start'], async () => {
    await world.tmux('new-session', '-d', '-s', 'third', 'sleep 1000');
    await attach('elsewhere');
    await until('it is looked at', async () => (await shown()).includes('elsewhere'));
    await attach('third');
    await until('the third is', async () => (await shown()).includes('third'));
  });
  expect(code).toBe('0');
  expect(await shown()).toEqual(['third', 'unseen']);
});
