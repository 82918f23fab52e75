import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { run, sendSignal } from '../../src/base/index.ts';
import type { Transport, TransportDeps } from '../../src/remote/index.ts';
import type { Box } from '../support/box.ts';
import { tempDir } from '../support/temp.ts';
import { configured, createTransports } from '../support/transports.ts';

const { newBox, open: openKind, close, end } = createTransports();
afterEach(close);
afterAll(end);

const open = (box: Box, deps: Partial<TransportDeps> = {}, ssh = box.host): Promise<Transport> =>
  openKind(box, 'node-ssh', deps, ssh);

async function echo(box: Box, deps: Partial<TransportDeps> = {}, ssh = box.host): Promise<string> {
  const transport = await open(box, deps, ssh);
  return (await transport.run({ script: 'echo hello' })).stdout.toString().trim();
}

const base = (box: Box): readonly string[] => [
  'IdentitiesOnly yes',
  'IdentityAgent none',
  `IdentityFile ${box.dir}/id`,
  `UserKnownHostsFile ${box.dir}/known_hosts`,
  'GlobalKnownHostsFile /dev/null',
];

const keyOf = (box: Box, name: string): string =>
  readFileSync(path.join(box.dir, `${name}.pub`), 'utf8')
    .split(' ')
    .slice(0, 2)
    .join(' ');

describe('the host key', () => {
  const at = (box: Box): string => `[127.0.0.1]:${box.proxy?.port}`;
  const plainConfig = (box: Box): readonly string[] => [
    `Host ${box.host}`,
    'HostName 127.0.0.1',
    `Port ${box.proxy?.port}`,
    ...base(box),
  ];

  it.each([
    ['by address and port', (box: Box) => `${at(box)} ${keyOf(box, 'host')}`],
    ['by the bare address', (box: Box) => `127.0.0.1 ${keyOf(box, 'host')}`],
    ['by a pattern', (box: Box) => `[127.0.0.*]:* ${keyOf(box, 'host')}`],
    ['beside another name', (box: Box) => `other,${at(box)} ${keyOf(box, 'host')} comment`],
    ['among others', (box: Box) => `${at(box)} ${keyOf(box, 'id')}\n${at(box)} ${keyOf(box, 'host')}`],
  ])('is known %s', async (_, line) => {
    const box = await newBox();
    writeFileSync(path.join(box.dir, 'known_hosts'), `${line(box)}\n`);
    expect(await echo(box, { env: configured(box, plainConfig(box)) })).toBe('hello');
  });

  it('is known by a line that ssh-keygen -H hashed', async () => {
    const box = await newBox();
    const file = path.join(box.dir, 'known_hosts');
    writeFileSync(file, `${at(box)} ${keyOf(box, 'host')}\n`);
    await run(['ssh-keygen', '-H', '-f', file]);
    expect(readFileSync(file, 'utf8')).toMatch(/^\|1\|/);
    expect(await echo(box, { env: configured(box, plainConfig(box)) })).toBe('hello');
  });

  it('of another port says nothing of this one', async () => {
    const box = await newBox();
    writeFileSync(path.join(box.dir, 'known_hosts'), `[127.0.0.1]:1 ${keyOf(box, 'host')}\n`);
    await expect(echo(box, { env: configured(box, plainConfig(box)) })).rejects.toMatchObject({
      code: 'hostkey-unknown',
    });
  });

  it('is written as OpenSSH does: hashed if wanted, after a line that lacks its end', async () => {
    const box = await newBox();
    const file = path.join(box.dir, 'known_hosts');
    writeFileSync(file, `other ${keyOf(box, 'id')}`);
    const env = configured(box, [...plainConfig(box), 'HashKnownHosts yes']);
    const notes: string[] = [];
    expect(await echo(box, { env, acceptNewHostKey: true, note: (line) => notes.push(line) })).toBe('hello');
    expect(notes).toEqual([expect.stringMatching(/its host key ssh-ed25519 SHA256:\S+ is noted in /)]);
    expect((await run(['ssh-keygen', '-F', at(box), '-f', file])).stdout).toContain('found: line 2');
    expect((await run(['ssh', '-F', env['DEVENV_SSH_CONFIG'] ?? '', box.host, 'true'])).ok).toBe(true);
  });

  it('is asked for by the type that is known, where the box has several', async () => {
    const keys = tempDir('keys');
    for (const type of ['rsa', 'ecdsa'])
      await run(['ssh-keygen', '-q', '-t', type, '-N', '', '-f', path.join(keys, type)]);
    const known = (type: string): string =>
      readFileSync(path.join(keys, `${type}.pub`), 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' ');
    const box = await newBox({ server: [`HostKey ${keys}/rsa`] });
    const file = path.join(box.dir, 'known_hosts');
    writeFileSync(file, `${box.host} ${known('rsa')}\n`);
    expect(await echo(box)).toBe('hello');
    // The known type is gone from the box: another one is no proof.
    writeFileSync(file, `${box.host} ${known('ecdsa')}\n`);
    await expect(echo(box, { acceptNewHostKey: true })).rejects.toMatchObject({
      code: 'hostkey-changed',
    });
  });

  it('is not believed when only a certificate authority is known', async () => {
    const box = await newBox();
    writeFileSync(path.join(box.dir, 'known_hosts'), `@cert-authority * ${keyOf(box, 'host')}\n`);
    await expect(echo(box, { acceptNewHostKey: true })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /a certificate authority vouches for its host key .*known_hosts:1/,
      ) as string,
    });
  });

  it('is not believed with StrictHostKeyChecking yes, but is with accept-new', async () => {
    const box = await newBox({ client: ['StrictHostKeyChecking accept-new'] });
    writeFileSync(path.join(box.dir, 'known_hosts'), '');
    expect(await echo(box)).toBe('hello');
    expect(readFileSync(path.join(box.dir, 'known_hosts'), 'utf8')).toContain(box.host);
  });

  it('is checked again when the keys of the connection are renewed', async () => {
    const box = await newBox({ server: ['RekeyLimit 1M'] });
    const bytes = Buffer.alloc(6_000_000, 'x');
    const result = await (await open(box)).run({ script: 'cat', stdin: bytes });
    expect(result.stdout.equals(bytes)).toBe(true);
  });
});

