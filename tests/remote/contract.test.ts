import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run, sendSignal } from '../../src/base/index.ts';
import type { Box } from '../support/box.ts';
import { tempDir } from '../support/temp.ts';
import { createTransports, logins } from '../support/transports.ts';
import { until } from '../support/until.ts';

const { newBox, open, close, end } = createTransports();
afterEach(close);
afterAll(end);

describe.each(['openssh', 'node-ssh'] as const)('a script over %s', (kind) => {
  let box: Box;
  beforeAll(async () => {
    box = await newBox();
  });

  it('runs in the home with its variables, and gives back status and both streams', async () => {
    const value = `it's "50%" of\n$HOME \\ \`x\` ünï!`;
    const transport = await open(box, kind);
    const result = await transport.run({
      script: 'pwd; umask; printf %s "$VALUE"; echo oops >&2; exit 7',
      vars: { VALUE: value },
    });
    expect(result.code).toBe(7);
    expect(result.stdout.toString()).toBe(`${box.home}\n0077\n${value}`);
    expect(result.stderr).toBe('oops\n');
  });

  it('carries any bytes both ways, from a buffer and from a stream', async () => {
    const transport = await open(box, kind);
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) & 255));
    const whole = await transport.run({ script: 'cat', stdin: bytes });
    expect(whole.stdout.equals(bytes)).toBe(true);
    const stream = Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)]);
    const streamed = await transport.run({ script: 'cat', stdin: stream });
    expect(streamed.stdout.equals(bytes)).toBe(true);
  });

  it('reads nothing on standard input when nothing is given', async () => {
    const transport = await open(box, kind);
    const result = await transport.run({ script: 'cat; echo end' });
    expect(result.stdout.toString()).toBe('end\n');
  });

  it('ends well when the script does not want all of its input', async () => {
    const transport = await open(box, kind);
    const result = await transport.run({ script: 'head -c 5', stdin: Buffer.alloc(5_000_000, 'x') });
    expect([result.code, result.stdout.toString()]).toEqual([0, 'xxxxx']);
  });

  it('tells of output as it comes, and collects none of that', async () => {
    const transport = await open(box, kind);
    const came = { out: '', err: '' };
    const go = path.join(box.home, `go-${kind}`);
    const running = transport.run({
      script: 'echo one; echo two >&2; while [ ! -e "$GO" ]; do sleep 0.02; done; echo three',
      vars: { GO: go },
      onStdout: (chunk) => void (came.out += chunk.toString()),
      onStderr: (chunk) => void (came.err += chunk.toString()),
    });
    await until('the first lines came', () => came.out.startsWith('one') && came.err.startsWith('two'));
    writeFileSync(go, '');
    const result = await running;
    expect(came.out).toBe('one\nthree\n');
    expect([result.stdout.length, result.stderr]).toEqual([0, '']);
  });

  it('keeps one connection for the next command', async () => {
    const before = logins(box);
    const transport = await open(box, kind);
    for (let i = 0; i < 3; i += 1) await transport.run({ script: 'true' });
    expect(logins(box) - before).toBeLessThanOrEqual(1);
  });

  it('runs twenty at once where the box lets in ten', async () => {
    const transport = await open(box, kind);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => transport.run({ script: `sleep 0.1; echo ${i}` })),
    );
    expect(results.map((result) => Number(result.stdout.toString()))).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
  });

  it('writes INT on an abort when it is under control, and waits for the end', async () => {
    const transport = await open(box, kind);
    const stop = new AbortController();
    let out = '';
    const running = transport.run({
      script: 'echo ready; read -r word; echo "got $word"; exit 3',
      control: true,
      signal: stop.signal,
      onStdout: (chunk) => void (out += chunk.toString()),
    });
    await until('the script began', () => out.includes('ready'));
    stop.abort();
    expect((await running).code).toBe(3);
    expect(out).toBe('ready\ngot INT\n');
  });

  it('ends at once on an abort otherwise', async () => {
    const transport = await open(box, kind);
    const stop = new AbortController();
    let out = '';
    const running = transport.run({
      script: 'echo ready; sleep 60',
      signal: stop.signal,
      onStdout: (chunk) => void (out += chunk.toString()),
    });
    await until('the script began', () => out.includes('ready'));
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'interrupted' });
    expect((await transport.run({ script: 'echo on' })).stdout.toString()).toBe('on\n');
  });

  it('gives up after its time; whether it ran is not known then', async () => {
    const transport = await open(box, kind);
    await expect(transport.run({ script: 'sleep 60', timeoutMs: 500 })).rejects.toMatchObject({
      code: 'lost',
      message: expect.stringContaining('no answer in time') as string,
    });
    expect((await transport.run({ script: 'echo on' })).stdout.toString()).toBe('on\n');
  });

  it('forwards a port, until it is cancelled', async () => {
    const transport = await open(box, kind);
    const service = createServer((socket) => socket.end('hello from the box'));
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const localPort = (free.address() as AddressInfo).port;
    const remotePort = (service.address() as AddressInfo).port;
    await expect(transport.forward({ localPort, remotePort })).rejects.toMatchObject({ code: 'environment' });
    await new Promise((resolve) => free.close(resolve));
    const { cancel } = await transport.forward({ localPort, remotePort });
    expect(await readAll(localPort)).toBe('hello from the box');
    await cancel();
    await expect(readAll(localPort)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    service.close();
  });

  it.each([true, false])(
    'lets the agent be used from the box only when asked to: %s',
    async (forwardAgent) => {
      const socket = path.join(tempDir('agent'), 's');
      const agent = await run(['ssh-agent', '-a', socket]);
      try {
        const env = { ...box.env, SSH_AUTH_SOCK: socket };
        await run(['ssh-add', `${box.dir}/id`], { env });
        const withAgent = await newBox({ client: [`IdentityAgent ${socket}`] });
        const transport = await open(withAgent, kind, { forwardAgent });
        for (let i = 0; i < 2; i += 1) {
          const { stdout } = await transport.run({ script: 'ssh-add -l || true' });
          expect(stdout.toString().includes('ED25519')).toBe(forwardAgent);
        }
        const refusing = await newBox({
          client: [`IdentityAgent ${socket}`],
          server: ['AllowAgentForwarding no'],
        });
        const other = await open(refusing, kind, { forwardAgent });
        expect((await other.run({ script: 'echo on' })).stdout.toString()).toBe('on\n');
      } finally {
        sendSignal(Number(/SSH_AGENT_PID=(\d+)/.exec(agent.stdout)?.[1]), 'SIGTERM');
      }
    },
  );

  it('can be used again after it was closed', async () => {
    const transport = await open(box, kind);
    await transport.run({ script: 'true' });
    await transport.close();
    expect((await transport.run({ script: 'echo on' })).stdout.toString()).toBe('on\n');
  });
});

