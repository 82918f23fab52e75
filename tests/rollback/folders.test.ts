import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { blobId } from '../../src/checkpoint/index.ts';
import { applySteps, ChangedMeanwhile } from '../../src/rollback/apply.ts';
import { openFolders } from '../../src/rollback/folders.ts';
import { makeStage } from '../../src/rollback/stage.ts';
import { lookAt } from '../../src/rollback/swap.ts';
import { filesOf, makeRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

/** Puts a link to another folder in the place of `src` and takes it away again, as fast as it can. */
const swapper = `
  const { renameSync, rmSync, symlinkSync, unlinkSync } = require('node:fs');
  const { workerData: { dir, outside, shared } } = require('node:worker_threads');
  const count = new Int32Array(shared);
  // Where the folder is missing for a moment, a new one may be made: that one goes.
  const insist = (act) => {
    for (;;) {
      try {
        return act();
      } catch {
        try {
          rmSync(dir + '/src', { recursive: true, force: true });
        } catch {}
      }
    }
  };
  while (Atomics.load(count, 1) === 0) {
    renameSync(dir + '/src', dir + '/real');
    insist(() => symlinkSync(outside, dir + '/src'));
    Atomics.add(count, 0, 1);
    unlinkSync(dir + '/src');
    insist(() => renameSync(dir + '/real', dir + '/src'));
  }`;

test('[invariant 19] a link put in the place of a folder while files are written leads nowhere', async () => {
  const t = await makeRepo({ files: { a: 'a\n', 'src/old/0': 'old\n' } });
  const outside = tempDir('outside');
  for (let n = 0; n < 30; n++) {
    mkdirSync(path.join(outside, `gone-${n}`));
    mkdirSync(path.join(outside, 'old'), { recursive: true });
    writeFileSync(path.join(outside, 'old', String(n)), 'not yours\n');
  }
  const before = [filesOf(outside), readdirSync(outside)];
  const shared = new SharedArrayBuffer(8);
  const count = new Int32Array(shared);
  const worker = new Worker(swapper, { eval: true, workerData: { dir: t.dir, outside, shared } });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const seen = new Set<string>();
  try {
    await until('the first swap', () => Atomics.load(count, 0) > 0);
    for (let round = 0; round < 80; round++) {
      const stage = makeStage(t.repo);
      const steps = Array.from({ length: 30 }, (_, n) => {
        writeFileSync(path.join(stage, String(n)), 'then\n');
        const oid = blobId(Buffer.from('then\n'), t.repo.objectFormat);
        // Into new folders, and (as others believe) deleting what lies in one.
        return n % 3 === 0
          ? { path: `src/gone-${n}/x`, before: { mode: '100644', oid }, after: null, staged: '', blob: null }
          : {
              path: `src/r${round}/d${n}/f`,
              before: null,
              after: { mode: '100644', oid },
              staged: oid,
              blob: null,
            };
      });
      try {
        applySteps(
          t.repo,
          { stage, present: 'from', target: 'to' },
          steps,
          steps.map(() => null),
          () => {},
        );
        seen.add('done');
      } catch (error) {
        expect(error).toBeInstanceOf(ChangedMeanwhile);
        seen.add('stopped');
      }
    }
  } finally {
    Atomics.store(count, 1, 1);
    await ended;
  }
  expect([filesOf(outside), readdirSync(outside)]).toEqual(before);
  expect(seen).toContain('stopped');
}, 60_000);

test('[invariant 19] the way to a file goes through real folders only', async () => {
  const t = await makeRepo({ files: { 'src/deep/a': 'a\n', file: 'f\n' } });
  const outside = tempDir('outside');
  symlinkSync(outside, path.join(t.dir, 'link'));
  using folders = openFolders(t.repo);
  const reach = (file: string): boolean => folders.reach(file) !== undefined;
  expect(['file', 'src/deep/a', 'src/deep/new'].map(reach)).toEqual([true, true, true]);
  expect(['link/x', 'file/x', 'missing/x', 'src/deep/a/x'].map(reach)).toEqual([false, false, false, false]);
  expect([folders.make('link/x', {}), folders.make('file/x', {}), folders.make('src/new/er', {})]).toEqual([
    false,
    false,
    true,
  ]);
  expect(readdirSync(outside)).toEqual([]);
  // Held, then moved away: another folder of that name is another folder.
  expect(lookAt(folders.reach('src/deep/a') ?? '')?.size).toBe(2n);
  renameSync(path.join(t.dir, 'src/deep'), path.join(t.dir, 'moved'));
  expect(reach('src/deep/a')).toBe(false);
  t.write('src/deep/a', 'longer\n');
  expect(lookAt(folders.reach('src/deep/a') ?? '')?.size).toBe(7n);
});
