import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import net, { type AddressInfo, type Server } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProbeConfig } from '../../src/config/index.ts';
import { linesOfThisRun } from '../../src/session/probes/log.ts';
import { checkProbe, type ProbeContext } from '../../src/session/probes/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  return typeof address === 'object' ? ((address satisfies AddressInfo | null)?.port ?? 0) : 0;
}

const web = (answer: RequestListener, host?: string): Promise<number> => listen(createServer(answer), host);
const dir = tempDir('probes');
const look = (config: ProbeConfig, rest: Partial<ProbeContext> = {}) =>
  checkProbe(config, { env: testEnv(), cwd: dir, limitMs: 500, logFile: undefined, logFrom: 0, ...rest });
const http = (url: string) => look({ kind: 'http', url, timeoutMs: 1000 });

describe('http', () => {
  it.each([
    [200, true],
    [204, true],
    [302, true],
    [404, false],
    [500, false],
    [503, false],
  ])('%i is ready: %s', async (status, ok) => {
    const port = await web((_req, res) => res.writeHead(status).end('x'.repeat(100_000)));
    expect(await http(`http://localhost:${port}/health?a=b`)).toMatchObject({
      ok,
      detail: `http://localhost:${port}/health?a=b answered ${status}`,
    });
  });

  it('asks as any client does', async () => {
    let asked = '';
    const port = await web((req, res) => {
      asked = `${req.method} ${req.url} ${req.headers.host}`;
      res.end();
    });
    await http(`http://127.0.0.1:${port}/a%20b?c#d`);
    expect(asked).toBe(`GET /a%20b?c 127.0.0.1:${port}`);
  });

  it('finds a server of either family behind localhost', async () => {
    const port = await web((_req, res) => res.end(), '::1').catch(() => undefined);
    if (port === undefined) return; // a machine without IPv6
    expect(await http(`http://localhost:${port}`)).toMatchObject({ ok: true });
    expect(await http(`http://[::1]:${port}`)).toMatchObject({ ok: true });
  });

  it('is not fooled by silence, other protocols and closed doors', async () => {
    const silent = await listen(net.createServer((socket) => socket.resume()));
    expect(
      await look({ kind: 'http', url: `http://localhost:${silent}`, timeoutMs: 1 }, { limitMs: 50 }),
    ).toMatchObject({ ok: false, detail: expect.stringMatching(/does not answer/) as unknown });
    const other = await listen(net.createServer((socket) => socket.resume().end('SSH-2.0-x\r\n')));
    expect(await http(`http://localhost:${other}`)).toMatchObject({ ok: false });
    expect(await http('http://localhost:1/')).toEqual({ ok: false, detail: 'nothing listens on port 1' });
  });
});

describe('tcp', () => {
  it('is ready when something listens', async () => {
    const port = await listen(net.createServer((socket) => socket.resume()));
    expect(await look({ kind: 'tcp', host: 'localhost', port, timeoutMs: 1 })).toMatchObject({ ok: true });
    expect(await look({ kind: 'tcp', host: 'localhost', port: 1, timeoutMs: 1 })).toEqual({
      ok: false,
      detail: 'nothing listens on port 1',
    });
  });
});

describe('command', () => {
  it('is ready with status 0', async () => {
    const command = (text: string) => look({ kind: 'command', command: text, timeoutMs: 1 });
    expect(await command('true')).toMatchObject({ ok: true });
    expect(await command('exit 3')).toEqual({ ok: false, detail: 'exit 3 exited with status 3' });
    expect(await look({ kind: 'command', command: 'sleep 5', timeoutMs: 1 }, { limitMs: 50 })).toEqual({
      ok: false,
      detail: 'sleep 5 takes too long',
    });
  });
});

describe('log', () => {
  const stamp = '2026-11-20T19:01:02.345Z ';
  const file = path.join(dir, 'api.log');
  const log = (pattern: string, from = 0) =>
    look({ kind: 'log', pattern, timeoutMs: 1 }, { logFile: file, logFrom: from });

  it('reads this start only, without stamps and colours', async () => {
    const before = `${stamp}listening\n`;
    writeFileSync(file, `${before}${stamp}\u001B[32mready\u001B[0m on 1\n`);
    expect(await log('^ready on \\d+$', before.length)).toMatchObject({ ok: true });
    expect(await log('listening', before.length)).toMatchObject({ ok: false });
    expect(await log('listening')).toMatchObject({ ok: true });
  });

  it('reads a rotated file from its beginning', async () => {
    writeFileSync(file, `${stamp}ready\n`);
    expect(await log('ready', 10_000)).toMatchObject({ ok: true });
  });

  it('has nothing to say without a file', async () => {
    expect(
      await look({ kind: 'log', pattern: 'x', timeoutMs: 1 }, { logFile: path.join(dir, 'none') }),
    ).toEqual({ ok: false, detail: 'no output yet' });
  });

  it.each([
    ['no restart', ['a', 'b'], ['a', 'b']],
    [
      'restarted by policy',
      ['a', '[devenv] api exited with status 1 after 0.0s; restarts in 1s (1 of 5)', 'b'],
      ['b'],
    ],
    ['restarted by hand', ['a', '[devenv] api stopped. Enter starts it; Ctrl-C opens a shell', 'b'], ['b']],
    [
      'somebody else says so',
      ['a', 'x [devenv] api; restarts in 1s', 'b'],
      ['a', 'x [devenv] api; restarts in 1s', 'b'],
    ],
  ])('%s', (_what, lines, expected) => {
    expect(linesOfThisRun(lines.map((line) => stamp + line).join('\n'))).toEqual(expected);
  });
});
