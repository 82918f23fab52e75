import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { run } from '../../src/base/index.ts';
import { requireSession, sessionStatus, startSession } from '../../src/session/index.ts';
import { createTmux } from '../../src/tmux/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { makeProject, makeWorld, type World } from './support.ts';

let world: World;
afterEach(() => world.end());

const panes = (format: string): Promise<string[]> =>
  world.tmux('list-panes', '-a', '-F', format).then((out) => out.split('\n').filter(Boolean));
const fileText = (name: string): string | undefined =>
  existsSync(path.join(world.root, name)) ? readFileSync(path.join(world.root, name), 'utf8') : undefined;

/** A session of six windows, one of them with three panes. */
const six = (root: string) =>
  makeProject(root, [
    { name: 'editor', kind: 'tool', commands: ['cat', undefined, 'cat'], split: 'main-vertical' },
    { name: 'api', commands: ['echo "api on $PORT"; sleep 1000'], port: 4711 },
    { name: 'ui', commands: ['echo ui; sleep 1000'], focus: true },
    { name: 'watcher', commands: ['echo "$DEVENV_WINDOW"; sleep 1000'] },
    { name: 'e2e', kind: 'task', run: 'e2e' },
    { name: 'logs', commands: ['echo first; sleep 1000'], env: { OWN: 'own' } },
  ]);

