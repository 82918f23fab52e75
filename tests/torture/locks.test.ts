import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { snapshot } from '../../src/checkpoint/index.ts';
import { makeRepo, type TestRepo } from '../checkpoint/repo.ts';

/** The lock that a `git` leaves on a ref when it is killed in the middle of writing it. */
function leaveLock(t: TestRepo, ref: string): string {
  const lock = path.join(t.repo.commonDir, `${ref}.lock`);
  mkdirSync(path.dirname(lock), { recursive: true });
  writeFileSync(lock, '');
  return lock;
}

test('[invariant 25] the lock that a killed git left on a ref of our own stops nobody for ever', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  t.write('a.txt', 'edited\n');
  const locks = ['refs/devenv/present/main', 'refs/devenv/undo/1', 'refs/devenv/tested/main'].map((ref) =>
    leaveLock(t, ref),
  );
  await t.rollBack({ target: tag });
  await snapshot(t.repo, { now: Date.now() });
  expect([t.read('a.txt'), locks.filter((lock) => existsSync(lock))]).toEqual(['a\n', []]);
});

test('[invariant 25] the lock of a git that is at work is left to it', async () => {
  const t = await makeRepo();
  const lock = leaveLock(t, 'refs/devenv/tested/main');
  const stop = new AbortController();
  // Waits for its standard input, which stays open.
  const git = run(['git', 'cat-file', '--batch'], {
    cwd: t.dir,
    env: t.env,
    signal: stop.signal,
    feed: (stdin) => new Promise((resolve) => stdin.once('close', resolve)),
  });
  await expect(snapshot(t.repo, { now: Date.now() })).rejects.toMatchObject({ code: 'environment' });
  expect(existsSync(lock)).toBe(true);
  stop.abort();
  await git;
});
