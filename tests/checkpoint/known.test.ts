import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { listCheckpoints } from '../../src/checkpoint/index.ts';
import { readKnown } from '../../src/checkpoint/known.ts';
import { readCheckpoints } from '../../src/checkpoint/list.ts';
import { checkpointRefs } from '../../src/checkpoint/names.ts';
import { openRepo, looseState, readLooseRefs } from '../../src/git/index.ts';
import { tempDir } from '../support/temp.ts';
import { makeRepo, withGitShim, type TestRepo } from './repo.ts';

const start = Date.parse('2026-03-01T12:00:00Z');
const folder = (t: TestRepo): string => path.join(t.dir, '.git', checkpointRefs);
const cacheFile = (t: TestRepo): string => {
  const dir = path.join(String(t.env['XDG_STATE_HOME']), 'devenv/checkpoints');
  return path.join(dir, readdirSync(dir).find((name) => name.endsWith('.list.v2.json')) ?? 'none');
};

/** Makes everything look old enough to be recognized again. */
function age(t: TestRepo): void {
  const names = existsSync(folder(t)) ? readdirSync(folder(t)).map((name) => folder(t) + name) : [];
  const files = [...names, folder(t), path.join(t.dir, '.git/packed-refs')];
  const hourAgo = Date.now() / 1000 - 3600;
  for (const file of files) if (existsSync(file)) utimesSync(file, hourAgo, hourAgo);
}

/** Three checkpoints, and the ids of their commits. */
async function three(): Promise<{ t: TestRepo; ids: string[] }> {
  const t = await makeRepo();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    t.write('a.txt', `${i}\n`);
    const made = await t.checkpoint({ now: start + i * 1000, message: `Nr ${i} – “ä😀”`, suites: ['unit'] });
    ids.push(made.commit);
  }
  return { t, ids };
}

const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), name: fc.nat(5), id: fc.nat(2) }),
  fc.record({ do: fc.constant('delete' as const), name: fc.nat(5) }),
  fc.record({ do: fc.constantFrom('age', 'pack', 'look', 'gc') }),
);

test('what is remembered is what git says, whatever happens to the refs', async () => {
  const { t, ids } = await three();
  const git = (...args: string[]) => t.git('-c', 'gc.auto=0', ...args);
  const ref = (n: number): string => `${checkpointRefs}checkpoint-20260401-12000${n}`;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      for (const one of steps) {
        if (one.do === 'set' && 'id' in one) await git('update-ref', ref(one.name), ids[one.id] ?? '');
        else if (one.do === 'delete' && 'name' in one) await git('update-ref', '-d', ref(one.name));
        else if (one.do === 'pack') await git('pack-refs', '--all');
        else if (one.do === 'gc') await git('gc', '-q', '--prune=now');
        else if (one.do === 'age') age(t);
        const repo = await openRepo({ cwd: t.dir, env: t.env });
        expect((await readKnown(repo))?.drafts).toEqual(await readCheckpoints(repo, [checkpointRefs]));
      }
    }),
    { numRuns: 8 },
  );
});

test('a list that is known asks git nothing; a new one asks for that one alone', async () => {
  const { t } = await three();
  const log = path.join(tempDir('log'), 'calls');
  const env = await withGitShim(t.env, `printf '%s\\n' "$*" >> ${log}`);
  const calls = (): string[] => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
  const repo = await openRepo({ cwd: t.dir, env });
  await vi.waitUntil(() => looseState(repo, checkpointRefs) !== '', { timeout: 20_000, interval: 100 });
  const first = await listCheckpoints(repo);
  rmSync(log, { force: true });
  expect(await listCheckpoints(repo)).toEqual(first);
  expect(calls()).toEqual([]);
  t.write('a.txt', 'new\n');
  const { tag } = await t.checkpoint({ now: start + 9000 });
  expect((await listCheckpoints(repo)).map((one) => one.tag)).toEqual([tag, ...first.map((one) => one.tag)]);
  expect(calls().filter((call) => call.includes('for-each-ref'))).toEqual([]);
  expect(calls().filter((call) => call.includes('cat-file'))).toHaveLength(1);
});

