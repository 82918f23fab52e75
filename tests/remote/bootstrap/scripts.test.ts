import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { run, self, shortHash, type RunResult } from '../../../src/base/index.ts';
import {
  installScript,
  readInstall,
  type InstallInput,
} from '../../../src/remote/bootstrap/install-script.ts';
import { packTexts } from '../../../src/remote/bootstrap/payload.ts';
import { probeScript } from '../../../src/remote/bootstrap/probe-script.ts';
import { readRemoval, removeScript } from '../../../src/remote/bootstrap/remove-script.ts';
import { wrapper } from '../../../src/remote/bootstrap/settle.ts';
import { frame, parseProbe, type ScriptRun } from '../../../src/remote/index.ts';
import { tempDir } from '../../support/temp.ts';
import { unframed } from '../unframed.ts';

const has = (program: string): boolean => spawnSync('/bin/sh', ['-c', `command -v ${program}`]).status === 0;
const inCi = Boolean(process.env['CI']);
const shells: readonly { readonly name: string; readonly shell: readonly string[] }[] = [
  { name: 'dash', shell: ['dash'] },
  { name: 'bash', shell: ['bash', '--posix'] },
  { name: 'busybox', shell: ['busybox', 'sh'] },
];
const buildName = '1.2.3+0123abcd';

const install = (given: Partial<InstallInput> = {}): Pick<ScriptRun, 'script' | 'vars'> =>
  installScript({
    build: buildName,
    sha256: '',
    payloadBytes: 0,
    runtimeBytes: 0,
    runtime: '',
    node: self.execPath,
    path: '',
    force: false,
    ...given,
  });

/** Runs a script as a box would: framed, in a shell of its own. */
function inShell(
  shell: readonly string[],
  home: string,
  { script, vars }: Pick<ScriptRun, 'script' | 'vars'>,
  input: Buffer | string = '',
): Promise<RunResult> {
  const { command } = frame(script, vars);
  const text = unframed(command);
  const env = { HOME: home, PATH: process.env['PATH'], SHELL: '/bin/sh', LANG: 'C.UTF-8' };
  return run([...shell, '-c', text], { cwd: '/', env, input });
}

const emptyHome = (name = 'home'): string => {
  const home = path.join(tempDir(), name);
  mkdirSync(home);
  return home;
};

/** A build whose program does what the last step of an install does, in one line. */
function payloadOf(program = "console.log('{}')", more: Readonly<Record<string, string>> = {}): Buffer {
  return packTexts({ 'bin/devenv.js': program, 'dist/main.js': '', ...more });
}

describe.skipIf(!has('shellcheck') && !inCi)('shellcheck has nothing to say of', () => {
  it.each([
    ['the probe', probeScript('b', 'xterm')],
    ['the install', install()],
    ['the removal', removeScript(true)],
    ['the program on the box', { script: wrapper("/home/o'neil/my data"), vars: {} }],
  ])('%s', async (_, { script, vars }) => {
    const file = path.join(tempDir(), 'script.sh');
    const given = Object.keys(vars ?? {}).map((name) => `${name}=$(cat ${name})\n`);
    writeFileSync(file, `#!/bin/sh\n${given.join('')}${script.replace(/^#!.*\n/, '')}\n`);
    const result = await run(['shellcheck', '-s', 'sh', '-S', 'style', file]);
    expect(result.stdout + result.stderr).toBe('');
  });
});

