import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { initProject } from '../../src/config/index.ts';
import { testEnv } from '../support/temp.ts';
import { errorOf, projectOf, windowOf } from './support.ts';

async function importOf(name: string, text: string, files: Readonly<Record<string, string>> = {}) {
  const root = projectOf({ [name]: text, ...files });
  return initProject({ cwd: root, env: { ...testEnv(), HOME: path.dirname(root) }, from: name });
}

const summary = ({ project }: Awaited<ReturnType<typeof importOf>>): unknown[] =>
  project.config.windows.map(({ name, kind, panes }) => [name, kind, ...panes.map(({ command }) => command)]);

test('tmuxinator: its own sample project', async () => {
  const outcome = await importOf(
    'sample.yml',
    `# ~/.config/tmuxinator/sample.yml

name: sample
root: ~/shop
# Runs on project start, always
on_project_start: echo started
pre_window: rbenv shell 2.0.0-p247
startup_window: server
attach: false
windows:
  - editor:
      layout: main-vertical
      root: ~/shop/lib
      panes:
        - vim
        - guard
        -
        - logs:
            - ssh me@host
            - tail -f log &
            - top
  - server: bundle exec rails s
  - "rails console":
      layout: ed5e,238x53,0,0,1
      pre: cd api
      panes: [rails c]
  - shell:
  - elsewhere: { root: /var/log, panes: ["ls"] }
`,
  );
  const pre = 'rbenv shell 2.0.0-p247; ';
  expect(summary(outcome)).toEqual([
    [
      'editor',
      'tool',
      `${pre}vim`,
      `${pre}guard`,
      `${pre}exec "\${SHELL:-sh}"`,
      `${pre}ssh me@host; tail -f log & top`,
    ],
    ['server', 'service', `${pre}bundle exec rails s`],
    ['rails-console', 'tool', `${pre}cd api; rails c`],
    ['shell', 'tool', `${pre}exec "\${SHELL:-sh}"`],
    ['elsewhere', 'tool', `${pre}ls`],
  ]);
  const { project } = outcome;
  expect(project.config.name).toBe('sample');
  expect(windowOf(project, 'editor')).toMatchObject({
    split: 'main-vertical',
    cwd: path.join(project.root, 'lib'),
  });
  expect(windowOf(project, 'server')).toMatchObject({ focus: true, cwd: project.root });
  expect(windowOf(project, 'rails-console').split).toBe('tiled');
  expect(windowOf(project, 'elsewhere').cwd).toBe('/var/log');
  expect(outcome.found).toEqual([
    'sample.yml (tmuxinator): editor, server, rails-console, shell, elsewhere',
    'on_project_start is not imported',
  ]);
});

test('tmuxinator: a template keeps what it can', async () => {
  const outcome = await importOf(
    't.yml',
    'name: x\n<% if true %>\nwindows:\n  - a: vim <%= @args[0] %>\n<% end %>\n',
  );
  expect(summary(outcome)).toEqual([['a', 'tool', 'vim']]);
  expect(outcome.found.at(-1)).toBe('<% %> templates are left out');
});

const tmuxp = {
  session_name: '4-pane $split',
  start_directory: '~/shop',
  environment: { NODE_ENV: 'dev$1', N: 3 },
  shell_command_before: ['source .venv/bin/activate'],
  windows: [
    {
      window_name: 'dev window',
      layout: 'tiled',
      focus: true,
      start_directory: './api',
      environment: { A: 'a b' },
      shell_command_before: { cmd: 'cd src' },
      options: { 'main-pane-height': 35 },
      panes: [
        { shell_command: ['cd /var/log', 'ls -al | grep \\.log'] },
        'echo second pane',
        null,
        'blank',
        {
          shell_command: [{ cmd: 'npm run dev', enter: false }],
          start_directory: '/tmp/x y',
          environment: { B: "it's" },
        },
      ],
    },
    { window_name: 'dev window', panes: ['npm run dev'] },
    { panes: ['pane'] },
  ],
};

