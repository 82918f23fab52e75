import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cacheDir } from '../../src/base/index.ts';
import { loadProject } from '../../src/config/index.ts';
import { testEnv } from '../support/temp.ts';
import { errorOf, projectOf } from './support.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,6}$/);
const command = fc
  .string({ minLength: 1, maxLength: 20 })
  .filter((text) => /(^|\n)\s*[^#\s]/.test(text) && !/\$\{|\$$/.test(text));
const duration = fc.integer({ min: 1, max: 500 }).map((n) => `${n}s`);
const windowOf = fc.record(
  { command, kind: fc.constantFrom('service', 'tool') },
  { requiredKeys: ['command'] },
);
const config = fc.record(
  {
    name: word,
    env: fc.dictionary(
      fc.stringMatching(/^[A-Z][A-Z0-9_]{0,5}$/),
      fc.oneof(fc.stringMatching(/^[^$\\]{0,9}$/), fc.integer(), fc.boolean()),
    ),
    windows: fc.dictionary(word, fc.oneof(windowOf, fc.constant(null))),
    suites: fc.dictionary(word, fc.record({ command, timeout: duration }, { requiredKeys: ['command'] })),
    checkpoint: fc.record({ every: duration, keep: fc.record({ last: fc.nat(99) }) }, { requiredKeys: [] }),
    watch: fc.record({ debounce: duration, ignore: fc.array(word) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

test('a repeat answered by the cache equals the first answer, places included', async () => {
  const env = testEnv();
  await fc.assert(
    fc.asyncProperty(config, fc.option(config), async (own, local) => {
      const root = projectOf({
        'devenv.yaml': JSON.stringify(own, null, 2),
        ...(local === null ? {} : { 'devenv.local.yaml': JSON.stringify(local) }),
      });
      const missed = await loadProject({ cwd: root, env });
      const hit = await loadProject({ cwd: root, env });
      const uncached = await loadProject({ cwd: root, env: { ...env, XDG_CACHE_HOME: '/dev/null' } });
      expect(JSON.stringify(hit)).toBe(JSON.stringify(missed));
      expect(JSON.stringify(uncached.config)).toBe(JSON.stringify(missed.config));
    }),
    { numRuns: 60 },
  );
});

test('a damaged or unwritable cache changes nothing', async () => {
  const env = testEnv();
  const root = projectOf({ 'devenv.yaml': 'name: x\nlayout: web\n' });
  const first = await loadProject({ cwd: root, env });
  const dir = path.join(cacheDir(env), 'config');
  const entries = readdirSync(dir);
  expect(entries).toHaveLength(2);
  for (const damage of ['', '{', 'null', '{"value":1,"at":2}', '[]']) {
    for (const entry of entries) writeFileSync(path.join(dir, entry), damage);
    expect(JSON.stringify(await loadProject({ cwd: root, env }))).toBe(JSON.stringify(first));
  }
  mkdirSync(path.join(root, 'ro'));
  chmodSync(path.join(root, 'ro'), 0o500);
  const elsewhere = await loadProject({ cwd: root, env: { ...env, XDG_CACHE_HOME: path.join(root, 'ro') } });
  expect(elsewhere.config).toEqual(first.config);
});

test('an edit is seen at once, and a mistake is not cached away', async () => {
  const env = testEnv();
  const root = projectOf({ 'devenv.yaml': 'name: one\n' });
  const load = () => loadProject({ cwd: root, env });
  expect((await load()).config.name).toBe('one');
  writeFileSync(path.join(root, 'devenv.yaml'), 'name: two\n');
  expect((await load()).config.name).toBe('two');
  writeFileSync(path.join(root, 'devenv.yaml'), 'nam: two\n');
  for (let i = 0; i < 2; i += 1) expect((await errorOf(load())).message).toContain('unknown key "nam"');
});

test('the cache does not grow without end', async () => {
  const env = testEnv();
  const root = projectOf({});
  for (let i = 0; i < 230; i += 1) {
    writeFileSync(path.join(root, 'devenv.yaml'), `name: n${i}\nwindows: { a: { command: x } }\n`);
    await loadProject({ cwd: root, env });
  }
  expect(readdirSync(path.join(cacheDir(env), 'config')).length).toBeLessThanOrEqual(201);
});
