import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot, run } from '../../src/base/index.ts';
import { listLayouts, loadProject } from '../../src/config/index.ts';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { treeOf } from '../../src/config/tree.ts';
import { testEnv } from '../support/temp.ts';
import { errorOf, load, projectOf, windowOf } from './support.ts';

const shipped = ['api', 'go', 'minimal', 'monorepo', 'python', 'rust', 'web'];

test('the shipped layouts are those, and each loads by itself with something to run in every window', async () => {
  const root = projectOf({});
  expect(listLayouts(root, testEnv())).toEqual(shipped);
  for (const layout of shipped) {
    const { config } = await load(`layout: ${layout}\n`);
    expect(config.windows.length).toBeGreaterThan(1);
    expect(config.windows.filter((window) => window.focus).map(({ name }) => name)).toEqual(['editor']);
    for (const window of config.windows)
      expect(
        window.kind === 'tool' || window.panes[0]?.command !== undefined || window.run !== undefined,
      ).toBe(true);
  }
});

test('web is editor, api, ui, watcher, e2e, logs', async () => {
  const project = await load(
    'layout: web\nwindows: { api: { command: a }, ui: { command: u } }\nsuites: { e2e: { command: e } }\n',
  );
  expect(project.config.windows.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    'editor tool',
    'api service',
    'ui service',
    'watcher tool',
    'e2e task',
    'logs tool',
  ]);
});

test('a project’s layout goes before the user’s, and the user’s before the shipped one', async () => {
  const env = testEnv();
  const user = projectOf({ 'devenv/layouts/web.yaml': 'extends: web\nwindows: { user: { command: u } }\n' });
  const root = projectOf({
    'devenv.yaml': 'layout: web\n',
    '.devenv/layouts/web.yaml': 'extends: web\nwindows: { own: { command: o }, logs: null }\n',
  });
  const { config } = await loadProject({ cwd: root, env: { ...env, XDG_CONFIG_HOME: user } });
  expect(config.windows.map(({ name }) => name)).toEqual(['editor', 'watcher', 'user', 'own']);
  expect(listLayouts(root, { ...env, XDG_CONFIG_HOME: user })).toEqual(shipped);
});

test('layouts extend each other, not in a circle', async () => {
  const files = {
    '.devenv/layouts/a.yaml': 'extends: b\nwindows: { x: { command: a } }\n',
    '.devenv/layouts/b.yaml': 'windows: { x: { command: b, cwd: d } }\n',
    '.devenv/layouts/c.yaml': 'extends: d\n',
    '.devenv/layouts/d.yaml': '# first\nextends: c\n',
    '.devenv/layouts/e.yaml': 'description: x\nextends: minimol\n',
    '.devenv/layouts/f.yaml': 'name: x\nwindows: { a: { comand: x } }\n',
  };
  const x = windowOf(await load('layout: a\n', files), 'x');
  expect(x.panes).toEqual([{ command: 'a' }]);
  expect(x.cwd).toMatch(/\/d$/);
  expect((await errorOf(load('layout: c\n', files))).message).toBe(
    '.devenv/layouts/d.yaml:2:1: layouts extend each other in a circle at "c"',
  );
  expect((await errorOf(load('layout: e\n', files))).message).toBe(
    '.devenv/layouts/e.yaml:2:1: unknown layout "minimol" (did you mean "minimal"?)',
  );
  expect((await errorOf(load('layout: f\n', files))).message.split('\n')).toEqual([
    '.devenv/layouts/f.yaml:1:1: unknown key "name" (there are: extends, description, env, env_file, windows, suites, watch, gates, checkpoint, nightly, worktree, logs)',
    '.devenv/layouts/f.yaml:2:17: unknown key "comand" in windows.a (did you mean "command"?)',
  ]);
});

test.each(['../../etc/passwd', 'a/b', '', '.'])(
  'a layout called %j is not looked for in files',
  async (layout) => {
    const error = await errorOf(
      loadProject({ cwd: projectOf({ 'devenv.yaml': 'name: x\n' }), env: testEnv(), layout }),
    );
    expect(error.code).toBe('unknown-layout');
  },
);

test('schema/devenv.schema.json is current, and the check says so when it is not', async () => {
  const file = path.join(packageRoot(), 'schema/devenv.schema.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(configJsonSchema());
  const check = await run([process.execPath, path.join(packageRoot(), 'scripts/schema.ts'), '--check']);
  expect(check).toMatchObject({ code: 0, stderr: '' });
});

test('every example of docs/configuration.md is valid', async () => {
  const text = readFileSync(path.join(packageRoot(), 'docs/configuration.md'), 'utf8');
  const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '');
  expect(examples.length).toBeGreaterThan(1);
  for (const example of examples) {
    const suites = example.includes('suites:') ? '' : 'suites: { e2e: { command: x } }\n';
    expect((await load(example + suites)).config.windows.length).toBeGreaterThan(3);
  }
});

test('docs/configuration.md names every key of the schema', () => {
  const text = readFileSync(path.join(packageRoot(), 'docs/configuration.md'), 'utf8');
  const keys = new Set<string>();
  const collect = (node: unknown): void => {
    for (const [key, value] of typeof node === 'object' && node !== null
      ? new Map<string, unknown>(Object.entries(node))
      : []) {
      if (key === 'properties') for (const name of Object.keys(treeOf(value))) keys.add(name);
      collect(value);
    }
  };
  collect(configJsonSchema());
  expect([...keys].filter((key) => !new RegExp(`\\b${key}\\b`).test(text))).toEqual([]);
});
