import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot, run, type RunResult } from '../../src/base/index.ts';
import {
  aftermathScript,
  boxScript,
  openTransport,
  readAftermath,
  resolveTarget,
} from '../../src/remote/index.ts';
import { devenv } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { makePair, type Pair } from './support.ts';

/** What goes wrong between here and a box, as a user of the built program sees it. */
let pair: Pair;
beforeAll(async () => {
  pair = await makePair({ port: true });
});
afterAll(() => pair.box.end());
/** Each case makes its own connection. */
afterEach(() => forget());

async function forget(): Promise<void> {
  const dir = path.join(pair.box.env['XDG_RUNTIME_DIR'] ?? '', 'devenv');
  if (!existsSync(dir)) return;
  const sockets = (await run(['find', dir, '-type', 's'])).stdout.split('\n').filter(Boolean);
  for (const socket of sockets)
    await run(['ssh', '-F', pair.box.sshConfig, '-o', `ControlPath=${socket}`, '-O', 'exit', pair.box.host]);
}

/** Runs with another ssh configuration: the box's own, changed. */
function withConfig(
  change: (text: string) => string,
  args: readonly string[] = ['status'],
): Promise<RunResult> {
  const file = path.join(pair.box.dir, `ssh_config-${Math.random()}`);
  writeFileSync(file, change(readFileSync(pair.box.sshConfig, 'utf8')));
  return devenv([...args, '--host', pair.box.host], {
    cwd: pair.project,
    env: { ...pair.box.env, DEVENV_SSH_CONFIG: file },
  });
}

const set = (name: string, value: string) => (text: string) =>
  text.replace(new RegExp(`^${name} .*$`, 'm'), `${name} ${value}`);

/** One line of what is wrong and one of what to do; nothing else, and no stack. */
function expectOneError(result: RunResult, code: number): void {
  expect(result.code).toBe(code);
  expect(result.stdout).toBe('');
  expect(result.stderr.trimEnd().split('\n')).toHaveLength(2);
  expect(result.stderr).toMatch(/^devenv: [^\n]+\n {2}\S/);
}

const accepted = (): number => pair.box.log().match(/Accepted publickey/g)?.length ?? 0;
const attempts = (): number => pair.box.log().match(/(?:Accepted|Failed|Postponed) publickey/g)?.length ?? 0;

describe('the host key', () => {
  it('is unknown: its fingerprint is shown and nothing is sent', async () => {
    const known = path.join(pair.box.dir, 'none');
    const before = attempts();
    const result = await withConfig(set('UserKnownHostsFile', known));
    expectOneError(result, 3);
    const print =
      (await run(['ssh-keygen', '-lf', path.join(pair.box.dir, 'host.pub')])).stdout.split(' ')[1] ?? '';
    expect(print).toMatch(/^SHA256:/);
    expect(result.stderr).toContain(print);
    expect(result.stderr).toContain('--accept-new-host-key');
    expect(existsSync(known)).toBe(false);
    expect(attempts()).toBe(before);
  });

  it('is unknown and believed by the user’s word: it is noted', async () => {
    const known = path.join(pair.box.dir, 'new');
    const result = await withConfig(set('UserKnownHostsFile', known), ['status', '--accept-new-host-key']);
    expect(result.code).toBe(0);
    expect(readFileSync(known, 'utf8')).toContain('ssh-ed25519');
  });

  it('is another one: both are named, with the way out, and known_hosts stays', async () => {
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path.join(pair.box.dir, 'other')]);
    const known = path.join(pair.box.dir, 'changed');
    const line = `${pair.box.host} ${readFileSync(path.join(pair.box.dir, 'other.pub'), 'utf8')}`;
    writeFileSync(known, line);
    const before = attempts();
    for (const more of [[], ['--accept-new-host-key']]) {
      const result = await withConfig(set('UserKnownHostsFile', known), ['status', ...more]);
      expectOneError(result, 3);
      expect(result.stderr).toMatch(/not the known one.*SHA256:.*changed:1/);
      expect(result.stderr).toContain('ssh-keygen');
      expect(result.stderr).toContain('-R');
      expect(
        (await withConfig(set('UserKnownHostsFile', known), ['status', '--json', ...more])).stdout,
      ).toContain('"code":"hostkey-changed"');
    }
    expect(readFileSync(known, 'utf8')).toBe(line);
    expect(attempts()).toBe(before);
  });

  it('is revoked: nothing is sent', async () => {
    const known = path.join(pair.box.dir, 'revoked');
    writeFileSync(known, `@revoked * ${readFileSync(path.join(pair.box.dir, 'host.pub'), 'utf8')}`);
    const before = attempts();
    const result = await withConfig(set('UserKnownHostsFile', known));
    expectOneError(result, 3);
    expect(result.stderr).toContain('revoked');
    expect(attempts()).toBe(before);
  });
});