describe('build', () => {
  it('makes every window in order, with marks, the focus and the first line of output', async () => {
    world = makeWorld();
    const result = await startSession(world.deps, six(world.root), { windows: [] });
    expect(result).toMatchObject({
      created: true,
      session: 'shop',
      started: ['editor', 'api', 'ui', 'watcher', 'e2e', 'logs'],
    });
    expect(
      await panes(
        '#{window_name}.#{@devenv_pane} #{@devenv_kind} #{@devenv_state} #{window_active} #{pane_pipe}',
      ),
    ).toEqual([
      'editor.0 tool running 0 0',
      'editor.1 tool running 0 0',
      'editor.2 tool running 0 0',
      'api.0 service running 0 1',
      'ui.0 service running 1 1',
      'watcher.0 service running 0 1',
      'e2e.0 task idle 0 1',
      'logs.0 service running 0 1',
    ]);
    const log = path.join(world.env['XDG_STATE_HOME'] ?? '', 'devenv/logs/shop/api.log');
    await until(
      'the first line in the log',
      () => existsSync(log) && /^\S+Z api on 4711$/m.test(readFileSync(log, 'utf8')),
    );
    expect(await world.tmux('show-options', '-gv', 'status-right')).not.toContain('devenv');
    expect(await world.tmux('show-options', '-v', '-t', '=shop:', 'status-right')).toMatch(
      /@devenv_status.*pane_title/,
    );
  });

  it.each([
    ['base-index 1', 'set -g base-index 1\nsetw -g pane-base-index 1\nset -g renumber-windows on'],
    [
      'names that change and panes that vanish',
      'set -g automatic-rename on\nsetw -g allow-rename on\nset -g destroy-unattached on\nset -g remain-on-exit off',
    ],
    [
      'a strange shell and command',
      'set -g default-shell /bin/sh\nset -g default-command "echo never"\nset -g history-limit 5\nset -g status off',
    ],
  ])('whatever the user configured: %s', async (_what, conf) => {
    world = makeWorld();
    writeFileSync(path.join(world.env['HOME'] ?? '', '.tmux.conf'), `${conf}\n`);
    await startSession(world.deps, six(world.root), { windows: [] });
    expect(
      (await panes('#{window_name} #{window_active} #{pane_dead}')).map((line) => line.replace(/ 0$/, '')),
    ).toEqual(['editor 0', 'editor 0', 'editor 0', 'api 0', 'ui 1', 'watcher 0', 'e2e 0', 'logs 0']);
  });

  it('gives each pane the environment meant for it and no other', async () => {
    world = makeWorld('shop', { GIVEN: 'outside' });
    const show = (name: string): string => `env > ${name}.env; sleep 1000`;
    const project = makeProject(
      world.root,
      [
        { name: 'one', commands: [show('one')], port: 4711, env: { OWN: "it's #{pane_id}\nand $HOME;" } },
        { name: 'two', commands: [show('two'), show('pane')], env: { PATH: '/own:/usr/bin:/bin' } },
      ],
      { SHARED: 'läden; 商店', TOKEN: 'not on disk' },
    );
    await startSession(world.deps, project, { windows: [] });
    const env = async (name: string): Promise<string> =>
      until(name, () => (/^PWD=/m.test(fileText(`${name}.env`) ?? '') ? fileText(`${name}.env`) : undefined));
    const one = await env('one');
    expect(one).toContain("OWN=it's #{pane_id}\nand $HOME;\n");
    expect(one).toContain('PORT=4711\n');
    expect(one).toContain('SHARED=läden; 商店\n');
    expect(one).toContain('DEVENV_WINDOW=one\n');
    expect(one).not.toContain('DEVENV_PANE_');
    const two = await env('two');
    expect(two).not.toMatch(/^(OWN|PORT)=/m);
    expect(two).toMatch(/^PATH=.*devenv\/bin\/[0-9a-f]+:\/own:\/usr\/bin:\/bin$/m);
    expect(await env('pane')).toContain('SHARED=');
    const secret = await run(['grep', '-rl', 'not on disk', path.join(world.env['HOME'] ?? '')]);
    expect(secret.stdout).toBe('');
  });

  it.each([
    ['spaces', 'my shop'],
    ['quotes', `it's "the" shop`],
    ['a newline', 'two\n  lines # x'],
    ['non-ASCII letters', 'läden-商店'],
    ['what tmux would run', '#(touch pwned)#{pane_id}'],
    ['a dollar and a semicolon', '$HOME;'],
  ])('in a folder with %s', async (_what, name) => {
    world = makeWorld(name);
    const project = makeProject(world.root, [
      { name: 'api', commands: ['pwd > here; sleep 1000'] },
      { name: 'shell', kind: 'tool' },
    ]);
    await startSession(world.deps, project, { windows: [] });
    await until('the command runs in the folder', () => fileText('here') === `${world.root}\n`);
    expect((await sessionStatus(world.deps, world.root))?.windows).toHaveLength(2);
    expect(existsSync(path.join(world.root, 'pwned'))).toBe(false);
  });

  it('uses two tmux processes, one to look and one to build', async () => {
    world = makeWorld();
    const dir = tempDir('shim');
    const calls = path.join(dir, 'calls');
    const tmux = (await run(['sh', '-c', 'command -v tmux'])).stdout.trim();
    writeFileSync(path.join(dir, 'tmux'), `#!/bin/sh\necho x >> ${calls}\nexec ${tmux} "$@"\n`);
    chmodSync(path.join(dir, 'tmux'), 0o755);
    const env = { ...world.env, PATH: `${dir}:${world.env['PATH'] ?? ''}` };
    const deps = { ...world.deps, env, tmux: createTmux(env) };
    await startSession(deps, six(world.root), { windows: [] });
    expect(readFileSync(calls, 'utf8')).toBe('x\nx\n');
  });
});