describe('what only OpenSSH can do', () => {
  it.each([
    ['ProxyCommand', 'ProxyCommand nc %h %p', /ProxyCommand nc/],
    ['CertificateFile', 'CertificateFile ~/x-cert.pub', /CertificateFile/],
    ['PKCS11Provider', 'PKCS11Provider /x.so', /PKCS11Provider/],
  ])('is refused by name: %s', async (_, line, why) => {
    const box = await newBox({ client: [line] });
    await expect(echo(box)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(why) as string,
      hint: expect.stringContaining('use OpenSSH for this host') as string,
    });
    expect(box.proxy?.connections()).toBe(0);
  });

  it('a box that only knows post-quantum key exchange', async () => {
    const box = await newBox({ server: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] });
    await expect(echo(box)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('no matching key exchange algorithm') as string,
    });
  });

  it('algorithms that the configuration leaves out are not used', async () => {
    const box = await newBox({ client: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] });
    await expect(echo(box)).rejects.toMatchObject({ code: 'unsupported' });
    const other = await newBox({ client: ['HostKeyAlgorithms rsa-sha2-512'] });
    await expect(echo(other)).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('a key of a security device', async () => {
    const box = await newBox();
    writeFileSync(path.join(box.dir, 'id'), securityKey(), { mode: 0o600 });
    rmSync(path.join(box.dir, 'id.pub'));
    await expect(echo(box)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /id is a key of a security device \(sk-ssh-ed25519@openssh.com\)/,
      ) as string,
    });
  });

  it('a certificate as identity', async () => {
    const box = await newBox();
    await run(['ssh-keygen', '-q', '-s', `${box.dir}/host`, '-I', 'me', '-n', 'root', `${box.dir}/id.pub`]);
    const env = configured(box, [
      `Host ${box.host}`,
      'HostName 127.0.0.1',
      `Port ${box.proxy?.port}`,
      `HostKeyAlias ${box.host}`,
      `IdentityFile ${box.dir}/id-cert.pub`,
      ...base(box).filter((line) => !line.startsWith('IdentityFile')),
    ]);
    await expect(echo(box, { env })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('id-cert.pub is a certificate') as string,
    });
  });
});

