import path from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findRoot, loadProject, resolvePorts } from '../../src/config/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { errorOf, load, projectOf, windowOf } from './support.ts';

const names = (items: readonly { readonly name: string }[]): string =>
  items.map(({ name }) => name).join(' ');

describe('what goes over what', () => {
  const yaml = 'checkpoint: { every: 3m }\nwindows: { a: { command: x } }\n';
  const local = { 'devenv.local.yaml': 'checkpoint: { every: 2m }\n' };
  const every = async (...input: Parameters<typeof load>): Promise<number> =>
    (await load(...input)).config.checkpoint.everyMs;

  test('default < file < local file < variable', async () => {
    expect(await every('name: x\n')).toBe(300_000);
    expect(await every(yaml)).toBe(180_000);
    expect(await every(yaml, local)).toBe(120_000);
    expect(await every(yaml, local, { DEVENV_CHECKPOINT_EVERY: '20s' })).toBe(20_000);
  });

  test('a layout lies under the file, and an empty variable is none', async () => {
    const layout = { '.devenv/layouts/own.yaml': 'checkpoint: { every: 9m, quiet: 1s }\n' };
    const project = await load('layout: own\ncheckpoint: { every: 3m }\n', layout, {
      DEVENV_CHECKPOINT_QUIET: '',
    });
    expect(project.config.checkpoint).toMatchObject({ everyMs: 180_000, quietMs: 1000 });
    expect(project.origins).toMatchObject({
      'checkpoint.every': 'devenv.yaml:2:15',
      'checkpoint.quiet': '.devenv/layouts/own.yaml:1:26',
      'checkpoint.on_failure': 'default',
    });
  });

  test('where checkpoints are judged, and what is brought there', async () => {
    const judged = async (...input: Parameters<typeof load>): Promise<unknown> => {
      const { checkpoint, worktree } = (await load(...input)).config;
      return { in: checkpoint.verifyIn, ...worktree };
    };
    expect(await judged('name: x\n')).toEqual({ in: 'place', link: 'auto', copy: [] });
    const yaml = 'checkpoint: { verify_in: worktree }\nworktree: { link: [a, b], copy: .env }\n';
    expect(await judged(yaml)).toEqual({ in: 'worktree', link: ['a', 'b'], copy: ['.env'] });
    const env = { DEVENV_CHECKPOINT_VERIFY_IN: 'place', DEVENV_WORKTREE_COPY: 'c, d' };
    expect(await judged(yaml, {}, env)).toEqual({ in: 'place', link: ['a', 'b'], copy: ['c', 'd'] });
    await expect(load('checkpoint: { verify_in: there }\n')).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('verify_in'),
    });
  });

  test('layout: the option, then the variable, then the local file, then the file', async () => {
    const root = projectOf({ 'devenv.yaml': 'layout: web\n', 'devenv.local.yaml': 'layout: rust\n' });
    const layoutOf = async (env: NodeJS.ProcessEnv, layout?: string): Promise<unknown> =>
      (await loadProject({ cwd: root, env: testEnv(env), layout })).config.layout;
    expect(await layoutOf({})).toBe('rust');
    expect(await layoutOf({ DEVENV_LAYOUT: 'go' })).toBe('go');
    expect(await layoutOf({ DEVENV_LAYOUT: 'go' }, 'api')).toBe('api');
  });

  test('variables that were applied go on to the panes; those of another project do not count', async () => {
    const env = { DEVENV_CHECKPOINT_EVERY: '20s', DEVENV_WATCH_SUITES: 'a, b' };
    const yaml = 'suites: { a: { command: x }, b: { command: x }, c: { command: x } }\n';
    const project = await load(yaml, {}, env);
    expect(project.config.env).toMatchObject(env);
    expect(project.config.watch.suites).toEqual(['a', 'b']);
    const elsewhere = await load(yaml, {}, { ...env, DEVENV_ROOT: '/elsewhere' });
    expect(elsewhere.config.checkpoint.everyMs).toBe(300_000);
  });
});