function readAll(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(port, '127.0.0.1')
      .on('data', (chunk: Buffer) => (text += chunk.toString()))
      .on('error', reject)
      .on('close', () => resolve(text));
  });
}

describe.each(['openssh', 'node-ssh'] as const)('a fault under %s', (kind) => {
  const knownHosts = (box: Box): string => path.join(box.dir, 'known_hosts');

  it.each(['fin', 'rst'] as const)(
    'a link cut by %s while a script runs: lost, and made again',
    async (how) => {
      const box = await newBox();
      const transport = await open(box, kind);
      let out = '';
      const running = transport.run({
        script: 'echo ready; sleep 60',
        onStdout: (chunk) => void (out += chunk.toString()),
      });
      await until('the script began', () => out.includes('ready'));
      box.proxy?.cut(how);
      await expect(running).rejects.toMatchObject({ code: 'lost' });
      expect((await transport.run({ script: 'echo on' })).stdout.toString()).toBe('on\n');
    },
  );

  it('a link cut while a script runs that may be repeated: it is', async () => {
    const box = await newBox();
    const transport = await open(box, kind);
    let out = '';
    const running = transport.run({
      script: 'echo ready; if [ -e again ]; then exit 9; fi; touch again; sleep 60',
      repeatable: true,
      onStdout: (chunk) => void (out += chunk.toString()),
    });
    await until('the script began', () => existsSync(path.join(box.home, 'again')) && out.includes('ready'));
    box.proxy?.cut('rst');
    expect((await running).code).toBe(9);
  });

  it('a kept link that is dead: made again, the script runs once', async () => {
    const box = await newBox();
    const transport = await open(box, kind);
    await transport.run({ script: 'true' });
    box.proxy?.cut('rst');
    await until('the session is over', () => /Connection (?:closed|reset)|disconnect/i.test(box.log()));
    const result = await transport.run({ script: 'echo x >>count; cat count' });
    expect(result.stdout.toString()).toBe('x\n');
  });

  it('a frozen link: lost after three signs of life without an answer', async () => {
    const box = await newBox();
    const transport = await open(box, kind);
    let out = '';
    const running = transport.run({
      script: 'echo ready; sleep 60',
      onStdout: (chunk) => void (out += chunk.toString()),
    });
    await until('the script began', () => out.includes('ready'));
    box.proxy?.freeze();
    await expect(running).rejects.toMatchObject({ code: 'lost' });
    box.proxy?.thaw();
    expect((await transport.run({ script: 'echo on' })).stdout.toString()).toBe('on\n');
  });

  it('an unknown host key: refused with its fingerprint, accepted when told to, then known', async () => {
    const box = await newBox();
    writeFileSync(knownHosts(box), '');
    const refused = await open(box, kind);
    const error: unknown = await refused.run({ script: 'true' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'hostkey-unknown',
      message: expect.stringMatching(/ssh-ed25519 SHA256:\S+\); nothing was sent$/) as string,
    });
    if (kind === 'openssh')
      expect(error).toMatchObject({
        hint: expect.stringContaining(`ssh -F ${box.env['DEVENV_SSH_CONFIG']} ${box.host} once`),
      });
    expect(readFileSync(knownHosts(box), 'utf8')).toBe('');
    expect(logins(box)).toBe(0);
    const accepting = await open(box, kind, { acceptNewHostKey: true });
    await accepting.run({ script: 'true' });
    const [, ...key] = readFileSync(path.join(box.dir, 'host.pub'), 'utf8').trim().split(' ').toReversed();
    expect(readFileSync(knownHosts(box), 'utf8')).toBe(`${box.host} ${key.toReversed().join(' ')}\n`);
    await accepting.close({ forget: true });
    await (await open(box, kind)).run({ script: 'true' });
  });

  it.each(['changed', 'revoked'] as const)('a host key that is %s: refused, nothing sent', async (how) => {
    const box = await newBox();
    const [type = '', key = ''] = readFileSync(path.join(box.dir, 'host.pub'), 'utf8').split(' ');
    const other = readFileSync(path.join(box.dir, 'id.pub'), 'utf8').split(' ')[1] ?? '';
    const lines =
      how === 'changed'
        ? `${box.host} ${type} ${other}\n`
        : `@revoked * ${type} ${key}\n${box.host} ${type} ${key}\n`;
    writeFileSync(knownHosts(box), lines);
    const transport = await open(box, kind, { acceptNewHostKey: true });
    const error: unknown = await transport.run({ script: 'true' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'hostkey-changed',
      message: expect.stringMatching(
        how === 'changed'
          ? new RegExp(
              `it shows ssh-ed25519 SHA256:\\S+, another one stands in ${knownHosts(box)}:1; nothing was sent$`,
            )
          : /is marked as revoked \(ssh-ed25519 SHA256:\S+\); nothing was sent$/,
      ) as string,
    });
    if (how === 'changed')
      expect(error).toMatchObject({
        hint: expect.stringMatching(/ssh-keygen -f \S*known_hosts["']? -R ["']?box-/) as string,
      });
    expect(readFileSync(knownHosts(box), 'utf8')).toBe(lines);
    expect(box.log()).not.toMatch(/Accepted|Failed|userauth/);
  });

  it('a key the box does not take', async () => {
    const box = await newBox();
    writeFileSync(path.join(box.dir, 'authorized_keys'), '');
    const transport = await open(box, kind);
    await expect(transport.run({ script: 'true' })).rejects.toMatchObject({
      code: 'auth',
      message: `${box.host}: not let in (it takes publickey)`,
    });
  });

  it('a box that refuses connections', async () => {
    const box = await newBox();
    await box.proxy?.close();
    const transport = await open(box, kind);
    await expect(transport.run({ script: 'true' })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('the box refuses the connection') as string,
    });
  });

  it('a box that does not answer', async () => {
    const box = await newBox();
    box.proxy?.freeze();
    const transport = await open(box, kind);
    await expect(transport.run({ script: 'true' })).rejects.toMatchObject({
      code: 'timeout',
      message: `${box.host}: no answer in time`,
    });
  });

  it('a box that closes connections at once', async () => {
    const box = await newBox();
    box.proxy?.refuse(true);
    const transport = await open(box, kind);
    await expect(transport.run({ script: 'true' })).rejects.toMatchObject({ code: 'unreachable' });
    box.proxy?.refuse(false);
    expect((await transport.run({ script: 'echo on' })).stdout.toString()).toBe('on\n');
  });

  it('a name that no machine has', async () => {
    const box = await newBox({ client: ['HostName no-such-host.invalid'] });
    const transport = await open(box, kind);
    await expect(transport.run({ script: 'true' })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('no such host') as string,
    });
  });
});

describe('over OpenSSH alone', () => {
  it('one connection is kept for the next program', async () => {
    const box = await newBox({ port: false });
    await (await open(box, 'openssh')).run({ script: 'true' });
    await (await open(box, 'openssh')).run({ script: 'true' });
    expect(logins(box)).toBe(1);
    expect(readdirSync(path.join(box.env['XDG_RUNTIME_DIR'] ?? '', 'devenv'))).toHaveLength(1);
  });
});
