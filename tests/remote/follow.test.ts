import { spawn } from 'node:child_process';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/index.ts';
import { overlap, resumedLogs } from '../../src/commands/on-host-follow.ts';
import { until } from '../support/until.ts';
import { makePair, type Pair } from './support.ts';

describe('logs -f --host over a link that breaks', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await makePair({ port: true });
    await pair.on('start', '--detach');
  });
  afterAll(() => pair.box.end());

  it('goes on where it was: no line is lost, none is shown twice', async () => {
    const { windows } = JSON.parse((await pair.on('status', '--json')).stdout) as {
      windows: { name: string; port: number | null }[];
    };
    const port = windows.find(({ name }) => name === 'api')?.port;
    const get = (what: string): Promise<Response> => fetch(`http://127.0.0.1:${port}/${what}`);
    const argv = [path.join(packageRoot(), 'bin/devenv.js'), 'logs', 'api', '-f', '--host', pair.box.host];
    const child = spawn(process.execPath, argv, { cwd: pair.project, env: pair.box.env });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    await get('before');
    await until('it is shown', () => out.includes('GET /before'));
    const connections = pair.box.proxy?.connections() ?? 0;
    pair.box.proxy?.refuse(true);
    pair.box.proxy?.cut('rst');
    await until('it says so', () => err.includes('lost; trying again in 1 s'));
    await get('meanwhile');
    pair.box.proxy?.refuse(false);
    await until('a new connection', () => (pair.box.proxy?.connections() ?? 0) > connections);
    await until('what came meanwhile is shown', () => out.includes('GET /meanwhile'));
    await get('after');
    await until('it goes on', () => out.includes('GET /after'));
    for (const what of ['before', 'meanwhile', 'after'])
      expect(out.split(`GET /${what}`), what).toHaveLength(2);
    child.kill('SIGINT');
    // Following ends with Ctrl-C, and that is no failure.
    expect(await ended).toBe(0);
  });

  it('a box that was never reached is no lost link', async () => {
    pair.box.proxy?.refuse(true);
    pair.box.proxy?.cut('rst');
    const result = await pair.on('logs', '-f');
    pair.box.proxy?.refuse(false);
    expect(result.code).toBe(3);
    expect(result.stderr).not.toContain('trying again');
  });
});

describe('what is asked for again', () => {
  it.each([
    ['logs -f', 'logs -f --since 5s'],
    ['logs api -n 20 -f --since 10m', 'logs api -f --since 5s'],
    ['logs -n20 --lines=3 --since=1h -f --grep x', 'logs -f --grep x --since 5s'],
  ])('%s', (given, meant) => {
    expect(resumedLogs(given.split(' '), 5)).toEqual(meant.split(' '));
  });

  it('overlaps as far as it can, and nothing that is new is left out', () => {
    const line = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(line), fc.array(line), fc.nat(8), (before, news, again) => {
        const came = [...before.slice(before.length - Math.min(again, before.length)), ...news];
        const skipped = overlap(before, came);
        expect(came.slice(0, skipped)).toEqual(before.slice(before.length - skipped));
        expect(skipped).toBeGreaterThanOrEqual(Math.min(again, before.length));
      }),
    );
  });
});