describe('being let in', () => {
  it('fails with a key that the box does not know', async () => {
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path.join(pair.box.dir, 'stranger')]);
    const result = await withConfig(set('IdentityFile', path.join(pair.box.dir, 'stranger')));
    expectOneError(result, 3);
    expect(result.stderr).toContain('not let in (it takes publickey)');
    expect(result.stderr).toContain('authorized_keys');
  });

  it('fails with a key that others can read', async () => {
    const key = path.join(pair.box.dir, 'loose');
    writeFileSync(key, readFileSync(path.join(pair.box.dir, 'id')));
    chmodSync(key, 0o644);
    const result = await withConfig(set('IdentityFile', key));
    expectOneError(result, 3);
    expect(result.stderr).toContain(`chmod 600 ${key}`);
  });

  it('fails with a key and a public key that are not of one pair', async () => {
    const key = path.join(pair.box.dir, 'misfit');
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
    writeFileSync(`${key}.pub`, readFileSync(path.join(pair.box.dir, 'id.pub')));
    const result = await withConfig(set('IdentityFile', key));
    expectOneError(result, 3);
    expect(result.stderr).toContain('are not of one pair');
    expect(result.stderr).toContain(`ssh-keygen -y -f ${key}`);
  });

  it('fails with a pass phrase that nobody can be asked for', async () => {
    const key = path.join(pair.box.dir, 'locked');
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', 'secret', '-f', key]);
    writeFileSync(
      path.join(pair.box.dir, 'authorized_keys'),
      readFileSync(path.join(pair.box.dir, 'id.pub'), 'utf8') + readFileSync(`${key}.pub`, 'utf8'),
    );
    const result = await withConfig(set('IdentityFile', key));
    expectOneError(result, 3);
    expect(result.stderr).toContain('pass phrase');
    expect(result.stderr).toContain('ssh-add');
  });
});

