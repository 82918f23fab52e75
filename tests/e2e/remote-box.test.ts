import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasMark, listProcesses, packageRoot, shellQuote, type RunResult } from '../../src/base/index.ts';
import { shopFiles } from '../remote/support.ts';
import { makeBox, type Box } from '../support/box.ts';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { git, makeProject } from '../support/project.ts';
import { until } from '../support/until.ts';

const namespaces = spawnSync('sh', [
  '-c',
  'command -v crontab nsenter && unshare --mount mount -t tmpfs t /var/spool/cron',
]);
const skipped = namespaces.status === 0 ? '' : ' (skipped: no crontab, or no mount namespace of its own)';

/**
 * A bare rented box, from nothing to nothing: no devenv and no Node in its PATH, a crontab of its own, a link that
 * can be cut. Each step goes on from the one before.
 */
describe.skipIf(namespaces.status !== 0)(`a bare box, from nothing to nothing${skipped}`, () => {
  let box: Box;
  let home: PrivateTmux;
  let project = '';
  const there = (): string => path.join(box.home, 'shop');
  const at = (...args: string[]): Promise<RunResult> => devenv(args, { cwd: project, env: box.env });
  const tmux = async (...args: string[]): Promise<string> =>
    (await box.there(['tmux', ...args])).stdout.trimEnd();
  const screen = (): Promise<string> => home.tmux('capture-pane', '-p', '-t', 'home');
  const type = (...keys: string[]): Promise<string> => home.tmux('send-keys', '-t', 'home', ...keys);

  beforeAll(async () => {
    box = await makeBox({ port: true, ownCron: true, without: ['node', 'nodejs', 'npm', 'npx'] });
    await box.there(['sh', '-c', 'printf "5 5 * * * true # somebody\\n" | crontab -']);
    project = await makeProject(box.env, { files: shopFiles });
    home = privateTmux(box.env);
    await home.tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'home', '-x', '90', '-y', '20', 'sh');
  });
  afterAll(async () => {
    await home.end();
    await box.end();
  });

  it('is noted once it has answered', async () => {
    const added = await at('host', 'add', 'box', box.host, '--keepalive', '1s');
    expect([added.code, added.stderr]).toEqual([
      0,
      expect.stringMatching(/^--host box runs any command there/),
    ]);
    expect((await at('host', 'list')).stdout).toContain(box.host);
  });

  it('is given devenv, a Node and the work tree as it is', { timeout: 180_000 }, async () => {
    writeFileSync(path.join(project, 'notes.txt'), 'not committed\n');
    writeFileSync(path.join(project, 'new.txt'), 'new\n');
    const pushed = await at('host', 'push', 'box');
    expect(pushed.code).toBe(0);
    expect(pushed.stderr).toContain('box: installing devenv');
    expect(readFileSync(path.join(there(), 'notes.txt'), 'utf8')).toBe('not committed\n');
    const state = ['status', '--porcelain=v2', '--branch', '--untracked-files=all'];
    expect(await git(there(), box.env, ...state)).toBe(await git(project, box.env, ...state));
  });

  it('has the session with every service healthy, in at most three execs', { timeout: 120_000 }, async () => {
    const before = box.execs();
    expect(await at('start', '--detach', '--host', 'box')).toMatchObject({ code: 0 });
    expect(box.execs() - before).toBeLessThanOrEqual(3);
    const { windows } = JSON.parse((await at('status', '--json', '--host', 'box')).stdout) as {
      windows: { name: string; health: string }[];
    };
    expect(windows.find(({ name }) => name === 'api')?.health).toBe('healthy');
  });

  it(
    'is shown here, comes back after the link was killed, and nothing is lost',
    { timeout: 120_000 },
    async () => {
      const program = [process.execPath, path.join(packageRoot(), 'bin/devenv.js')].map(shellQuote).join(' ');
      await type(
        `cd ${shellQuote(project)}; clear; ${program} attach tool --host box; echo "ended $?"`,
        'Enter',
      );
      await until('it is shown', async () => (await tmux('list-clients')) !== '');
      await type('typed before', 'Enter');
      await until('it arrives', async () =>
        (await tmux('capture-pane', '-p', '-t', 'shop:tool')).includes('before'),
      );
      const connections = box.proxy?.connections() ?? 0;
      box.proxy?.cut('rst');
      await until('a new connection', () => (box.proxy?.connections() ?? 0) > connections);
      await until(
        'one client',
        async () => (await tmux('list-clients')).split('\n').filter(Boolean).length === 1,
      );
      await until('what was there is there', async () => (await screen()).includes('typed before'));
      await type('typed after', 'Enter');
      await until('it arrives', async () =>
        (await tmux('capture-pane', '-p', '-t', 'shop:tool')).includes('after'),
      );
      await type('C-b', 'd');
      await until('it ends well', async () => (await screen()).includes('ended 0'));
    },
  );

  it('takes a checkpoint, goes back to it, and takes that back', { timeout: 120_000 }, async () => {
    const taken = JSON.parse((await at('checkpoint', '--json', '--host', 'box')).stdout) as { tag: string };
    const notes = path.join(there(), 'notes.txt');
    writeFileSync(notes, 'an edit on the box\n');
    expect(await at('rollback', taken.tag, '--host', 'box')).toMatchObject({ code: 0 });
    expect(readFileSync(notes, 'utf8')).toBe('not committed\n');
    expect(await at('undo', '--host', 'box')).toMatchObject({ code: 0 });
    expect(readFileSync(notes, 'utf8')).toBe('an edit on the box\n');
    // What is only there is not overwritten by a push, and can be had here.
    expect(await at('host', 'push', 'box')).toMatchObject({ code: 5 });
    expect(await at('host', 'pull', 'box')).toMatchObject({ code: 0 });
    expect((await at('diff', 'box/present')).stdout).toContain('an edit on the box');
  });

  it(
    'builds and checks the project every night, by the line of its crontab alone',
    { timeout: 180_000 },
    async () => {
      const installed = await at('cron', 'install', '--at', '04:17', '--backend', 'cron', '--host', 'box');
      expect(installed).toMatchObject({ code: 0 });
      const crontab = (await box.there(['crontab', '-l'])).stdout;
      expect(crontab).toContain('5 5 * * * true # somebody\n');
      const line = crontab.split('\n').find((text) => text.startsWith('17 4 ')) ?? '';
      const command = line.replace(/^(\S+ ){5}/, '').replaceAll('\\%', '%');
      const bare = ['env', '-i', 'PATH=/usr/bin:/bin', `HOME=${box.home}`, 'SHELL=/bin/sh', 'LOGNAME=me'];
      const ran = await box.there([...bare, '/bin/sh', '-c', command], '/');
      expect([ran.code, ran.stdout, ran.stderr]).toEqual([0, '', '']);
      const report = JSON.parse((await at('nightly', '--report', '--json', '--host', 'box')).stdout) as {
        outcome: string;
        suites: { name: string; verdict: string }[];
      };
      expect(report).toMatchObject({ outcome: 'passed', suites: [{ name: 'unit', verdict: 'passed' }] });
      expect((await at('nightly', '--report', '--host', 'box')).stdout).toContain('passed');
      expect((await at('status', '--host', 'box')).stdout).toMatch(/night/);
    },
  );

  it('is left without a trace', { timeout: 120_000 }, async () => {
    expect(await at('host', 'remove', 'box')).toMatchObject({ code: 5 });
    expect(await at('cron', 'remove', '--host', 'box')).toMatchObject({ code: 0 });
    expect(await at('stop', '--host', 'box')).toMatchObject({ code: 0 });
    expect(await at('host', 'remove', 'box')).toMatchObject({ code: 0 });
    expect((await box.there(['crontab', '-l'])).stdout).toBe('5 5 * * * true # somebody\n');
    rmSync(there(), { recursive: true });
    const left = (await box.there(['find', '.', '-type', 'f'])).stdout.split('\n').filter(Boolean);
    expect(left).toEqual([]);
    expect(existsSync(path.join(box.env['XDG_CONFIG_HOME'] ?? '', 'devenv/hosts.json'))).toBe(true);
    expect((await at('host', 'list')).stdout).not.toContain(box.host);
    expect(readdirSync(path.join(box.env['XDG_RUNTIME_DIR'] ?? '', 'devenv'))).toEqual([]);
    await until('no process of it is left', async () => {
      const all = await listProcesses();
      return !all.some(({ pid }) => hasMark(pid, `HOME=${box.home}`));
    });
  });
});
