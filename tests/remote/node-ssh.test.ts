import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { run, sendSignal } from '../../src/base/index.ts';
import {
  openTransport,
  resolveTarget,
  type ScriptResult,
  type Transport,
  type TransportDeps,
} from '../../src/remote/index.ts';
import type { Box } from '../support/box.ts';
import { tempDir } from '../support/temp.ts';
import { configured, createTransports, logins } from '../support/transports.ts';
import { until } from '../support/until.ts';

const { newBox, open: openKind, close, end } = createTransports();
afterEach(close);
afterAll(end);

const open = (box: Box, deps: Partial<TransportDeps> = {}, ssh = box.host): Promise<Transport> =>
  openKind(box, 'node-ssh', deps, ssh);

async function echo(box: Box, deps: Partial<TransportDeps> = {}, ssh = box.host): Promise<string> {
  const transport = await open(box, deps, ssh);
  return (await transport.run({ script: 'echo hello' })).stdout.toString().trim();
}

/** A PATH with everything but ssh. */
function pathWithoutSsh(): string {
  const dir = tempDir('bin');
  for (const name of ['sh', 'env', 'git', 'tmux']) symlinkSync(`/usr/bin/${name}`, path.join(dir, name));
  return dir;
}

describe('a machine without ssh', () => {
  it('takes the client of its own, says so once, and reads the configuration itself', async () => {
    const box = await newBox();
    const notes: string[] = [];
    const env = { ...box.env, PATH: pathWithoutSsh() };
    for (let i = 0; i < 2; i += 1) {
      const transport = await openTransport(resolveTarget(box.host, {}, 'shop'), {
        env,
        interactive: false,
        acceptNewHostKey: false,
        note: (line) => notes.push(line),
      });
      expect(transport.kind).toBe('node-ssh');
      expect((await transport.run({ script: 'echo hello' })).stdout.toString()).toBe('hello\n');
      await transport.close();
    }
    expect(notes).toEqual([expect.stringContaining('no OpenSSH client here')]);
  });
});

describe('a box behind another', () => {
  async function two(): Promise<{ readonly jump: Box; readonly box: Box; readonly env: NodeJS.ProcessEnv }> {
    const [jump, box] = [await newBox(), await newBox()];
    const text = `${readFileSync(jump.sshConfig, 'utf8')}${readFileSync(box.sshConfig, 'utf8')}`;
    const env = configured(box, [
      text.replace(`Host ${box.host}`, `Host ${box.host}\nProxyJump ${jump.host}`),
    ]);
    return { jump, box, env };
  }

  it('is reached through it, with and without ssh here', async () => {
    const { jump, box, env } = await two();
    expect(await echo(box, { env })).toBe('hello');
    expect([logins(jump), logins(box)]).toEqual([1, 1]);
    expect(await echo(box, { env: { ...env, PATH: pathWithoutSsh() } })).toBe('hello');
    expect(jump.execs()).toBe(0);
  });

  it('is lost with it, and made again', async () => {
    const { jump, box, env } = await two();
    const transport = await open(box, { env });
    let out = '';
    const running = transport.run({
      script: 'echo ready; sleep 60',
      onStdout: (chunk) => void (out += chunk.toString()),
    });
    await until('the script began', () => out.includes('ready'));
    jump.proxy?.cut('rst');
    await expect(running).rejects.toMatchObject({ code: 'lost' });
    expect((await transport.run({ script: 'echo on' })).stdout.toString()).toBe('on\n');
  });

  it('tells which of the two has an unknown host key', async () => {
    const { jump, box, env } = await two();
    writeFileSync(path.join(jump.dir, 'known_hosts'), '');
    await expect(echo(box, { env })).rejects.toMatchObject({
      code: 'hostkey-unknown',
      message: expect.stringContaining(`${box.host}, on the way, 127.0.0.1: its host key`) as string,
    });
    expect(box.log()).not.toContain('Connection from');
  });

  it('tells that the first cannot reach the second', async () => {
    const { box, env } = await two();
    await box.proxy?.close();
    await expect(echo(box, { env })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(
        /127\.0\.0\.1 cannot reach 127\.0\.0\.1:\d+: Connection refused/,
      ) as string,
    });
  });

  it('refuses machines that lead to each other', async () => {
    const box = await newBox();
    const env = configured(box, ['Host a', 'ProxyJump b', 'Host b', 'ProxyJump a']);
    await expect(echo(box, { env }, 'a')).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('more than 8 machines') as string,
    });
  });
});