test.each([
  ['a.json', JSON.stringify(tmuxp)],
  [
    'a.yaml',
    `session_name: '4-pane $split'\nstart_directory: ~/shop\nenvironment: { NODE_ENV: dev$1, N: 3 }\nshell_command_before: source .venv/bin/activate\nwindows: ${JSON.stringify(tmuxp.windows)}\n`,
  ],
])('tmuxp: %s', async (name, text) => {
  const outcome = await importOf(name, text);
  const venv = 'source .venv/bin/activate';
  const shell = 'exec "${SHELL:-sh}"';
  expect(summary(outcome)).toEqual([
    [
      'dev-window',
      'tool',
      `${venv}; cd src; cd /var/log; ls -al | grep \\.log`,
      `${venv}; cd src; echo second pane`,
      `${venv}; cd src; ${shell}`,
      `${venv}; cd src; ${shell}`,
      `cd '/tmp/x y' && export B='it'\\''s' && ${venv}; cd src; npm run dev`,
    ],
    ['dev-window-2', 'service', `${venv}; npm run dev`],
    ['window-3', 'tool', `${venv}; ${shell}`],
  ]);
  const { project } = outcome;
  expect(project.config.name).toBe('4-pane $split');
  expect(project.config.env).toMatchObject({ NODE_ENV: 'dev$1', N: '3' });
  expect(windowOf(project, 'dev-window')).toMatchObject({
    focus: true,
    env: { A: 'a b' },
    cwd: path.join(project.root, 'api'),
  });
});

test('Procfile: its services in the api layout, with the suites that are found', async () => {
  const outcome = await importOf('Procfile', 'web: bin/web -p ${PORT:-5000}\nworker: bin/work\n', {
    'go.mod': 'module x',
  });
  expect(outcome.project.config.layout).toBe('api');
  expect(windowOf(outcome.project, 'web')).toMatchObject({ kind: 'service', port: 'auto' });
  expect(outcome.project.config.suites.map(({ command }) => command)).toEqual(['go test ./...']);
});

test('Procfile: a line that starts nothing is named', async () => {
  const outcome = await importOf('Procfile', 'web: one\n\nmy worker: two\n # no\nempty:\r\n');
  expect(outcome.found).toEqual([
    'Procfile (procfile): web',
    'line 3 is no NAME: COMMAND: my worker: two',
    'line 5 is no NAME: COMMAND: empty:',
  ]);
});

test('Procfile: of two processes with one name none is lost, and it is said', async () => {
  const outcome = await importOf('Procfile', 'web: one\nweb: two\n__proto__: three\n');
  const commandOf = (name: string) => windowOf(outcome.project, name)?.panes[0]?.command;
  expect(['web', 'web-2', 'proto'].map(commandOf)).toEqual(['one', 'two', 'three']);
  expect(outcome.found).toEqual([
    'Procfile (procfile): web, web-2, proto',
    'two processes are called web: the second is the window web-2',
  ]);
});

test('tmuxp: a window that JavaScript would lose gets another name', async () => {
  const outcome = await importOf(
    'x.yml',
    'session_name: x\nwindows:\n  - window_name: __proto__\n    panes: [top]\n',
  );
  expect(windowOf(outcome.project, 'proto')?.panes).toEqual([{ command: 'top' }]);
});

test.each([
  ['none.yml', undefined, 'usage'],
  ['proto.yml', 'name: x\nwindows:\n  - a: ls\n  - __proto__: ls\n', 'config'],
  ['other.yml', 'a: 1\n', 'usage'],
  ['broken.yml', 'a: [\n', 'config'],
  ['empty.yml', 'name: x\nwindows: []\n', 'usage'],
  ['Procfile', '# nothing\n', 'usage'],
])('%s is refused and nothing is written', async (name, text, code) => {
  const root = projectOf({ [name]: text ?? '' });
  if (text === undefined) rmSync(path.join(root, name));
  const error = await errorOf(initProject({ cwd: root, env: testEnv(), from: name }));
  expect(error.code).toBe(code);
  expect(error.message).toContain(name);
  expect(() => readFileSync(path.join(root, 'devenv.yaml'))).toThrow('ENOENT');
});