describe('the way there', () => {
  it.each([
    ['no such host', set('HostName', 'no-such-host.invalid'), 'no such host'],
    ['nobody listens', set('Port', '1'), 'refuses the connection'],
    [
      'a configuration ssh cannot read',
      (text: string) => `Nonsense yes\n${text}`,
      'does not accept its configuration',
    ],
    [
      'no common key exchange',
      (text: string) => `${text}\nKexAlgorithms ecdh-sha2-nistp521\n`,
      'no matching key exchange',
    ],
  ])('%s', async (_, change, says) => {
    const result = await withConfig(change);
    expectOneError(result, says.includes('configuration') ? 2 : 3);
    expect(result.stderr).toContain(says);
  });

  it('something else answers there', async () => {
    const server = createServer((socket) => socket.end('220 mail.example ESMTP\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const result = await withConfig(set('Port', String(typeof address === 'object' ? address?.port : 0)));
    server.close();
    expectOneError(result, 3);
    expect(result.stderr).toContain('before anything ran');
  });

  it('a box that does not answer in time is down in the table of all, with what was last known', async () => {
    writeFileSync(
      path.join(pair.project, 'devenv.local.yaml'),
      `hosts:\n  good: { ssh: ${pair.box.host}, path: ${pair.there} }\n  gone: { ssh: nobody@no-such-host.invalid }\n`,
    );
    const all = (...args: string[]): Promise<RunResult> =>
      devenv(['status', '--host', 'all', ...args], { cwd: pair.project, env: pair.box.env });
    const first = await all();
    expect(first.stderr).toBe('');
    expect(first.stdout).toMatch(/good +not running/);
    expect(first.stdout).toMatch(/gone .*down, never seen/);
    await forget();
    pair.box.proxy?.freeze();
    const second = JSON.parse((await all('--json')).stdout) as {
      hosts: {
        host: string;
        ok: boolean;
        at: string | null;
        status: unknown;
        error: { code: string } | null;
      }[];
    };
    pair.box.proxy?.thaw();
    expect(second.hosts.map(({ host, ok }) => [host, ok])).toEqual([
      ['good', false],
      ['gone', false],
    ]);
    expect(second.hosts[0]).toMatchObject({ error: { code: 'timeout' }, status: { project: 'shop' } });
    expect(Date.parse(second.hosts[0]?.at ?? '')).not.toBeNaN();
  });
});

/** What stands in the file of a folder that was written last. */
function newest(dir: string, ending: string): string | undefined {
  if (!existsSync(dir)) return undefined;
  const files = readdirSync(dir).filter((name) => name.endsWith(ending));
  const at = (name: string): number => statSync(path.join(dir, name)).mtimeMs;
  const [last] = files.toSorted((a, b) => at(b) - at(a));
  return last && readFileSync(path.join(dir, last), 'utf8').trim();
}

describe('a link that breaks', () => {
  it.each(['fin', 'rst'] as const)(
    'while a checkpoint is taken (%s): the box is asked how it ended',
    async (how) => {
      // Outside of the work tree: a file that appears in it would make the verdict stale.
      const gate = path.join(pair.box.dir, `go-${how}`);
      const script = path.join(pair.there, 'test.sh');
      writeFileSync(script, `touch "${gate}.began"; while [ ! -e "${gate}" ]; do sleep 0.05; done\n`);
      const going = pair.on('checkpoint', '-m', how, '--json');
      await until('the suite runs there', () => existsSync(`${gate}.began`));
      pair.box.proxy?.cut(how);
      await until('the box is asked', () => /Starting session/.test(pair.box.log()));
      writeFileSync(gate, '');
      const result = await going;
      expect(result.code).toBe(0);
      expect(result.stderr).toContain(
        'the connection was lost while the command ran; asking what became of it',
      );
      expect(result.stderr).toContain('it came to its end there with status 0');
      // What it said is had from its note.
      expect(JSON.parse(result.stdout)).toMatchObject({ created: true, verdict: 'passed' });
      const { checkpoints } = JSON.parse((await pair.on('checkpoints', '--json')).stdout) as {
        checkpoints: { message: string; verdict: string }[];
      };
      expect(checkpoints.filter(({ message }) => message === how)).toHaveLength(1);
      writeFileSync(script, 'exit 0\n');
    },
  );

  it('in the middle of a line: all of it is shown, once', async () => {
    const builds = path.join(pair.box.home, '.local/share/devenv');
    const build = readFileSync(path.join(packageRoot(), 'dist/build-id'), 'utf8').trim();
    const program = path.join(builds, build, 'bin/devenv.js');
    const devenvItself = readFileSync(program);
    const go = path.join(pair.box.dir, 'go-on');
    // It stops in the middle of a letter.
    writeFileSync(
      program,
      `import { existsSync } from 'node:fs';
       process.stderr.write('begun\\n');
       process.stdout.write(Buffer.concat([Buffer.from('{"of":"'), Buffer.from('\u00fc').subarray(0, 1)]));
       const wait = setInterval(() => {
         if (!existsSync(${JSON.stringify(go)})) return;
         clearInterval(wait);
         process.stdout.write(Buffer.concat([Buffer.from('\u00fc').subarray(1), Buffer.from('"}\\n')]));
       }, 20);`,
    );
    try {
      const argv = [path.join(packageRoot(), 'bin/devenv.js'), 'undo', '--json', '--host', pair.box.host];
      const child = spawn(process.execPath, argv, { cwd: pair.project, env: pair.box.env });
      const out: Buffer[] = [];
      let err = '';
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
      await until('it has begun to speak', () => err.includes('begun'));
      await until('what it said is kept', () => newest(path.join(builds, 'run'), '.out') !== '');
      pair.box.proxy?.cut('rst');
      await until('it is asked about', () => err.includes('asking what became of it'));
      writeFileSync(go, '');
      expect(await ended).toBe(0);
      expect(Buffer.concat(out).toString()).toBe('{"of":"ü"}\n');
    } finally {
      writeFileSync(program, devenvItself);
    }
  });

  it('while a command is killed there: it is lost, not failed', async () => {
    const script = path.join(pair.there, 'test.sh');
    const began = path.join(pair.box.dir, 'began');
    writeFileSync(script, `touch "${began}"; sleep 300\n`);
    const going = pair.on('checkpoint', '-m', 'lost', '--json');
    await until('the suite runs there', () => existsSync(began));
    const noted = path.join(pair.box.home, '.local/share/devenv/run');
    const pidOf = async (): Promise<number> =>
      Number((await until('its pid is noted', () => newest(noted, '.pid'))).split(' ')[0]);
    process.kill(await pidOf(), 'SIGKILL');
    // Its shell sees it end as killed and says so.
    expect((await going).code).toBe(137);
    rmSync(began);
    rmSync(noted, { recursive: true });
    const again = pair.on('checkpoint', '-m', 'lost', '--json');
    await until('the suite runs there', () => existsSync(began));
    const pid = await pidOf();
    const shell = Number(/\) \S+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
    pair.box.proxy?.refuse(true);
    pair.box.proxy?.cut('rst');
    for (const one of [shell, pid]) process.kill(one, 'SIGKILL');
    pair.box.proxy?.refuse(false);
    const result = await again;
    expect(result.code).toBe(3);
    const { error } = JSON.parse(result.stdout);
    expect(error).toMatchObject({ code: 'lost', hint: expect.stringContaining('devenv undo --list --host') });
    writeFileSync(script, 'exit 0\n');
  });

  it('before a command has reached the box: it is known not to have begun, and is sent again', async () => {
    await pair.on('status');
    writeFileSync(path.join(pair.there, 'notes.txt'), 'for a new checkpoint\n');
    // A session that is opened takes some hundred bytes; the command, which follows then, some thousand.
    pair.box.proxy?.freeze(1500);
    const going = pair.on('checkpoint', '--no-verify', '-m', 'once');
    await until('it is on its way', () => (pair.box.proxy?.heldBytes() ?? 0) > 1500);
    pair.box.proxy?.cut('rst');
    pair.box.proxy?.thaw();
    const result = await going;
    expect(result.code).toBe(0);
    expect(result.stderr).toContain('it had not begun; sending it again');
    const { checkpoints } = JSON.parse((await pair.on('checkpoints', '--json')).stdout) as {
      checkpoints: { message: string }[];
    };
    expect(checkpoints.filter(({ message }) => message === 'once')).toHaveLength(1);
  });

  it('a command that was given up does nothing when it comes late', async () => {
    const target = resolveTarget(pair.box.host, {}, 'shop');
    const transport = await openTransport(target, {
      env: pair.box.env,
      interactive: false,
      acceptNewHostKey: false,
      note: () => {},
    });
    const asked = await transport.run(aftermathScript('late'));
    expect(readAftermath(asked.stdout)).toEqual({ kind: 'never' });
    const build = readFileSync(path.join(packageRoot(), 'dist/build-id'), 'utf8').trim();
    const late = boxScript({ target, build, args: ['config', 'path'], env: {}, record: 'late' });
    expect(await transport.run(late)).toMatchObject({ code: 215, stderr: '' });
    const again = await transport.run(aftermathScript('late'));
    expect(readAftermath(again.stdout)).toEqual({ kind: 'never' });
  });

  it('before a reading command is answered: it is asked again', async () => {
    await pair.on('status');
    const before = accepted();
    pair.box.proxy?.cut('rst');
    expect(await pair.on('status')).toMatchObject({ code: 0 });
    expect(accepted()).toBe(before + 1);
  });

  it('and a connection whose keeper was killed is made again', async () => {
    await pair.on('status');
    const dir = path.join(pair.box.env['XDG_RUNTIME_DIR'] ?? '', 'devenv');
    const [socket = ''] = (await run(['find', dir, '-type', 's'])).stdout.split('\n');
    const check = await run([
      'ssh',
      '-F',
      pair.box.sshConfig,
      '-o',
      `ControlPath=${socket}`,
      '-O',
      'check',
      pair.box.host,
    ]);
    process.kill(Number(/pid=(\d+)/.exec(check.stderr)?.[1]), 'SIGKILL');
    expect(await pair.on('status')).toMatchObject({ code: 0 });
    expect(await pair.on('status')).toMatchObject({ code: 0 });
  });

  it('three starts at once build one session', async () => {
    const results = await Promise.all([1, 2, 3].map(() => pair.on('start', '--detach', '--no-wait')));
    const failed = results.filter(({ code }) => code !== 0);
    expect(failed.map(({ code, stderr }) => [code, stderr])).toEqual([]);
    expect((await pair.box.there(['tmux', 'list-sessions'])).stdout.trim().split('\n')).toHaveLength(1);
    expect(results.filter(({ stderr }) => stderr.includes('already running'))).toHaveLength(2);
    await pair.on('stop');
  });

  it('twenty commands at once all come through', { timeout: 120_000 }, async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => pair.on('config', 'path')));
    expect(results.map(({ code }) => code)).toEqual(results.map(() => 0));
  });
});

