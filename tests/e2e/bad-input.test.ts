import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot, type RunResult } from '../../src/base/index.ts';
import { devenv, devenvJson } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { git, makeProject, writeFiles } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

/** What bad input gets: one clear message, the right exit status, nothing lost. */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const sleeper = (name = 'shop'): string =>
  `name: ${name}\nwindows:\n  api: { command: sleep 1000, kind: service }\n`;

const start = (cwd: string, ...args: string[]): Promise<RunResult> =>
  devenv(['start', '--detach', ...args], { cwd, env: world.env });

/** One message and at most a hint and details below it; never a stack trace. */
function expectError(result: RunResult, code: number, says: RegExp): void {
  expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code });
  expect(result.stderr).toMatch(/^devenv: /m);
  expect(result.stderr).toMatch(says);
  expect(result.stderr).not.toMatch(/^\s+at .*[:(]\d+/m);
}

/** A PATH with everything of the real one except some commands. */
function pathWithout(...hidden: string[]): string {
  const dir = tempDir('path');
  for (const name of [
    'sh',
    'git',
    'cat',
    'sleep',
    'perl',
    'env',
    'rm',
    'tmux',
    'kill',
    'date',
    'mkdir',
    'vi',
  ]) {
    const real = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    if (real.startsWith('/') && !hidden.includes(name)) symlinkSync(real, path.join(dir, name));
  }
  return dir;
}

describe('the machine lacks something', () => {
  it('no tmux', async () => {
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': sleeper() } });
    const result = await devenv(['start', '--detach'], {
      cwd,
      env: { ...world.env, PATH: pathWithout('tmux') },
    });
    expectError(result, 3, /tmux.*(not found|not installed|missing)[\s\S]*install/i);
  });

  it('a tmux below 3.2a', async () => {
    const dir = pathWithout('tmux');
    writeFileSync(path.join(dir, 'tmux'), '#!/bin/sh\necho "tmux 3.1c"\n');
    chmodSync(path.join(dir, 'tmux'), 0o755);
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': sleeper() } });
    expectError(
      await devenv(['start', '--detach'], { cwd, env: { ...world.env, PATH: dir } }),
      3,
      /3\.1c[\s\S]*3\.2a/,
    );
  });

  it('no git repository: the session works, checkpoints say why not', async () => {
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': sleeper() }, git: 'none' });
    expect((await start(cwd)).code).toBe(0);
    for (const command of [
      ['checkpoint', '--no-verify'],
      ['checkpoints'],
      ['rollback'],
      ['undo'],
      ['diff'],
    ]) {
      expectError(
        await devenv(command, { cwd, env: world.env }),
        3,
        /not (in )?a git repository[\s\S]*git init/i,
      );
    }
    const status = await devenvJson<{ running: boolean; checkpoint: { why: string } }>(['status'], {
      cwd,
      env: world.env,
    });
    expect(status.running).toBe(true);
    expect(status.checkpoint.why).toMatch(/git/);
  });

  it('a repository with no commit yet: a checkpoint can be taken and put back', async () => {
    const cwd = await makeProject(world.env, {
      files: { 'devenv.yaml': sleeper(), 'a.txt': 'one\n' },
      git: 'init',
    });
    const taken = await devenvJson<{ tag: string; created: boolean }>(['checkpoint', '--no-verify'], {
      cwd,
      env: world.env,
    });
    expect(taken.created).toBe(true);
    writeFileSync(path.join(cwd, 'a.txt'), 'two\n');
    expect(await devenv(['rollback', taken.tag], { cwd, env: world.env })).toMatchObject({ code: 0 });
    expect(readFileSync(path.join(cwd, 'a.txt'), 'utf8')).toBe('one\n');
  });

  it('a port that is taken: by whom, and a free one', async () => {
    const holder = spawn(
      process.execPath,
      ['-e', 'require("net").createServer().listen(0,function(){console.log(this.address().port)})'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    try {
      const port = Number(String(await new Promise((resolve) => holder.stdout.once('data', resolve))).trim());
      const yaml = `name: shop\nwindows:\n  api: { command: sleep 1000, port: ${port} }\n`;
      const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
      const result = await start(cwd);
      expectError(result, 3, new RegExp(`${port}`));
      expect(result.stderr).toContain(String(holder.pid));
      expect(result.stderr).toMatch(/node|createServer/);
      const proposed = [...result.stderr.matchAll(/\b(\d{4,5})\b/g)]
        .map((m) => Number(m[1]))
        .filter((n) => n !== port && n !== holder.pid);
      expect(proposed.length).toBeGreaterThan(0);
      await expect(canListen(proposed[0] ?? 0)).resolves.toBe(true);
      expect(await world.tmux('ls')).toBe('');
    } finally {
      holder.kill('SIGKILL');
    }
  });

  it('a full disk: the checkpoint says so, and nothing is lost or half there', async (ctx) => {
    const disk = path.join(tempDir('disk'), 'full');
    mkdirSync(disk);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]).status !== 0)
      ctx.skip('no right to mount here');
    try {
      writeFiles(disk, 'devenv.yaml', sleeper());
      await git(disk, world.env, 'init', '-q');
      await git(disk, world.env, 'add', '-A');
      await git(disk, world.env, 'commit', '-q', '-m', 'Start');
      const noise = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 2654435761) >>> 13));
      writeFileSync(path.join(disk, 'big.bin'), noise);
      const before = await git(disk, world.env, 'for-each-ref');
      const result = await devenv(['checkpoint', '--no-verify'], { cwd: disk, env: world.env });
      if (result.code === 0) expect(await git(disk, world.env, 'for-each-ref')).not.toBe(before);
      spawnSync('sh', ['-c', `cat /dev/zero > '${disk}/fill' 2>/dev/null`]);
      writeFileSync(path.join(disk, 'devenv.yaml'), sleeper('shap'));
      const refs = await git(disk, world.env, 'for-each-ref');
      const full = await devenv(['checkpoint', '--no-verify'], { cwd: disk, env: world.env });
      expectError(full, 3, new RegExp(`no space left on ${disk} while saving a checkpoint`));
      expect(await git(disk, world.env, 'for-each-ref')).toBe(refs);
      rmSync(path.join(disk, 'fill'));
      expect((await devenv(['checkpoint', '--no-verify'], { cwd: disk, env: world.env })).code).toBe(0);
      await git(disk, world.env, 'fsck', '--strict');
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  });

  it('a state directory that cannot be written', async () => {
    const env = { ...world.env, XDG_STATE_HOME: '/proc/no-such-place' };
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': sleeper() } });
    expectError(
      await devenv(['start', '--detach'], { cwd, env }),
      3,
      /\/proc\/no-such-place\/devenv[\s\S]*XDG_STATE_HOME/,
    );
    expect(await world.tmux('ls')).toBe('');
    // What needs no state goes on.
    expect((await devenv(['checkpoint', '--no-verify'], { cwd, env })).code).toBe(0);
    expect((await devenv(['status'], { cwd, env })).code).toBe(0);
  });

  it('HOME unset', async () => {
    const { HOME: _home, ...env } = world.env;
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': sleeper() } });
    expect(await devenv(['start', '--detach'], { cwd, env })).toMatchObject({ code: 0 });
    expect(await devenv(['stop'], { cwd, env })).toMatchObject({ code: 0 });
  });
});

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false)).listen(port, () => server.close(() => resolve(true)));
  });
}