test('what was just written is not recognized by its file: another write may look the same', async () => {
  const { t } = await three();
  const seen = (): string[] =>
    [...(readLooseRefs(t.repo, checkpointRefs, () => undefined) ?? [])].map(([, { file }]) => file);
  age(t);
  expect(looseState(t.repo, checkpointRefs)).not.toBe('');
  expect(seen()).toEqual([
    expect.stringMatching(/./),
    expect.stringMatching(/./),
    expect.stringMatching(/./),
  ]);
  const now = new Date();
  for (const name of readdirSync(folder(t))) utimesSync(folder(t) + name, now, now);
  utimesSync(folder(t), now, now);
  expect(looseState(t.repo, checkpointRefs)).toBe('');
  expect(seen()).toEqual(['young', 'young', 'young']);
});

test('a checkpoint whose commit is gone is not listed from memory', async () => {
  const { t } = await three();
  await t.git('gc', '-q');
  expect(await listCheckpoints(t.repo)).toHaveLength(3);
  const pack = path.join(t.dir, '.git/objects/pack');
  for (const name of readdirSync(pack)) rmSync(path.join(pack, name));
  await expect(listCheckpoints(t.repo)).rejects.toMatchObject({
    message: expect.stringMatching(/missing object [0-9a-f]{40}/),
    hint: expect.stringContaining('devenv doctor'),
  });
});

test('a damaged memory, and what is no checkpoint, is passed over', async () => {
  const { t, ids } = await three();
  const expected = await listCheckpoints(t.repo);
  for (const text of ['', '{"rows":', 'null', '{}']) {
    writeFileSync(cacheFile(t), text);
    expect(await listCheckpoints(t.repo)).toEqual(expected);
  }
  writeFileSync(`${folder(t)}checkpoint-20260401-120000`, '');
  await t.git('update-ref', `${checkpointRefs}checkpoint-20260401-120001`, `${ids[0]}^{tree}`);
  expect(await listCheckpoints(t.repo)).toEqual(expected);
  // Nor does a commit of a year that no Date can say stop anybody.
  const odd = (await t.git('cat-file', '-p', ids[0] ?? '')).replace(/> \d+ /g, '> 99999999999999 ');
  const file = path.join(tempDir('odd'), 'commit');
  writeFileSync(file, `${odd}\n`);
  await t.git('update-ref', `${checkpointRefs}odd`, await t.git('hash-object', '-wt', 'commit', file));
  expect((await listCheckpoints(t.repo)).map(({ tag, at }) => [tag, at])).toContainEqual([
    'odd',
    '+275760-09-13T00:00:00.000Z',
  ]);
  expect((await readKnown(t.repo))?.drafts).toEqual(await readCheckpoints(t.repo, [checkpointRefs]));
  await t.git('update-ref', '-d', `${checkpointRefs}odd`);
  // git lets a broken file hide what is packed under the same name.
  await t.git('pack-refs', '--all');
  mkdirSync(folder(t), { recursive: true });
  writeFileSync(folder(t) + (expected[0]?.tag ?? ''), '');
  expect(await listCheckpoints(t.repo)).toEqual(expected.slice(1));
  rmSync(folder(t) + (expected[0]?.tag ?? ''));
  expect(await listCheckpoints(t.repo)).toEqual(expected);
  // What git had better be asked about: a folder, a symbolic ref.
  await t.git('update-ref', `${checkpointRefs}by/hand`, ids[0] ?? '');
  expect(await readKnown(t.repo)).toBeUndefined();
  expect((await listCheckpoints(t.repo)).map(({ tag }) => tag)).toContain('by/hand');
});
