import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { choosePacks, foldPacks, ownDir, releasePacks, startImport } from '../../src/git/index.ts';
import { listCheckpoints, snapshot } from '../../src/checkpoint/index.ts';
import { filesOf, makeRepo, type TestRepo } from '../checkpoint/repo.ts';
import { until } from '../support/until.ts';

const packDir = (t: TestRepo): string => path.join(t.repo.commonDir, 'objects/pack');
/** Packs of ours with a `.keep`, and those that imports wrote. */
const kept = (t: TestRepo): string[] => readdirSync(packDir(t)).filter((name) => name.endsWith('.keep'));
const noted = (t: TestRepo): string[] => {
  const file = path.join(packDir(t), '../info/devenv-packs');
  const names = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  return names.filter((name) => existsSync(path.join(packDir(t), `${name}.pack`)));
};
const looseCount = async (t: TestRepo): Promise<number> =>
  Number(/^count: (\d+)/m.exec(await t.git('count-objects', '-v'))?.[1]);

/** A git that waits for its standard input. */
async function gitAtWork(t: TestRepo, ...args: string[]): Promise<{ end: () => Promise<void> }> {
  const child = spawn('git', args, { cwd: t.dir, env: t.env });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  await until('git at work', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8').startsWith('git'));
  return {
    end: async () => {
      child.kill();
      await ended;
    },
  };
}

describe('choosing the packs that become one', () => {
  test.each<[number[], number]>([
    [[], 0],
    [[5], 0],
    [[1, 1], 2],
    [[1, 1, 1, 1], 4],
    [[1, 1, 1, 1000], 3],
    [[1, 2, 4, 8, 16, 32], 6],
    [[1, 1, 1, 1, 1, 100, 300, 900], 5],
  ])('%j: the first %i', (sizes, count) => {
    expect(choosePacks(sizes.map((bytes) => ({ bytes })))).toHaveLength(count);
  });

  test('folding again and again copies each byte few times, and never leaves many packs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 200, maxLength: 600 }),
        (sizes) => {
          let packs: { bytes: number }[] = [];
          let copied = 0;
          for (const bytes of sizes) {
            packs = [...packs, { bytes }].toSorted((a, b) => a.bytes - b.bytes);
            if (packs.length < 32) continue;
            const chosen = choosePacks(packs);
            const sum = chosen.reduce((total, pack) => total + pack.bytes, 0);
            copied += sum;
            packs = [...packs.slice(chosen.length), { bytes: sum }].toSorted((a, b) => a.bytes - b.bytes);
            expect(packs.length).toBeLessThanOrEqual(17);
          }
          const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
          expect(copied).toBeLessThan(total * 12);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("devenv's own packs", () => {
  test('a checkpoint leaves no loose object for gc --auto to count', async () => {
    const t = await makeRepo();
    const before = await looseCount(t);
    t.write('a.txt', 'changed\n');
    await t.checkpoint();
    expect(await looseCount(t)).toBe(before);
    expect([kept(t).length, noted(t).length]).toEqual([0, 1]);
    expect(readdirSync(ownDir(t.repo))).toEqual([]);
  });

  test.each(['sha1', 'sha256'])('many are folded into few, and nothing is lost (%s)', async (format) => {
    const t = await makeRepo({ init: [`--object-format=${format}`] });
    // Neither may split a pack nor change the form of its index.
    await t.git('config', 'pack.packSizeLimit', '1m');
    await t.git('config', 'pack.indexVersion', '1');
    const states = new Map<string, Record<string, string>>();
    for (let i = 0; i < 36; i++) {
      t.write(`src/new-${i % 5}.txt`, `round ${i}\n`);
      states.set((await t.checkpoint()).tag, filesOf(t.dir));
    }
    expect([kept(t).length, noted(t).length < 20]).toEqual([1, true]);
    expect(readFileSync(path.join(packDir(t), kept(t)[0] ?? ''), 'utf8')).toBe('devenv\n');
    await t.git('gc', '--prune=now', '--quiet');
    await t.git('fsck', '--strict');
    for (const [tag, files] of [...states].filter((_, i) => i % 7 === 0)) {
      await t.rollBack({ target: tag, yes: true });
      expect(filesOf(t.dir)).toEqual(files);
    }
  });

  test('a blob that git relies on is never taken away, though no checkpoint needs it any more', async () => {
    const t = await makeRepo();
    t.write('theirs.txt', 'only in a pack of devenv\n');
    const made = await t.checkpoint();
    // git add finds the object there and writes none of its own.
    await t.git('add', 'theirs.txt');
    await t.git('update-ref', '-d', `refs/devenv/checkpoints/${made.tag}`);
    await t.git('update-ref', '-d', `refs/tags/${made.tag}`);
    t.write('a.txt', 'again\n');
    await t.checkpoint();
    await foldPacks(t.repo);
    expect(kept(t)).toHaveLength(1);
    await t.git('commit', '-q', '-m', 'Theirs');
    await t.git('gc', '--prune=now', '--quiet');
    expect(await t.git('show', 'HEAD:theirs.txt')).toBe('only in a pack of devenv');
    await t.git('fsck', '--strict');
  });

  test('given to git, they are freed by the next gc when nothing needs them', async () => {
    const t = await makeRepo();
    for (let i = 0; i < 3; i++) {
      t.write('a.txt', `unique content number ${i}\n`);
      const { tag } = await t.checkpoint();
      if (i === 0) continue;
      await t.git('update-ref', '-d', `refs/devenv/checkpoints/${tag}`);
      await t.git('update-ref', '-d', `refs/tags/${tag}`);
    }
    const gone = await t.git('hash-object', 'a.txt');
    await foldPacks(t.repo, (sorted) => sorted);
    await t.git('gc', '--prune=now', '--quiet');
    expect(await t.git('cat-file', '-t', gone)).toBe('blob');
    await releasePacks(t.repo);
    expect(kept(t)).toEqual([]);
    await t.git('gc', '--prune=now', '--quiet');
    await expect(t.git('cat-file', '-t', gone)).rejects.toThrow(/cat-file/);
    await t.rollBack({ target: 'last' });
    expect(t.read('a.txt')).toBe('unique content number 0\n');
  });

  test('[invariant 28] repack, gc and prune of the user all through checkpoints and folds lose nothing', async () => {
    const t = await makeRepo();
    const stop = new AbortController();
    const user = async (): Promise<void> => {
      for (let n = 0; !stop.signal.aborted; n++) {
        if (n % 3 === 0) await t.git('repack', '-a', '-d', '-q');
        else if (n % 3 === 1) await t.git('gc', '--prune=now', '--quiet');
        else await t.git('prune', '--expire=now');
      }
    };
    const ended = user();
    const states = new Map<string, string>();
    try {
      for (let i = 0; i < 40; i++) {
        t.write('a.txt', `state ${i}\n`);
        states.set((await t.checkpoint()).commit, `state ${i}`);
        if (i % 5 === 4) await foldPacks(t.repo, (sorted) => sorted);
      }
    } finally {
      stop.abort();
    }
    await ended;
    await t.git('fsck', '--strict');
    for (const [commit, text] of states) expect(await t.git('show', `${commit}:a.txt`)).toBe(text);
  });

  test('[invariant 30] nothing is folded while a git looks through all packs', async () => {
    const t = await makeRepo();
    for (let i = 0; i < 3; i++) {
      t.write('a.txt', `${i}\n`);
      await t.checkpoint();
    }
    const before = readdirSync(packDir(t));
    // Waits for its standard input.
    const repack = await gitAtWork(t, 'pack-objects', '--stdout');
    await foldPacks(t.repo, (sorted) => sorted);
    expect(readdirSync(packDir(t))).toEqual(before);
    await repack.end();
    writeFileSync(path.join(t.repo.commonDir, 'gc.pid'), `${process.pid} some-host`);
    await foldPacks(t.repo, (sorted) => sorted);
    expect(readdirSync(packDir(t))).toEqual(before);
    rmSync(path.join(t.repo.commonDir, 'gc.pid'));
    await foldPacks(t.repo, (sorted) => sorted);
    expect([kept(t).length, noted(t).length]).toEqual([1, 0]);
  });

  test("a foreign .keep is left alone, and where git's own maintenance works nothing is kept", async () => {
    const t = await makeRepo();
    await t.git('repack', '-ad', '-q');
    const theirs = readdirSync(packDir(t)).find((name) => name.endsWith('.pack')) ?? '';
    writeFileSync(path.join(packDir(t), theirs.replace('.pack', '.keep')), 'mine\n');
    for (let i = 0; i < 3; i++) {
      t.write('a.txt', `${i}\n`);
      await t.checkpoint();
    }
    await foldPacks(t.repo, (sorted) => sorted);
    expect(kept(t)).toHaveLength(2);
    expect(existsSync(path.join(packDir(t), theirs))).toBe(true);
    expect(readFileSync(path.join(packDir(t), theirs.replace('.pack', '.keep')), 'utf8')).toBe('mine\n');

    await t.git('multi-pack-index', 'write');
    t.write('a.txt', 'under maintenance\n');
    await t.checkpoint();
    expect([kept(t).length, noted(t).length]).toEqual([2, 0]);
    await t.git('fsck', '--strict');
  });
});

describe('[invariant 25] the litter of a killed import', () => {
  test('is cleared away by the next one, and nothing else is', async () => {
    const t = await makeRepo();
    const foreign = path.join(packDir(t), 'tmp_pack_theirs');
    writeFileSync(foreign, 'a fetch of long ago');
    const dead = spawn('true');
    await new Promise((resolve) => dead.on('exit', resolve));
    const record = path.join(ownDir(t.repo), `import-${dead.pid}-00000000`);
    await until('a record that is younger', () => {
      rmSync(record, { force: true });
      writeFileSync(record, `git ${dead.pid}\n`);
      return statSync(record).birthtimeMs > statSync(foreign).birthtimeMs;
    });
    const half = path.join(packDir(t), 'tmp_pack_ours');
    writeFileSync(half, 'half a pack');
    const report = path.join(t.repo.gitDir, `fast_import_crash_${dead.pid}`);
    writeFileSync(report, 'fast-import crash report:\n');
    utimesSync(half, new Date(), new Date());
    t.write('a.txt', 'after\n');
    await t.checkpoint();
    expect([half, record, report, foreign].map((file) => existsSync(file))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    rmSync(foreign);
  });

  test('the pack that git at work here has closed already is left to it', async () => {
    const t = await makeRepo();
    const dead = spawn('true');
    await new Promise((resolve) => dead.on('exit', resolve));
    writeFileSync(path.join(ownDir(t.repo), `import-${dead.pid}-00000000`), `git ${dead.pid}\n`);
    const closed = path.join(packDir(t), 'tmp_pack_closed');
    const keep = path.join(packDir(t), 'pack-0000000000000000000000000000000000000000.keep');
    writeFileSync(closed, 'a pack whose index is being written');
    writeFileSync(keep, 'fast-import');
    const repack = await gitAtWork(t, 'pack-objects', '--stdout');
    await listCheckpoints(t.repo);
    expect([closed, keep].map((file) => existsSync(file))).toEqual([true, true]);
    await repack.end();
    await listCheckpoints(t.repo);
    expect([closed, keep].map((file) => existsSync(file))).toEqual([false, false]);
    expect(readdirSync(ownDir(t.repo))).toEqual([]);
  });

  test('a living import is left alone by another one', async () => {
    const t = await makeRepo();
    const stream = startImport(t.repo);
    await stream.write('blob\nmark :1\ndata 3\none\nget-mark :1\n');
    await stream.line();
    t.write('a.txt', 'meanwhile\n');
    await t.checkpoint();
    await stream.write('reset refs/devenv/checkpoints/x\n');
    await stream.finish();
    expect(readdirSync(ownDir(t.repo))).toEqual([]);
    await t.git('fsck', '--strict');
  });
});

test('[invariant 29] many snapshots of one work tree at once: each is whole, none fails', async () => {
  const t = await makeRepo();
  for (let round = 0; round < 5; round++) {
    t.write('a.txt', `round ${round}\n`);
    const all = await Promise.all(
      Array.from({ length: 6 }, () => snapshot(t.repo, { now: Date.now(), purpose: 'test' })),
    );
    expect(new Set(all.map(({ tree }) => tree)).size).toBe(1);
    for (const { commit } of all) expect(await t.git('show', `${commit}:a.txt`)).toBe(`round ${round}`);
  }
  await t.git('fsck', '--strict');
});
