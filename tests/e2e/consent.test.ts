import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageRoot } from '../../src/base/index.ts';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { git, makeProject, writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

/** The question before a rollback that deletes a great part of the tree, answered with real keys in a real terminal. */
let world: PrivateTmux;
let root = '';
beforeEach(async () => {
  world = privateTmux();
  root = await makeProject(world.env, { files: { 'a.txt': 'a\n' } });
  expect((await devenv(['checkpoint', '--no-verify'], { cwd: root, env: world.env })).code).toBe(0);
  for (let i = 0; i < 30; i++) writeFiles(root, `new-${i}.txt`, 'new\n');
});
afterEach(() => world.end());

const screen = (): Promise<string> => world.tmux('capture-pane', '-p', '-t', 'ask');

async function askAndPress(key: string): Promise<string> {
  const program = `${process.execPath} ${path.join(packageRoot(), 'bin/devenv.js')}`;
  const script = `${program} rollback last; echo exit=$?; sleep 1000`;
  await world.tmux('new-session', '-d', '-s', 'ask', '-x', '150', '-y', '40', '-c', root, script);
  await until('the question', async () => (await screen()).includes('Go ahead? [y/N]'));
  await world.tmux('send-keys', '-t', 'ask', key);
  if (key === 'n' || key === 'y') await world.tmux('send-keys', '-t', 'ask', 'Enter');
  await until('it ended', async () => (await screen()).includes('exit='));
  return screen();
}

test.each([
  ['C-c', 130],
  ['C-d', 5],
  ['n', 5],
])('%s is no yes: nothing is done, the status is %d, and nobody calls it a defect', async (key, code) => {
  const said = await askAndPress(key);
  expect(said).toContain(`exit=${code}`);
  expect(said).not.toMatch(/defect|unexpected/);
  expect(existsSync(path.join(root, 'new-29.txt'))).toBe(true);
  expect(await git(root, world.env, 'for-each-ref', 'refs/devenv/undo')).toBe('');
});

test('y goes ahead', async () => {
  expect(await askAndPress('y')).toContain('exit=0');
  expect(existsSync(path.join(root, 'new-29.txt'))).toBe(false);
});