describe('a second start', () => {
  it('changes nothing when all of it runs', async () => {
    world = makeWorld();
    await startSession(world.deps, six(world.root), { windows: [] });
    const before = await panes('#{pane_id} #{pane_pid}');
    expect(await startSession(world.deps, six(world.root), { windows: [] })).toEqual({
      created: false,
      started: [],
      revived: [],
      wanted: ['editor', 'api', 'ui', 'watcher', 'e2e', 'logs'],
      session: 'shop',
    });
    expect(await panes('#{pane_id} #{pane_pid}')).toEqual(before);
  });

  it('adds what is missing, where it belongs, and leaves the rest alone', async () => {
    world = makeWorld();
    await startSession(world.deps, six(world.root), { windows: ['ui', 'watcher'] });
    const before = await panes('#{pane_pid}');
    const again = await startSession(world.deps, six(world.root), { windows: [] });
    expect(again).toMatchObject({ created: false, started: ['editor', 'api', 'e2e', 'logs'] });
    expect(
      await world.tmux('list-windows', '-a', '-F', '#{session_name} #{window_name} #{window_active}'),
    ).toBe(['editor 0', 'api 0', 'ui 1', 'watcher 0', 'e2e 0', 'logs 0'].map((w) => `shop ${w}`).join('\n'));
    expect(await panes('#{pane_pid}')).toEqual(expect.arrayContaining(before));
    expect(await world.tmux('list-sessions', '-F', '#{session_name}')).toBe('shop');
    const { rows } = await requireSession(world.deps, world.root);
    expect(rows.every((row) => row.marks.id === rows[0]?.marks.id)).toBe(true);
  });

  it('at the same moment builds it once', async () => {
    world = makeWorld();
    const results = await Promise.all(
      [1, 2, 3].map(() => startSession(world.deps, six(world.root), { windows: [] })),
    );
    expect(results.filter((r) => r.created)).toHaveLength(1);
    expect(await panes('#{session_name}')).toEqual(Array.from({ length: 8 }, () => 'shop'));
  });

  it('takes over the lock of a start that was killed', async () => {
    world = makeWorld();
    const project = six(world.root);
    const locks = path.join(world.env['XDG_STATE_HOME'] ?? '', 'devenv/locks');
    mkdirSync(locks, { recursive: true });
    const ended = await run(['sh', '-c', 'echo $$']);
    writeFileSync(path.join(locks, `start-${project.id}`), ended.stdout.trim());
    expect((await startSession(world.deps, project, { windows: [] })).created).toBe(true);
  });
});

describe('what must not happen', () => {
  it('a foreign session of that name is refused and not touched', async () => {
    world = makeWorld();
    await world.tmux('new-session', '-d', '-s', 'shop', 'sleep 1000');
    const before = await panes('#{session_name} #{pane_pid}');
    await expect(startSession(world.deps, six(world.root), { windows: [] })).rejects.toMatchObject({
      code: 'refused',
    });
    expect(await panes('#{session_name} #{pane_pid}')).toEqual(before);
  });

  it.each([
    ['before it builds', 0],
    ['while it builds', 3],
  ])('Ctrl-C %s leaves nothing', async (_what, ms) => {
    world = makeWorld();
    await world.tmux('new-session', '-d', '-s', 'other', 'sleep 1000');
    const stop = new AbortController();
    const started = startSession(world.deps, six(world.root), {
      windows: [],
      signal: stop.signal,
      preflight: () => {
        if (ms === 0) stop.abort();
        else setTimeout(() => stop.abort(), ms);
        return Promise.resolve();
      },
    });
    await expect(started).rejects.toMatchObject({ code: 'interrupted' });
    expect(await world.tmux('list-sessions', '-F', '#{session_name}')).toBe('other');
  });

  it('a failing command of tmux leaves nothing, and its words are told', async () => {
    world = makeWorld();
    const project = makeProject(world.root, [
      { name: 'api', commands: ['sleep 1000'], env: { A: 'b' } },
      { name: 'x', commands: Array.from({ length: 9 }, () => 'sleep 1000'), split: 'even-vertical' },
    ]);
    await expect(
      startSession(world.deps, project, { windows: [], size: { columns: 12, rows: 4 } }),
    ).rejects.toThrow(/no space|too small|pane/);
    expect(await world.tmux('list-sessions', '-F', '#{session_name}')).toBe('');
  });

  it('an unknown layout never reaches tmux', async () => {
    world = makeWorld();
    const project = makeProject(world.root, [
      { name: 'x', commands: ['sleep 1000', 'sleep 1000'], split: 'crash-me' },
    ]);
    await expect(startSession(world.deps, project, { windows: [] })).rejects.toMatchObject({
      code: 'config',
    });
  });

  it('a folder that is not there is an error, not a pane in the home directory', async () => {
    world = makeWorld();
    const project = makeProject(world.root, [
      { name: 'api', commands: ['sleep 1000'], cwd: path.join(world.root, 'gone') },
    ]);
    await expect(startSession(world.deps, project, { windows: [] })).rejects.toThrow(/gone/);
  });
});
