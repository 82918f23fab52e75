import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/index.ts';
import { argvForBox } from '../../src/cli/remote.ts';
import { packageRoot } from '../../src/base/index.ts';
import { devenv } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { makePair, type Pair } from './support.ts';

describe('a command with --host', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await makePair();
  });
  afterAll(() => pair.box.end());

  it('starts the session there, in one exec on a warm connection', async () => {
    await pair.on('status');
    const before = pair.box.execs();
    const result = await pair.on('start', '--detach');
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toContain(`devenv attach --host ${pair.box.host} shows it`);
    expect(pair.box.execs()).toBe(before + 1);
    expect((await pair.box.there(['tmux', 'list-sessions'])).stdout).toContain('shop:');
    // What is meant for this one command is not handed down to what runs in the session.
    expect((await pair.box.there(['tmux', 'show-environment', '-g'])).stdout).not.toMatch(
      /DEVENV_REMOTE|FORCE_COLOR|DEVENV_CLIENT/,
    );
    const here = await devenv(['status', '--json'], { cwd: pair.project, env: pair.box.env });
    expect(JSON.parse(here.stdout)).toMatchObject({ running: false });
  });

  it('shows colours where this side does', async () => {
    const colored = await devenv(['status', '--host', pair.box.host], {
      cwd: pair.project,
      env: { ...pair.box.env, FORCE_COLOR: '1' },
    });
    expect(colored.stdout).toContain('\u001B[');
    expect((await pair.on('status')).stdout).not.toContain('\u001B[');
  });

  it('gives facts as JSON, the same as there', async () => {
    const result = await pair.on('status', '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({ project: 'shop', running: true, root: pair.there });
    expect(result.stderr).toBe('');
  });

  it('takes a checkpoint there, goes back and undoes it', async () => {
    const taken = JSON.parse((await pair.on('checkpoint', '--json')).stdout) as { tag: string };
    expect(taken).toMatchObject({ verdict: 'passed', created: true });
    const notes = path.join(pair.there, 'notes.txt');
    writeFileSync(notes, 'two\n');
    const back = await pair.on('rollback', taken.tag);
    expect(back).toMatchObject({ code: 0 });
    expect(readFileSync(notes, 'utf8')).toBe('one\n');
    expect(`${back.stdout}${back.stderr}`).toContain(`devenv undo --host ${pair.box.host}`);
    expect(await pair.on('undo')).toMatchObject({ code: 0 });
    expect(readFileSync(notes, 'utf8')).toBe('two\n');
    expect(readFileSync(path.join(pair.project, 'notes.txt'), 'utf8')).toBe('one\n');
  });

  it('passes words of any characters on', async () => {
    const text = `it's "50%" of\n$HOME \\ \`x\` ünï!`;
    writeFileSync(path.join(pair.there, 'new.txt'), text);
    const taken = await pair.on('checkpoint', '--no-verify', '-m', text, '--json');
    expect(taken).toMatchObject({ code: 0 });
    const { checkpoints } = JSON.parse((await pair.on('checkpoints', '--json')).stdout) as {
      checkpoints: { message: string }[];
    };
    expect(checkpoints[0]?.message).toBe(text);
  });

  it('ends with the status of the command there, and its one clear error', async () => {
    const window = await pair.on('restart', 'apii');
    expect(window.code).toBe(4);
    expect(window.stderr).toMatch(/^devenv: no window called apii\n +did you mean api\?/);
    expect(window.stdout).toBe('');
    const json = await pair.on('restart', 'apii', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'unknown-window' } });
  });

  it('says when the project is not there', async () => {
    writeFileSync(
      path.join(pair.project, 'devenv.local.yaml'),
      `hosts:\n  far: { ssh: ${pair.box.host}, path: ~/nowhere }\n`,
    );
    const far = await devenv(['status', '--host', 'far'], { cwd: pair.project, env: pair.box.env });
    expect(far.code).toBe(3);
    expect(far.stderr).toContain('far has no ~/nowhere');
    expect(far.stderr).toContain('devenv host push far');
    rmSync(path.join(pair.project, 'devenv.local.yaml'));
  });

  it('hands Ctrl-C over to the command there', async () => {
    writeFileSync(path.join(pair.there, 'test.sh'), 'echo begun >began; sleep 300\n');
    const stop = new AbortController();
    const began = path.join(pair.there, 'began');
    const argv = [process.execPath, path.join(packageRoot(), 'bin/devenv.js')];
    const going = run(
      [
        'sh',
        '-c',
        `"$@" & pid=$!; while read -r word; do kill -INT $pid; done; wait $pid`,
        'sh',
        ...argv,
        'test',
        '--host',
        pair.box.host,
      ],
      {
        cwd: pair.project,
        env: pair.box.env,
        feed: async (stdin) => {
          await until('the suite runs there', () => readdirSync(pair.there).includes('began'));
          stdin.write('stop\n');
        },
        signal: stop.signal,
      },
    );
    const result = await going;
    expect(result.code).toBe(130);
    rmSync(began);
    await until(
      'nothing of it runs',
      async () => !(await pair.box.there(['pgrep', '-f', 'sleep 300'])).stdout,
    );
    writeFileSync(path.join(pair.there, 'test.sh'), 'exit 0\n');
  });

  it('hands the Ctrl-C of a terminal over, which reaches every process here, and keeps the connection', async () => {
    const began = path.join(pair.box.dir, 'began-group');
    writeFileSync(path.join(pair.there, 'test.sh'), `touch "${began}"; sleep 301\n`);
    await pair.on('status');
    const accepted = (): number => pair.box.log().match(/Accepted publickey/g)?.length ?? 0;
    const before = accepted();
    const argv = [path.join(packageRoot(), 'bin/devenv.js'), 'test', '--host', pair.box.host];
    const child = spawn(process.execPath, argv, { cwd: pair.project, env: pair.box.env, detached: true });
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    await until('the suite runs there', () => existsSync(began));
    // What a program says is seen at once, not when its next line comes.
    await until('it says what it does', () => err.includes('running unit\n'));
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await ended).toBe(130);
    expect(err).not.toContain('lost');
    await until(
      'nothing of it runs',
      async () => !(await pair.box.there(['pgrep', '-f', 'sleep 301'])).stdout,
    );
    await pair.on('status');
    expect(accepted()).toBe(before);
    writeFileSync(path.join(pair.there, 'test.sh'), 'exit 0\n');
  });

  it('refuses what ssh would take for an option, and what is about this machine only', async () => {
    const option = await devenv(['status', '--host=-oProxyCommand=touch x'], {
      cwd: pair.project,
      env: pair.box.env,
    });
    expect(option).toMatchObject({ code: 2 });
    expect(option.stderr).toContain('not a host');
    expect(readdirSync(pair.project)).not.toContain('x');
    expect(await pair.on('completion', 'bash')).toMatchObject({ code: 2 });
    expect(await devenv(['attach', '--forward'], { cwd: pair.project, env: pair.box.env })).toMatchObject({
      code: 2,
    });
  });

  it('stops it there', async () => {
    expect(await pair.on('stop')).toMatchObject({ code: 0 });
    expect((await pair.box.there(['tmux', 'list-sessions'])).ok).toBe(false);
  });
});

describe('the command line for the box', () => {
  it.each([
    ['status --host box --json', 'status --json'],
    ['--host=box status', 'status'],
    ['rollback --host box --cwd /x t -- --host', 'rollback t -- --host'],
    ['start --accept-new-host-key -d', 'start -d'],
  ])('%s', (given, meant) => {
    expect(argvForBox(given.split(' '))).toEqual(meant.split(' '));
  });
});
