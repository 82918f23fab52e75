import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject } from '../support/project.ts';

let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const yaml = `windows:
  api: { command: sleep 1000 }
  ui: { command: sleep 1000, cwd: src/ui }
  e2e: { kind: task, command: "true", cwd: src/ui }
`;

describe('the folder of a window that is not there', () => {
  it('is named with its place, and only by what needs it', async () => {
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml, 'src/a.txt': '' } });
    const say = async (...args: string[]) => {
      const { code, stderr } = await devenv(args, { cwd, env: world.env });
      return { code, stderr };
    };
    const missing = (key: string, at: string, what = 'no such') => ({
      code: 2,
      stderr: `devenv: devenv.yaml:${at}: windows.${key}.cwd: ${what} directory: ${cwd}/src/ui\n  create it or correct the path\n`,
    });
    expect(await say('start', '--detach')).toEqual(missing('ui', '3:30'));
    expect(await world.tmux('ls')).toBe('');
    expect(await say('start', '--detach', '--no-wait', 'api')).toMatchObject({ code: 0 });
    expect(await say('status')).toMatchObject({ code: 0 });
    writeFileSync(path.join(cwd, 'src/ui'), '');
    expect(await say('start', '--detach', 'ui')).toEqual(missing('ui', '3:30', 'not a'));
  });

  it('also when it went away while the session runs, and then nothing is ended', async () => {
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml, 'src/ui/.keep': '' } });
    const say = (...args: string[]) => devenv(args, { cwd, env: world.env });
    expect((await say('start', '--detach', '--no-wait')).code).toBe(0);
    const panes = await world.tmux('list-panes', '-a', '-F', '#{pane_id} #{pane_pid}');
    rmSync(path.join(cwd, 'src/ui'), { recursive: true });
    expect((await say('restart')).stderr).toMatch(/^devenv: devenv\.yaml:3:30: windows\.ui\.cwd: no such/);
    expect((await say('run', 'e2e')).stderr).toMatch(
      /^devenv: devenv\.yaml:4:39: windows\.e2e\.cwd: no such/,
    );
    expect(await world.tmux('list-panes', '-a', '-F', '#{pane_id} #{pane_pid}')).toBe(panes);
    expect((await say('restart', '--no-wait', 'api')).code).toBe(0);
  });

  it.each(['devenv.local.yaml', '.devenv/layouts/mine.yaml'])('the place may be in %s', async (file) => {
    const files = {
      '.devenv/layouts/mine.yaml': 'windows: {}\n',
      'devenv.yaml': 'layout: mine\n',
      [file]: 'windows:\n  api: { cwd: nowhere, command: sleep 1000, kind: service }\n',
    };
    const cwd = await makeProject(world.env, { files });
    const { code, stderr } = await devenv(['start', '--detach'], { cwd, env: world.env });
    expect(code).toBe(2);
    expect(stderr).toContain(`devenv: ${file}:2:10: windows.api.cwd: no such directory`);
  });
});