describe('windows', () => {
  test('merge by name: the layout’s order, then new ones', async () => {
    const project = await load(
      'layout: web\nsuites: { e2e: { command: t } }\nwindows:\n  db: { command: postgres }\n  ui: { command: u }\n  api: { command: a }\n',
    );
    expect(names(project.config.windows)).toBe('editor api ui watcher e2e logs db');
    expect(windowOf(project, 'ui')).toMatchObject({
      kind: 'service',
      needs: ['api'],
      panes: [{ command: 'u' }],
    });
  });

  test('null and false take a window away, and nobody waits for it', async () => {
    const project = await load('layout: web\nwindows:\n  ui: { command: u }\n  api: null\n  logs: false\n');
    expect(names(project.config.windows)).toBe('editor ui watcher');
    expect(windowOf(project, 'ui').needs).toEqual([]);
  });

  test('a layout’s window with nothing to run does not appear', async () => {
    expect(names((await load('layout: web\n')).config.windows)).toBe('editor watcher logs');
  });

  test('a file that says what a window runs takes the inherited ways away', async () => {
    const project = await load('layout: web\nwindows: { editor: { command: vim } }\n', {
      'devenv.local.yaml': 'windows: { editor: { panes: [ed, { command: htop }, {}] } }\n',
    });
    expect(windowOf(project, 'editor').panes).toEqual([
      { command: 'ed' },
      { command: 'htop' },
      { command: undefined },
    ]);
  });

  test('restart merges in either form, ready is replaced', async () => {
    const project = await load(
      'windows:\n  a: { command: x, restart: { policy: always, max: 9 }, ready: { http: http://x, timeout: 9s } }\n',
      { 'devenv.local.yaml': 'windows: { a: { restart: on-failure, ready: { log: up } } }\n' },
    );
    expect(windowOf(project, 'a')).toMatchObject({
      restart: { policy: 'on-failure', max: 9, backoffMinMs: 1000, backoffMaxMs: 30_000 },
      ready: { kind: 'log', pattern: 'up', timeoutMs: 60_000 },
    });
  });

  test('the file’s focus replaces the layout’s', async () => {
    const project = await load('layout: web\nwindows: { api: { command: x, focus: true } }\n');
    expect(names(project.config.windows.filter((window) => window.focus))).toBe('api');
  });

  test('no layout and no windows: an editor and a shell', async () => {
    expect(names((await load('name: x\n')).config.windows)).toBe('editor shell');
    expect(names((await load('')).config.windows)).toBe('editor shell');
  });

  test.each([
    ['{ run: t }', 'task'],
    ['{ command: npm run dev }', 'service'],
    ['{ command: vim . }', 'tool'],
    ['{ command: "${EDITOR:-vi} ." }', 'tool'],
    ['{ command: vim ., port: 80 }', 'service'],
    ['{ command: /usr/bin/htop }', 'tool'],
    ['{ command: bash -c x, restart: always }', 'service'],
    ['{ panes: [a, b] }', 'tool'],
    ['{}', 'tool'],
    ['{ command: a, kind: task }', 'task'],
    ['{ panes: [a, b], kind: service }', 'service'],
  ])('%s is a %2$s', async (window, kind) => {
    const project = await load(`suites: { t: { command: x } }\nwindows: { w: ${window} }\n`);
    expect(windowOf(project, 'w').kind).toBe(kind);
  });
});

describe('ports', () => {
  const yaml = `windows:
  api: { command: "serve \${port.api} \${port.ui}", port: auto, ready: "http://localhost:\${port.api}/" }
  ui: { command: x, port: 5173, env: { API: "http://h:\${port.api}", ME: "\${PORT}" } }
  db: { command: x, ready: { tcp: "\${port.api}" } }
`;

  test('auto stands until resolvePorts gives a number', async () => {
    const project = await load(yaml);
    expect(windowOf(project, 'api')).toMatchObject({
      port: 'auto',
      panes: [{ command: 'serve ${port.api} 5173' }],
    });
    const resolved = resolvePorts(project, { api: 4321 });
    expect(windowOf(resolved, 'api')).toMatchObject({
      port: 4321,
      panes: [{ command: 'serve 4321 5173' }],
      ready: { url: 'http://localhost:4321/' },
    });
    expect(windowOf(resolved, 'ui').env).toEqual({ API: 'http://h:4321', ME: '5173' });
    expect(windowOf(resolved, 'db').ready).toMatchObject({ kind: 'tcp', host: 'localhost', port: 4321 });
  });

  test('also for a copy of the project, and again', async () => {
    const copy = { ...(await load(yaml)) };
    const again = resolvePorts(resolvePorts(copy, {}), { api: 99 });
    expect(windowOf(again, 'api').port).toBe(99);
  });

  test('a port may come from a variable', async () => {
    const project = await load('env: { P: 8081 }\nwindows: { a: { command: x, port: "${P}" } }\n');
    expect(windowOf(project, 'a').port).toBe(8081);
  });

  test('a port that auto was given may not be another’s', async () => {
    const project = await load(yaml);
    const error = await errorOf(Promise.resolve().then(() => resolvePorts(project, { api: 5173 })));
    expect(error.message).toContain('5173');
  });
});

describe('findRoot', () => {
  test('the nearest devenv.yaml, else the git work tree, else the folder', () => {
    const top = tempDir('root');
    const deep = path.join(top, 'a', 'b c "d"', 'é\nf');
    mkdirSync(deep, { recursive: true });
    expect(findRoot(deep)).toEqual({ root: deep, configFile: undefined });
    mkdirSync(path.join(top, 'a', '.git'));
    expect(findRoot(deep)).toEqual({ root: path.join(top, 'a'), configFile: undefined });
    writeFileSync(path.join(top, 'devenv.yaml'), '');
    expect(findRoot(deep)).toEqual({ root: top, configFile: path.join(top, 'devenv.yaml') });
  });

  test('a missing folder is a usage error', async () => {
    const error = await errorOf(loadProject({ cwd: path.join(tempDir(), 'gone'), env: testEnv() }));
    expect(error.code).toBe('usage');
  });

  test.each([
    ['my shop', 'my-shop'],
    ['a.b:c', 'a-b-c'],
    ['Café "x"\n y', 'Cafe-x-y'],
    ['日本', 'project'],
    ['--x', 'x'],
  ])('a folder called %j', async (folder, session) => {
    const root = projectOf(
      { 'devenv.yaml': 'windows: { a: { command: "ls ${project.root}", cwd: sub } }\n' },
      folder,
    );
    const project = await loadProject({ cwd: root, env: testEnv() });
    expect(project.config.name).toBe(folder);
    expect(project.sessionName).toBe(session);
    expect(windowOf(project, 'a').cwd).toBe(path.join(root, 'sub'));
  });
});
