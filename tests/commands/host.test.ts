import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunResult } from '../../src/base/index.ts';
import { makeBox, type Box } from '../support/box.ts';
import { devenv, devenvJson } from '../support/cli.ts';
import { tempDir } from '../support/temp.ts';

let box: Box;
const cwd = tempDir('shop');
beforeAll(async () => {
  box = await makeBox();
});
afterAll(() => box.end());
const host = (...args: string[]): Promise<RunResult> => devenv(['host', ...args], { cwd, env: box.env });
const file = (): string => path.join(box.env['XDG_CONFIG_HOME'] ?? '', 'devenv/hosts.json');

it.each([
  [[], /devenv host does what\?\n {2}one of add, list, check/],
  [['chek', 'box'], /does not know "chek"\n {2}did you mean devenv host check\?/],
  [['add', 'box'], /which box\?/],
  [['add', '-x', 'box'], /unknown option/],
  [['add', 'a b', 'box'], /no name for a host: "a b"/],
  [['add', 'all', 'box'], /--host all means every box/],
  [['add', 'box', '--', '-oProxyCommand=x'], /not a host: "-oProxyCommand=x"/],
  [['add', 'box', 'dev@', '--no-check'], /not a host: "dev@"/],
  [['add', 'box', '@box', '--no-check'], /not a host: "@box"/],
  [['add', 'box', 'a\nb'], /not a host: "a\\nb"/],
  [['add', 'box', 'dev@box', '--transport', 'telnet'], /openssh or node-ssh, not "telnet"/],
  [['add', 'box', 'dev@box', '--keepalive', 'never'], /"never" is no time/],
  [['add', 'box', 'dev@box', 'more', '--no-check'], /too many arguments/],
  [['add', 'box', 'dev@box', '--path', '', '--no-check'], /--path is empty/],
  [['check'], /which host\?/],
  [['remove'], /which host\?/],
  [['bootstrap'], /which host\?/],
])('%j is wrong usage', async (args, expected) => {
  const result = await host(...args);
  expect(result.code).toBe(2);
  expect(result.stderr).toMatch(expected);
  expect(result.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  expect(existsSync(file())).toBe(false);
});

it('a box is called once, then noted; its name is not taken twice', async () => {
  const failed = await host('add', 'box', 'nobody@no.such.host.invalid');
  expect(failed.code).toBe(3);
  expect(failed.stderr).toMatch(/nothing was noted; --no-check notes it all the same/);
  expect(existsSync(file())).toBe(false);
  const added = await host(
    'add',
    'box',
    box.host,
    '--path',
    "~/it's",
    '--keepalive',
    '5s',
    '--forward-agent',
  );
  expect(added.code, added.stderr).toBe(0);
  expect(added.stdout).toMatch(/^box is noted in \S+: .+\n$/);
  expect(added.stderr).toMatch(/^--host box runs any command there/);
  expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({
    box: { ssh: box.host, path: "~/it's", keepaliveMs: 5000, forwardAgent: true },
  });
  const twice = await host('add', 'box', 'dev@other', '--no-check');
  expect(twice.code).toBe(5);
  const quiet = await host('add', 'quiet', 'dev@other', '--no-check', '-q');
  expect(quiet).toMatchObject({ stdout: expect.stringMatching(/^quiet is noted in \S+\n$/), stderr: '' });
  await host('remove', 'quiet', '--keep-files');
  const replaced = await host('add', 'box', box.host, '--no-check', '--force');
  expect(replaced.code).toBe(0);
  expect(replaced.stderr).toMatch(
    /^box had the path ~\/it's and has none now; --path '~\/it'\\''s' keeps it\n--host box runs/,
  );
});

it('a name that leads nowhere is told with those that are known', async () => {
  await host('add', 'boxx.invalid', 'dev@other', '--no-check');
  for (const args of [
    ['status', '--host', 'bxox.invalid'],
    ['host', 'bootstrap', 'bxox.invalid'],
  ]) {
    const near = await devenv(args, { cwd, env: box.env });
    expect(near.code).toBe(3);
    expect(near.stderr.split('\n')).toEqual([
      expect.stringContaining('bxox.invalid: no such host'),
      '  did you mean boxx.invalid? known: box, boxx.invalid; devenv host add notes another',
      '',
    ]);
  }
  await host('remove', 'boxx.invalid', '--keep-files');
});

it('a port behind a colon is part of the name to ssh, and it is said how it is written', async () => {
  const result = await host('add', 'port', 'dev@nosuch.invalid:22');
  expect(result.code).toBe(3);
  expect(result.stderr).toMatch(
    /port: no such host: .*\n {2}a port is written ssh:\/\/dev@nosuch\.invalid:22;/,
  );
  const without = await host('add', 'port', 'nosuch.invalid', '--transport', 'node-ssh');
  expect(without.stderr).toMatch(/no such host: .*\n {2}check the name/);
  const other = await host('add', 'port', 'nosuch.invalid:22', '--transport', 'node-ssh');
  expect(other.stderr).toMatch(/\n {2}a port is written ssh:\/\/nosuch\.invalid:22;/);
});

it('what was last seen of a box goes with it, and so do folders that are empty then', async () => {
  const state = path.join(box.env['XDG_STATE_HOME'] ?? '', 'devenv');
  mkdirSync(path.join(state, 'hosts'), { recursive: true });
  for (const name of ['seen', 'other']) {
    expect((await host('add', name, box.host, '--no-check')).code).toBe(0);
    writeFileSync(path.join(state, 'hosts', name), JSON.stringify({ host: name, at: null, status: null }));
  }
  await host('remove', 'seen', '--keep-files');
  expect(readdirSync(path.join(state, 'hosts'))).toEqual(['other']);
  await host('remove', 'other', '--keep-files');
  expect(existsSync(state)).toBe(false);
});

it('lists the boxes of the project and the own ones, with the file of each', async () => {
  writeFileSync(
    path.join(cwd, 'devenv.yaml'),
    'hosts: { server: { ssh: dev@server }, both: { ssh: a@b } }\n',
  );
  await host('add', 'both', 'c@d', '--no-check');
  const { hosts } = await devenvJson<{ hosts: readonly object[] }>(['host', 'list'], { cwd, env: box.env });
  const project = path.join(cwd, 'devenv.yaml');
  expect(hosts).toMatchObject([
    { name: 'server', ssh: 'dev@server', transport: 'openssh', file: project },
    { name: 'both', ssh: 'a@b', file: project },
    { name: 'box', ssh: box.host, file: file() },
  ]);
  const doctor = await devenvJson<{ checks: readonly { name: string }[] }>(['doctor'], { cwd, env: box.env });
  const rows = doctor.checks.filter(({ name }) => name.startsWith('host '));
  expect(rows.map(({ name }) => name).toSorted()).toEqual(['host both', 'host box', 'host server']);
});

it('checks a box as doctor checks this machine', async () => {
  const result = await host('check', 'box', '--json');
  const { checks }: { checks: readonly { name: string; ok: boolean; level: string }[] } = JSON.parse(
    result.stdout,
  );
  const names = checks.map(({ name }) => name);
  expect(names.slice(0, 5)).toEqual(['connection', 'system', 'devenv', 'tmux', 'git']);
  expect(result.code).toBe(checks.some(({ ok, level }) => !ok && level === 'error') ? 3 : 0);
  const unreached = await host('check', 'no.such.host.invalid');
  expect(unreached.code).toBe(3);
  expect(unreached.stdout).toMatch(/connection: no\.such\.host\.invalid: no such host/);
});

it('a file of hosts that is damaged is named, and not written over', async () => {
  writeFileSync(file(), '{ "box": ');
  for (const args of [['list'], ['add', 'x', 'a@b', '--no-check'], ['remove', 'box']]) {
    const result = await host(...args);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(file());
  }
  expect(readFileSync(file(), 'utf8')).toBe('{ "box": ');
});