describe('a connection', () => {
  it('is made anew when the server restarts', async () => {
    const box = await newBox();
    const transport = await open(box);
    await transport.run({ script: 'true' });
    const config = path.join(box.dir, 'sshd_config');
    const pid = Number(readFileSync(`${config}.pid`, 'utf8'));
    sendSignal(pid, 'SIGKILL');
    box.proxy?.cut('rst');
    await expect(transport.run({ script: 'true' })).rejects.toMatchObject({ code: 'unreachable' });
    const argv = ['/usr/sbin/sshd', '-f', config, '-E', `${box.dir}/sshd.log`, '-p', String(box.port)];
    await run([...argv, '-o', 'ListenAddress=127.0.0.1', '-o', `PidFile=${config}.pid`]);
    const now = await until('sshd is up', () => Number(readFileSync(`${config}.pid`, 'utf8')) !== pid);
    expect(now).toBe(true);
    try {
      const again = await until('it lets in', () => transport.run({ script: 'echo on' }));
      expect(again.stdout.toString()).toBe('on\n');
    } finally {
      sendSignal(Number(readFileSync(`${config}.pid`, 'utf8')), 'SIGKILL');
    }
  });

  it('tells after how long a frozen box was given up', async () => {
    const box = await newBox();
    const transport = await open(box);
    let out = '';
    const running = transport.run({
      script: 'echo ready; sleep 60',
      onStdout: (chunk) => void (out += chunk.toString()),
    });
    await until('the script began', () => out.includes('ready'));
    box.proxy?.freeze();
    await expect(running).rejects.toMatchObject({
      message: expect.stringContaining(
        `${box.host}: the connection was lost (no sign of life for 3 s)`,
      ) as string,
    });
  });

  it('is not waited for when it is closed while it is being made', async () => {
    const box = await newBox();
    box.proxy?.freeze();
    const transport = await open(box);
    const running = transport.run({ script: 'true' });
    const ended = running.catch((error: unknown) => error);
    await until('it tries', () => box.proxy?.connections() === 1);
    await transport.close();
    expect(await ended).toMatchObject({ code: 'interrupted' });
  });

  it('is not waited for after Ctrl-C', async () => {
    const box = await newBox();
    box.proxy?.freeze();
    const transport = await open(box);
    const stop = new AbortController();
    const running = transport.run({ script: 'true', signal: stop.signal, control: true });
    const ended = running.catch((error: unknown) => error);
    await until('it tries', () => box.proxy?.connections() === 1);
    stop.abort();
    expect(await ended).toMatchObject({ code: 'interrupted' });
  });

  it('finds out that a box lets in fewer sessions at once', async () => {
    const box = await newBox({ server: ['MaxSessions 2'] });
    const transport = await open(box);
    const results: readonly ScriptResult[] = await Promise.all(
      Array.from({ length: 6 }, (_, i) => transport.run({ script: `sleep 0.1; echo ${i}` })),
    );
    expect(results.map((result) => result.stdout.toString().trim())).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  it('says that a box lets nothing run', async () => {
    const box = await newBox({ server: ['MaxSessions 0'] });
    await expect(echo(box)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('the box lets nothing run') as string,
    });
  });

  it('tells what a login shell said that runs nothing', async () => {
    const box = await newBox({ forceCommand: "sh -c 'echo This account is not available >&2; exit 1'" });
    await expect(echo(box)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('This account is not available') as string,
    });
  });

  it('sends the variables of the configuration', async () => {
    const box = await newBox({ server: ['AcceptEnv GREETING'], client: ['SetEnv GREETING=hello'] });
    const result = await (await open(box)).run({ script: 'echo "$GREETING"' });
    expect(result.stdout.toString()).toBe('hello\n');
  });

  it('runs once what a broken link may have begun', async () => {
    const box = await newBox();
    const transport = await open(box);
    await transport.run({ script: 'true' });
    const marker = path.join(box.home, 'ran');
    const running = transport.run({ script: 'echo x >>ran; sleep 60' });
    const ended = running.catch((error: unknown) => error);
    await until('it ran', () => existsSync(marker));
    box.proxy?.cut('rst');
    expect(await ended).toMatchObject({ code: 'lost' });
    expect(readFileSync(marker, 'utf8')).toBe('x\n');
  });
});