it('the directory of the connections must be ours alone', async () => {
  const runtime = path.join(pair.box.dir, 'open');
  mkdirSync(path.join(runtime, 'devenv'), { recursive: true });
  chmodSync(path.join(runtime, 'devenv'), 0o777);
  const result = await devenv(['status', '--host', pair.box.host], {
    cwd: pair.project,
    env: { ...pair.box.env, XDG_RUNTIME_DIR: runtime },
  });
  expectOneError(result, 3);
  expect(result.stderr).toContain('only you can use');
});

it('configuration of the user that would keep a command from running does not', async () => {
  const result = await withConfig(
    (text) =>
      `${text}RemoteCommand echo nothing\nLocalForward 127.0.0.1:1 127.0.0.1:1\nExitOnForwardFailure yes\nRequestTTY force\nForwardAgent yes\n`,
  );
  expect(result).toMatchObject({ code: 0 });
});

it('without ssh it goes another way, and says what to install', async () => {
  const bin = path.join(pair.box.dir, 'no-ssh');
  mkdirSync(bin);
  for (const tool of ['git', 'tmux', 'sh']) {
    const where = (await run(['sh', '-c', `command -v ${tool}`])).stdout.trim();
    writeFileSync(path.join(bin, tool), `#!/bin/sh\nexec ${where} "$@"\n`, { mode: 0o755 });
  }
  const result = await devenv(['status', '--host', pair.box.host], {
    cwd: pair.project,
    env: { ...pair.box.env, PATH: bin },
  });
  expect(result.code).toBe(0);
  expect(result.stderr).toMatch(/^no OpenSSH client here.*apt-get install openssh-client\n$/);
});