describe('the configuration or the arguments are wrong', () => {
  it('a typo: file, line, column and the nearest key', async () => {
    const cwd = await makeProject(world.env, {
      files: { 'devenv.yaml': 'name: shop\nwindows:\n  api:\n    comand: sleep 1000\n' },
    });
    for (const command of [['start', '--detach'], ['test'], ['config', 'show']]) {
      expectError(await devenv(command, { cwd, env: world.env }), 2, /devenv\.yaml:4:5: .*comand.*command/);
    }
  });

  it('an unknown window or suite', async () => {
    const cwd = await makeProject(world.env, {
      files: { 'devenv.yaml': `${sleeper()}suites: { unit: { command: "true" } }\n` },
    });
    expectError(await devenv(['run', 'unti'], { cwd, env: world.env }), 4, /unti[\s\S]*unit/);
    expectError(await devenv(['test', 'unti'], { cwd, env: world.env }), 4, /unti[\s\S]*unit/);
    expectError(await devenv(['start', 'apy'], { cwd, env: world.env }), 4, /apy[\s\S]*api/);
    expect((await start(cwd)).code).toBe(0);
    for (const command of ['restart', 'stop', 'attach', 'logs']) {
      expectError(await devenv([command, 'apy'], { cwd, env: world.env }), 4, /apy[\s\S]*api/);
    }
    expectError(await devenv(['rollback', 'checkpoint-nope'], { cwd, env: world.env }), 4, /checkpoint-nope/);
  });
});

