import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  allotPort,
  findFreePort,
  holderOf,
  holdersOf,
  isPortFree,
  listeningInodes,
  preferredPort,
} from '../../src/ports/index.ts';
import { testEnv } from '../support/temp.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((s) => new Promise((resolve) => s.close(resolve))));
});

/** Listens on a port (0: any) of one address; the port. */
function listen(host: string, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    servers.push(server);
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: host === '::1' }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

const hasIpv6 = await listen('::1').then(
  () => true,
  () => false,
);
const hosts = ['127.0.0.1', '0.0.0.0', ...(hasIpv6 ? ['::1', '::'] : [])];

describe('a port is taken by a listener on', () => {
  test.each(hosts)('%s', async (host) => {
    const port = await listen(host);
    expect(await isPortFree(port)).toBe(false);
    expect((await holderOf(port))?.pid).toBe(process.pid);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await isPortFree(port)).toBe(true);
    expect(await holderOf(port)).toBeUndefined();
  });
});

test('the holder of a port is known with its session and window', async () => {
  const script = `const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))`;
  const env = testEnv({
    DEVENV_SESSION_ID: 'id1',
    DEVENV_SESSION: 'shop',
    DEVENV_WINDOW: 'api',
    DEVENV_ROOT: '/shop',
  });
  const child = spawn(process.execPath, ['-e', script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const port = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
    const mine = await listen('127.0.0.1');
    const holders = await holdersOf([port, mine, 1]);
    expect(holders.get(port)).toEqual({
      pid: child.pid,
      command: expect.stringContaining('createServer'),
      sessionId: 'id1',
      session: 'shop',
      window: 'api',
      root: '/shop',
    });
    expect(holders.get(mine)?.pid).toBe(process.pid);
    expect(holders.size).toBe(2);
  } finally {
    child.kill('SIGKILL');
  }
});

test('only listeners count, of both families', () => {
  const row = (local: string, state: string, inode: number): string =>
    `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000  0 ${inode} 1 0000 100 0 0 10 0`;
  const table = [
    row('0100007F:1F90', '0A', 11),
    row('0100007F:1F90', '01', 12),
    row('00000000000000000000000001000000:1F91', '0A', 13),
    row('0100007F:1F92', '0A', 14),
    row('0100007F:1F90', '06', 0),
    '',
  ];
  expect([...listeningInodes(table, [8080, 8081])]).toEqual([
    ['11', 8080],
    ['13', 8081],
  ]);
});

test('the next free port skips taken ones, and there may be none', async () => {
  const port = await listen('127.0.0.1');
  const next = await findFreePort(port);
  expect(next).toBeGreaterThan(port);
  expect(await findFreePort(next ?? 0, new Set([next ?? 0]))).toBeGreaterThan(next ?? 0);
  expect(await findFreePort(65_536)).toBeUndefined();
});

describe('a port for `auto`', () => {
  const taken = new Set<number>();

  test('is always the same for a window, and another for another', async () => {
    expect(preferredPort('p1', 'api')).toBe(preferredPort('p1', 'api'));
    const ports = ['p1', 'p2'].flatMap((id) => ['api', 'ui', 'db'].map((w) => preferredPort(id, w)));
    expect(new Set(ports).size).toBe(6);
    expect(ports.every((port) => port >= 20_000 && port < 30_000)).toBe(true);
  });

  test('is the remembered one, unless it is taken by somebody else', async () => {
    const input = { projectId: 'p', window: 'api', taken };
    const free = (await findFreePort(21_000)) ?? 0;
    expect(await allotPort({ ...input, remembered: free })).toBe(free);
    const busy = await listen('127.0.0.1');
    expect(await allotPort({ ...input, remembered: busy, isOurs: () => true })).toBe(busy);
    const other = await allotPort({ ...input, remembered: busy });
    expect(other).not.toBe(busy);
    expect(other).toBeGreaterThanOrEqual(preferredPort('p', 'api'));
    expect(await allotPort({ ...input, taken: new Set([other ?? 0]) })).not.toBe(other);
  });
});
