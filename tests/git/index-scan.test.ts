import { truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { scanIndex } from '../../src/git/index-scan.ts';
import { makeRepo, type TestRepo } from '../checkpoint/repo.ts';

const indexOf = (t: TestRepo): string => path.join(t.dir, '.git/index');
const names = (t: TestRepo): string[] | undefined =>
  scanIndex(indexOf(t), 20)?.map((entry) => `${entry.mode} ${entry.oid} ${entry.flags.join()} ${entry.path}`);

async function feed(t: TestRepo, args: readonly string[], lines: readonly string[]): Promise<void> {
  const done = await run(['git', 'update-index', ...args], {
    cwd: t.dir,
    env: t.env,
    input: lines.map((line) => `${line}\n`).join(''),
  });
  expect(done.ok, done.stderr).toBe(true);
}

test('flagged entries of an index that is read in many pieces, in every version', async () => {
  const t = await makeRepo();
  const oid = await t.git('rev-parse', 'HEAD:a.txt');
  const entry = fc.record({
    // So that an entry ends at any place of a piece, and some are nearly as long as one may be.
    length: fc.oneof({ weight: 20, arbitrary: fc.nat(120) }, { weight: 1, arbitrary: fc.nat(4000) }),
    flag: fc.constantFrom('', '', '', 'assume-unchanged', 'skip-worktree'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { minLength: 800, maxLength: 2500 }),
      fc.constantFrom('2', '4'),
      async (entries, version) => {
        await t.git('read-tree', '--empty');
        await t.git('update-index', '--index-version', version);
        const all = entries.map(({ length, flag }, i) => ({ name: `d/${i}-${'x'.repeat(length)}`, flag }));
        await feed(
          t,
          ['--index-info'],
          all.map(({ name }) => `100644 ${oid}\t${name}`),
        );
        for (const flag of ['assume-unchanged', 'skip-worktree'])
          await feed(
            t,
            [`--${flag}`, '--stdin'],
            all.filter((one) => one.flag === flag).map(({ name }) => name),
          );
        const flagged = all
          .filter(({ flag }) => flag !== '')
          .map(({ name, flag }) => `100644 ${oid} ${flag} ${name}`);
        expect(names(t)?.toSorted()).toEqual(flagged.toSorted());
      },
    ),
    { numRuns: 4 },
  );
});

test('one that is split, cut short or no index is left to git', async () => {
  const t = await makeRepo();
  await t.git('update-index', '--skip-worktree', 'src/deep/c.txt');
  for (const version of ['2', '3', '4']) {
    await t.git('update-index', '--index-version', version);
    expect(scanIndex(indexOf(t), 20)?.map((entry) => entry.path)).toEqual(['src/deep/c.txt']);
  }
  await t.git('update-index', '--split-index');
  expect(names(t)).toBeUndefined();
  await t.git('update-index', '--no-split-index');
  truncateSync(indexOf(t), 150);
  expect(names(t)).toBeUndefined();
  writeFileSync(indexOf(t), 'garbage, not an index');
  expect(names(t)).toBeUndefined();
});

test('a name that is longer than a piece is left to git too', async () => {
  const t = await makeRepo();
  const oid = await t.git('rev-parse', 'HEAD:a.txt');
  await t.git('update-index', '--skip-worktree', 'a.txt');
  await feed(t, ['--index-info'], [`100644 ${oid}\t${'n/'.repeat(40_000)}x`]);
  expect(names(t)).toBeUndefined();
  expect((await t.checkpoint()).created).toBe(true);
});