/** An unencrypted private key file of a FIDO key, as ssh-keygen -t ed25519-sk writes it. */
function securityKey(): string {
  const text = (value: string | Buffer): Buffer => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const type = 'sk-ssh-ed25519@openssh.com';
  const publicKey = Buffer.concat([text(type), text(Buffer.alloc(32, 1)), text('ssh:')]);
  const secret = Buffer.concat([
    Buffer.alloc(8, 7),
    publicKey,
    Buffer.from([1]),
    text('handle'),
    text(''),
    text(''),
  ]);
  const padded = Buffer.concat([
    secret,
    Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secret.length % 8)) % 8),
  ]);
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    Buffer.from([0, 0, 0, 1]),
    text(publicKey),
    text(padded),
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

describe('keys', () => {
  it('a key file that others can read', async () => {
    const box = await newBox();
    chmodSync(path.join(box.dir, 'id'), 0o644);
    await expect(echo(box)).rejects.toMatchObject({
      code: 'auth',
      message: `${box.host}: the key ${box.dir}/id can be read by others, so ssh does not use it`,
      hint: `chmod 600 ${box.dir}/id`,
    });
  });

  it('an encrypted key when nobody can be asked', async () => {
    const box = await newBox();
    await run(['ssh-keygen', '-p', '-q', '-P', '', '-N', 'secret', '-f', `${box.dir}/id`]);
    await expect(echo(box)).rejects.toMatchObject({
      code: 'auth',
      hint: expect.stringContaining('ssh-add it to an agent') as string,
    });
  });

  it('a key that is not there', async () => {
    const box = await newBox();
    rmSync(path.join(box.dir, 'id'));
    await expect(echo(box)).rejects.toMatchObject({ code: 'auth' });
  });

  it.each([
    ['rsa', []],
    ['ecdsa', ['-b', '384']],
    ['rsa', ['-m', 'PEM']],
  ])('of type %s %j', async (type, more) => {
    const box = await newBox();
    rmSync(path.join(box.dir, 'id'));
    await run(['ssh-keygen', '-q', '-t', type, ...more, '-N', '', '-f', `${box.dir}/id`], { input: 'y\n' });
    writeFileSync(path.join(box.dir, 'authorized_keys'), readFileSync(path.join(box.dir, 'id.pub')));
    expect(await echo(box)).toBe('hello');
  });

  it('of an agent: all of them, or only those named', async () => {
    const box = await newBox();
    const socket = path.join(tempDir('agent'), 's');
    const agent = await run(['ssh-agent', '-a', socket]);
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent.stdout)?.[1]);
    try {
      const env = { ...box.env, SSH_AUTH_SOCK: socket };
      await run(['ssh-add', `${box.dir}/host`, `${box.dir}/id`], { env });
      const lines = (more: readonly string[]): readonly string[] => [
        `Host ${box.host}`,
        'HostName 127.0.0.1',
        `Port ${box.proxy?.port}`,
        `HostKeyAlias ${box.host}`,
        `UserKnownHostsFile ${box.dir}/known_hosts`,
        ...more,
      ];
      const withAgent = (more: readonly string[]): NodeJS.ProcessEnv => ({
        ...configured(box, lines(more)),
        SSH_AUTH_SOCK: socket,
      });
      expect(await echo(box, { env: withAgent(['IdentityFile /nowhere']) })).toBe('hello');
      const other = ['IdentitiesOnly yes', `IdentityFile ${box.dir}/host.pub`];
      await expect(echo(box, { env: withAgent(other) })).rejects.toMatchObject({ code: 'auth' });
      const named = ['IdentitiesOnly yes', `IdentityFile ${box.dir}/id.pub`];
      expect(await echo(box, { env: withAgent(named) })).toBe('hello');
      await expect(
        echo(box, { env: withAgent(['IdentityAgent none', 'IdentityFile /nowhere']) }),
      ).rejects.toMatchObject({ code: 'auth' });
    } finally {
      sendSignal(pid, 'SIGTERM');
    }
  });

  it('an agent that is gone does not matter where there is a key file', async () => {
    const box = await newBox({ client: ['IdentityAgent /nowhere/agent'] });
    expect(await echo(box)).toBe('hello');
  });
});