describe('start', () => {
  it('a command that exits at once: its output stays, start shows it and exits 1', async () => {
    const yaml =
      'name: shop\nwindows:\n  api: { command: "echo cannot find the database; exit 3", kind: service }\n';
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
    const result = await start(cwd);
    expectError(result, 1, /api[\s\S]*cannot find the database/);
    expect(result.stderr).toMatch(/status 3|exited with 3|exit(ed)? \(?3/);
    await until('the pane keeps its output', async () =>
      (await world.tmux('capture-pane', '-p', '-t', '=shop:api')).includes('cannot find the database'),
    );
    const status = await devenvJson<{
      windows: { name: string; state: string; panes: { exit: number }[] }[];
    }>(['status'], { cwd, env: world.env });
    expect(status.windows[0]).toMatchObject({ name: 'api', state: 'failed', panes: [{ exit: 3 }] });
  });

  it('Ctrl-C while it waits', async () => {
    const yaml =
      'name: shop\nwindows:\n  api: { command: sleep 1000, ready: "tcp://localhost:1", kind: service }\n';
    const yaml2 = yaml.replace('ready: "tcp://localhost:1"', 'ready: { tcp: "localhost:1", timeout: 300s }');
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml2 } });
    const child = spawn(process.execPath, [path.join(packageRoot(), 'bin/devenv.js'), 'start', '--detach'], {
      cwd,
      env: world.env,
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('the session', async () =>
      (await world.tmux('ls', '-F', '#{session_name}')).includes('shop'),
    );
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    // Either nothing is left, or the message says that the session stays.
    const left = await world.tmux('ls', '-F', '#{session_name}');
    if (left !== '') expect(said).toMatch(/session.*(stays|still|keeps|running)/i);
    expect(left).not.toMatch(/devenv-build/);
  });

  it('a second start says that it runs already and changes nothing', async () => {
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': sleeper() } });
    expect((await start(cwd)).code).toBe(0);
    const before = await world.tmux('list-panes', '-a', '-F', '#{pane_id} #{pane_pid}');
    const again = await start(cwd);
    expect(again.code).toBe(0);
    expect(again.stdout + again.stderr).toMatch(/already running/i);
    expect(await world.tmux('list-panes', '-a', '-F', '#{pane_id} #{pane_pid}')).toBe(before);
  });

  it('a session of that name that devenv did not make is refused and left alone', async () => {
    await world.tmux('new-session', '-d', '-s', 'shop', 'sleep 1000');
    const before = await world.tmux('list-panes', '-a', '-F', '#{session_name} #{window_name} #{pane_pid}');
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': sleeper() } });
    expectError(await start(cwd), 5, /shop[\s\S]*name:/);
    expect((await devenv(['stop'], { cwd, env: world.env })).code).toBe(0);
    expect(await world.tmux('list-panes', '-a', '-F', '#{session_name} #{window_name} #{pane_pid}')).toBe(
      before,
    );
  });

  it.each([
    ['spaces', 'my shop'],
    ['quotes', `it's "the" shop`],
    ['a newline', 'two\nlines'],
    ['non-ASCII letters', 'läden-商店'],
    ['what tmux would run', '#(touch pwned)'],
    ['a dollar and a semicolon', '$HOME;'],
  ])('a path with %s', async (_what, name) => {
    const yaml = "windows:\n  api: { command: 'pwd > here && sleep 1000', kind: service }\n";
    const cwd = await makeProject(world.env, {
      files: { 'devenv.yaml': yaml, '.gitignore': 'here\n', 'a.txt': 'one\n' },
      name,
    });
    const started = await start(cwd);
    expect(started.code, started.stderr).toBe(0);
    await until(
      'the command runs in the folder',
      () => existsSync(path.join(cwd, 'here')) && readFileSync(path.join(cwd, 'here'), 'utf8') === `${cwd}\n`,
    );
    expect(existsSync(path.join(cwd, 'pwned'))).toBe(false);
    const status = await devenvJson<{ running: boolean }>(['status'], { cwd, env: world.env });
    expect(status.running).toBe(true);
    expect((await devenv(['checkpoint', '--no-verify'], { cwd, env: world.env })).code).toBe(0);
    writeFileSync(path.join(cwd, 'a.txt'), 'two\n');
    expect((await devenv(['rollback', 'last'], { cwd, env: world.env })).code).toBe(0);
    expect(readFileSync(path.join(cwd, 'a.txt'), 'utf8')).toBe('one\n');
    expect((await devenv(['logs'], { cwd, env: world.env })).code).toBe(0);
    expect((await devenv(['stop'], { cwd, env: world.env })).code).toBe(0);
  });
});
