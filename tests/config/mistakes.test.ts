import { describe, expect, test } from 'vitest';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { loadProject } from '../../src/config/index.ts';
import { run } from '../../src/base/index.ts';
import { testEnv } from '../support/temp.ts';
import { errorOf, load, projectOf } from './support.ts';

describe('a mistake in one of several forms is told of the form that was written', () => {
  test.each([
    [
      'a wrong key in a list of files',
      'env_file: [{ pth: x }]\n',
      'devenv.yaml:1:12: env_file.0.path must be text\ndevenv.yaml:1:14: unknown key "pth" in env_file.0 (did you mean "path"?)',
    ],
    [
      'a wrong limit of a restart',
      'windows:\n  api: { command: x, restart: { max: -1 } }\n',
      'devenv.yaml:2:33: windows.api.restart.max must be a whole number, 0 or more, not -1',
    ],
    [
      'a transport',
      'hosts:\n  box: { ssh: a, transport: ssh2 }\n',
      'devenv.yaml:2:18: hosts.box.transport must be one of openssh, node-ssh, not "ssh2"',
    ],
    [
      'a host by the name of all',
      'hosts: { all: { ssh: a }, one: { ssh: b } }\n',
      'devenv.yaml:1:10: hosts.all: --host all means every box, so give it another name',
    ],
    [
      'the one word there is',
      'checkpoint: { keep: { good: never } }\n',
      'devenv.yaml:1:23: checkpoint.keep.good must be always-last, not "never"',
    ],
    [
      'a second document',
      'name: a\n---\nname: b\n',
      'devenv.yaml:2:1: a second document begins here: take the --- away',
    ],
  ])('%s', async (_name, yaml, message) => {
    expect((await errorOf(load(yaml))).message).toBe(message);
  });
});

test.each(['devenv.yaml', 'devenv.local.yaml', '.devenv/layouts/mine.yaml'])(
  'a folder in the place of %s is no defect of devenv',
  async (file) => {
    const root = projectOf(file === 'devenv.yaml' ? {} : { 'devenv.yaml': 'layout: mine\n' });
    mkdirSync(path.join(root, file), { recursive: true });
    expect(await errorOf(loadProject({ cwd: root, env: testEnv() }))).toMatchObject({
      code: 'config',
      message: expect.stringContaining(`cannot read ${path.join(root, file)}: EISDIR`),
      hint: 'it must be a file that you may read',
    });
  },
);

test('the YAML reader says nothing of its own', async () => {
  const module = path.join(import.meta.dirname, '../../src/config/parse.ts');
  const script = `import(${JSON.stringify(module)}).then(({ parseYaml }) => parseYaml('x', '? [a, b]\\n: c\\n'))`;
  const { code, stderr } = await run([process.execPath, '-e', script], { env: testEnv() });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

// What it limits would be ended before it begins; a grace or a wait of zero has a meaning.
test('a timeout of zero is refused, with its place', async () => {
  const yaml = `windows: { api: { command: x, ready: { log: up, timeout: 0s }, stop: { grace: 0 } } }
suites: { unit: { command: x, timeout: 0 } }
gates: { lint: { command: x, timeout: 0ms } }
watch: { debounce: 0 }
nightly: { timeout: 0 }
`;
  expect((await errorOf(load(yaml))).message).toBe(
    [
      'devenv.yaml:1:49: windows.api.ready.timeout must be more than 0, at most 24d, not "0s"',
      'devenv.yaml:2:31: suites.unit.timeout must be more than 0, at most 24d, not 0',
      'devenv.yaml:3:30: gates.lint.timeout must be more than 0, at most 24d, not "0ms"',
      'devenv.yaml:5:12: nightly.timeout must be at least 1s',
    ].join('\n'),
  );
  const never = 'suites: { unit: { command: x, timeout: never } }\n';
  expect((await errorOf(load(never))).message).toMatch(/^[^\n]* must be a duration such as [^\n]*$/);
});

test.each(['devenv.yaml', 'devenv.local.yaml'])(
  'a %s that is a link to nothing is no missing one',
  async (name) => {
    const root = projectOf({ 'src/a.txt': '' });
    symlinkSync('../nosuch.yaml', path.join(root, name));
    const cwd = name === 'devenv.yaml' ? path.join(root, 'src') : root;
    expect(await errorOf(loadProject({ cwd, env: testEnv() }))).toMatchObject({
      code: 'config',
      message: `${path.join(root, name)} is a symbolic link to ../nosuch.yaml, which is not there`,
      hint: 'put that file back, or remove the link',
    });
  },
);

test.each(['devenv.yaml', 'devenv.local.yaml'])(
  'a pipe in the place of %s is not waited for',
  async (name) => {
    const root = projectOf({ 'devenv.yaml': 'name: x\n' });
    rmSync(path.join(root, name), { force: true });
    await run(['mkfifo', path.join(root, name)]);
    expect(await errorOf(loadProject({ cwd: root, env: testEnv() }))).toMatchObject({
      code: 'config',
      message: `${path.join(root, name)} is a named pipe`,
    });
  },
);