describe.each(shells)('under $name', ({ name, shell }) => {
  it.skipIf(!has(name) && !inCi)('the probe tells all it should, and leaves nothing', async () => {
    const home = emptyHome("it's a home");
    const told = await inShell(shell, home, probeScript(buildName, 'xterm'));
    expect(told.code, told.stderr).toBe(0);
    expect(told.stderr.replaceAll(/\n?devenv-\w+ (BEGIN|END 0)\n/g, '')).toBe('');
    const probe = parseProbe(told.stdout);
    expect(probe).toMatchObject({
      os: self.platform,
      arch: self.arch,
      home,
      where: home,
      unwritable: undefined,
    });
    expect(probe.noexec).toBe(undefined);
    expect(probe.freeKb).toBeGreaterThan(0);
    expect(probe.tools).toHaveProperty('git');
    expect(probe.path).toContain('/bin');
    expect(probe.nodes.map(({ version }) => version)).toContain(self.nodeVersion);
    expect(readdirSync(home)).toEqual([]);
  });

  it.skipIf(!has(name) && !inCi)('an install, a second one, a removal', async () => {
    const home = emptyHome("it's a home");
    const data = path.join(home, '.local/share/devenv');
    const payload = payloadOf(undefined, { odd: '\uFEFF"\0😀\n\\', 'layouts/ünï.yaml': 'a: "ü"\n' });
    const script = install({ sha256: shortHash(payload, 64), payloadBytes: payload.length, path: '/x y:/z' });
    const first = await inShell(shell, home, script, payload);
    expect(readInstall(first.stdout), first.stdout + first.stderr).toEqual({
      kind: 'installed',
      node: self.execPath,
    });
    expect(readFileSync(path.join(data, buildName, 'odd'), 'utf8')).toBe('\uFEFF"\0😀\n\\');
    expect(readFileSync(path.join(data, buildName, 'layouts/ünï.yaml'), 'utf8')).toBe('a: "ü"\n');
    expect(readFileSync(path.join(data, buildName, '.ok'), 'utf8')).toBe(`${self.execPath}\n`);
    expect(readFileSync(path.join(data, 'path'), 'utf8')).toBe('/x y:/z\n');
    const second = await inShell(shell, home, script, payload);
    expect(readInstall(second.stdout)).toEqual({ kind: 'there', node: self.execPath });
    expect(readdirSync(data).toSorted()).toEqual([buildName, 'bin', 'path', 'run', 'runtimes']);
    const removed = await inShell(shell, home, removeScript(false));
    expect(readRemoval(removed.stdout), removed.stderr).toMatchObject({ kind: 'removed', sessions: [] });
    expect(readdirSync(path.join(home, '.local/share'))).toEqual([]);
  });

  it.skipIf(!has(name) && !inCi).each([
    ['bytes are missing', { sha256: 'f'.repeat(64) }, payloadOf(), 'corrupt'],
    ['the build does not run', {}, payloadOf('process.exit(1)'), 'build'],
    ['its node does not run', { node: '/bin/false' }, payloadOf(), 'node'],
    ['it cannot be unpacked', {}, Buffer.from('no brotli'), 'write'],
  ] as const)('nothing is left when %s', async (_, given, payload, what) => {
    const home = emptyHome();
    const script = install({ sha256: shortHash(payload, 64), payloadBytes: payload.length, ...given });
    const ended = await inShell(shell, home, script, payload);
    expect(readInstall(ended.stdout)).toMatchObject({ kind: 'failed', what });
    expect(readdirSync(path.join(home, '.local/share/devenv')).toSorted()).toEqual([
      'bin',
      'run',
      'runtimes',
    ]);
  });

  it.skipIf(!has(name) && !inCi)('the lock of a dead install is taken over', async () => {
    const home = emptyHome();
    const data = path.join(home, '.local/share/devenv');
    mkdirSync(path.join(data, 'lock'), { recursive: true });
    // A process of that number lives (this one), but it is not the one that took the lock.
    writeFileSync(path.join(data, 'lock/holder'), `${self.pid} 1\n`);
    mkdirSync(path.join(data, '.in-999999999'));
    const payload = payloadOf();
    const script = install({ sha256: shortHash(payload, 64), payloadBytes: payload.length });
    const ended = await inShell(shell, home, script, payload);
    expect(readInstall(ended.stdout)).toMatchObject({ kind: 'installed' });
    expect(readdirSync(data).toSorted()).toEqual([buildName, 'bin', 'run', 'runtimes']);
  });
});

it('several installs at once: one takes its place, all succeed', async () => {
  const home = emptyHome();
  const payload = payloadOf();
  const script = install({ sha256: shortHash(payload, 64), payloadBytes: payload.length });
  const ended = await Promise.all(Array.from({ length: 5 }, () => inShell(['dash'], home, script, payload)));
  const kinds = ended.map(({ stdout }) => readInstall(stdout).kind);
  expect(kinds.filter((kind) => kind === 'failed')).toEqual([]);
  expect(kinds.filter((kind) => kind === 'installed')).toHaveLength(1);
  expect(readdirSync(path.join(home, '.local/share/devenv')).toSorted()).toEqual([
    buildName,
    'bin',
    'run',
    'runtimes',
  ]);
}, 60_000);

it('homes of any name are survived', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .string({
          unit: fc.constantFrom(...Array.from('ab \'"$`\\!*?[]{}()<>|&;#~=%\n\tüß-.')),
          minLength: 1,
          maxLength: 12,
        })
        .filter((name) => !/^\.+$/.test(name)),
      async (name) => {
        const home = emptyHome(`h${name}`);
        const payload = payloadOf();
        const script = install({ sha256: shortHash(payload, 64), payloadBytes: payload.length });
        const probed = await inShell(['dash'], home, probeScript(buildName, 'xterm'));
        expect(probed.code).toBe(0);
        const ended = await inShell(['dash'], home, script, payload);
        expect(readInstall(ended.stdout).kind).toBe('installed');
        const removed = await inShell(['dash'], home, removeScript(false));
        // The one name that processes cannot be looked for by: nothing is touched then.
        const usable = !name.includes('\n');
        expect(readRemoval(removed.stdout).kind).toBe(usable ? 'removed' : 'failed');
        expect(readdirSync(path.join(home, '.local/share'))).toEqual(usable ? [] : ['devenv']);
      },
    ),
    { numRuns: 8 },
  );
}, 120_000);
