import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  checkpointNames,
  findLitter,
  lastGood,
  listTrash,
  pinCheckpoint,
  prune,
  resolveCheckpoint,
  restoreTrashed,
  unpinCheckpoint,
  type Created,
  type Pruned,
  type PruneInput,
} from '../../src/checkpoint/index.ts';
import { isAlive } from '../../src/base/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { keepDefaults } from '../support/keep.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { makeRepo, openTestRepo, type TestRepo } from './repo.ts';
import { program } from '../support/programs.ts';

const day = 86_400_000;
const now = Date.now();

/** One checkpoint for each age in days, oldest first; all of one day lie in one hour. */
async function aged(t: TestRepo, days: readonly number[], input: Parameters<TestRepo['checkpoint']>[0] = {}) {
  const made: Created[] = [];
  for (const [n, age] of days.entries()) {
    t.write('a.txt', `state ${n} of ${age} days ago\n`);
    const hour = Math.floor((now - age * day) / 3_600_000) * 3_600_000;
    made.push(await t.checkpoint({ now: hour + n * 1000, verdict: 'passed', ...input }));
  }
  return made;
}

const pruneAt = (t: TestRepo, input: Partial<PruneInput> = {}): Promise<Pruned> =>
  prune(t.repo, { now, keep: keepDefaults, tags: 'all', ...input });
const dropped = ({ drop }: Pruned): string[] => drop.map(({ checkpoint }) => checkpoint.tag);
const refs = async (t: TestRepo, ...patterns: string[]): Promise<string[]> =>
  (await t.git('for-each-ref', '--format=%(refname)', ...patterns)).split('\n').filter(Boolean);

test('[invariant 38] what no rule keeps goes to the trash in one step, comes back, or is gone after a week', async () => {
  const t = await makeRepo();
  const [tried, first, second, third, newest] = await aged(t, [3, 3, 3, 3, 0]);
  const plan = await pruneAt(t, { dryRun: true });
  expect(dropped(plan)).toEqual([second?.tag, first?.tag, tried?.tag]);
  expect(await checkpointNames(t.repo)).toHaveLength(5);
  expect(dropped(await pruneAt(t))).toEqual(dropped(plan));
  expect(await checkpointNames(t.repo)).toEqual([newest?.tag, third?.tag]);
  expect(await refs(t, 'refs/tags')).toEqual([`refs/tags/${third?.tag}`, `refs/tags/${newest?.tag}`]);
  const seconds = Math.floor(now / 1000);
  expect(await refs(t, 'refs/devenv/trash')).toEqual(
    [tried, first, second].map((one) => `refs/devenv/trash/${seconds}/checkpoints/${one?.tag}`),
  );
  expect((await listTrash(t.repo)).map(({ name, at }) => [name, at])).toEqual([
    [second?.tag, seconds * 1000],
    [first?.tag, seconds * 1000],
    [tried?.tag, seconds * 1000],
  ]);

  // [invariant 28] Whatever git tidies up, one in the trash can be rolled back to, by its whole name.
  await t.git('gc', '-q', '--prune=now');
  await t.rollBack({ target: tried?.tag ?? '' });
  expect(t.read('a.txt')).toBe('state 0 of 3 days ago\n');
  await t.undo();
  // Not by a part of it, even where a live one would no longer fit.
  expect(await resolveCheckpoint(t.repo, first?.tag.slice(0, -1))).toMatchObject({ tag: third?.tag });

  const back = await restoreTrashed(t.repo, second?.tag ?? '', 'all');
  expect(back.commit).toBe(second?.commit);
  // It is pinned, so that it stays.
  expect(dropped(await pruneAt(t, { now: now + day }))).toEqual([]);
  expect(await checkpointNames(t.repo)).toContain(second?.tag);
  expect(await refs(t, `refs/tags/${second?.tag}`)).toHaveLength(1);

  await pruneAt(t, { now: now + 7 * day - 2000 });
  expect(await refs(t, 'refs/devenv/trash')).toHaveLength(2);
  const last = await pruneAt(t, { now: now + 7 * day + 2000 });
  expect(last.expired.map(({ name }) => name)).toEqual([first?.tag]);
  // What a rollback put back stays as long as its undo entry.
  expect((await listTrash(t.repo)).map(({ name }) => name)).toEqual([tried?.tag]);
  await t.git('fsck', '--strict');
});

test('[invariant 28] whatever git tidies up between any two steps, what is listed can be restored', async () => {
  const t = await makeRepo();
  const tidy = async (): Promise<void> => {
    for (const args of [
      ['reflog', 'expire', '--expire=now', '--all'],
      ['worktree', 'prune', '--expire=now'],
      ['repack', '-adq'],
      ['prune', '--expire=now'],
      ['gc', '-q', '--prune=now'],
    ])
      await t.git(...args);
    for (const name of [
      ...(await checkpointNames(t.repo)),
      ...(await listTrash(t.repo)).map((one) => one.name),
    ]) {
      const { commit } = await resolveCheckpoint(t.repo, name);
      await t.git('rev-list', '--objects', '--quiet', commit);
    }
  };
  const [first, second, third] = await aged(t, [3, 3, 3, 0]);
  await tidy();
  await pruneAt(t);
  await tidy();
  await restoreTrashed(t.repo, first?.tag ?? '', 'all');
  await tidy();
  for (const one of [first, second, third]) {
    await t.rollBack({ target: one?.tag ?? '' });
    await tidy();
  }
  await t.undo();
  await tidy();
  expect(t.read('a.txt')).toBe('state 1 of 3 days ago\n');
  // Gone for good is only the name: the objects are git's to remove.
  const gone = await aged(t, [2, 2]);
  await pruneAt(t, { now: now + 1000 });
  await pruneAt(t, { now: now + 8 * day });
  expect((await listTrash(t.repo)).map(({ name }) => name)).not.toContain(gone[0]?.tag);
  await t.git('cat-file', '-e', gone[0]?.commit ?? '');
}, 60_000);

test('[invariant 38] pins, undo entries, work trees, journals and refs of things under way keep what they need', async () => {
  const t = await makeRepo();
  const made = await aged(t, [3, 3, 3, 3, 3, 3, 3, 0]);
  const [pinned, target, opened, named, running, free, kept] = made;
  await pinCheckpoint(t.repo, pinned?.tag ?? '');
  await t.rollBack({ target: target?.tag ?? '' });
  await t.undo();
  const beside = path.join(tempDir('beside'), 'tree');
  await t.git('worktree', 'add', '-q', '--detach', beside, opened?.commit ?? '');
  const admin = path.join(t.repo.commonDir, 'worktrees/tree/devenv');
  mkdirSync(admin, { recursive: true });
  writeFileSync(path.join(admin, 'journal.json'), JSON.stringify({ target: named?.commit }));
  await t.git('update-ref', 'refs/devenv/scenario/nightly', running?.commit ?? '');

  const plan = await pruneAt(t);
  expect(dropped(plan)).toEqual([free?.tag]);
  const why = (one: Created | undefined): string =>
    plan.keep.find(({ checkpoint }) => checkpoint.tag === one?.tag)?.reasons.join('; ') ?? '';
  expect(why(pinned)).toBe('pinned');
  expect(why(target)).toMatch(/^undo\/1 goes with it/);
  expect(why(opened)).toBe(`checked out in ${beside}`);
  expect(why(named)).toBe('a rollback is under way');
  expect(why(running)).toBe('in use by refs/devenv/scenario/nightly');
  expect(why(kept)).toContain('hourly within 7d');

  // When nothing needs them any more, they go as the others.
  await unpinCheckpoint(t.repo, pinned?.tag ?? '', now);
  await t.git('worktree', 'remove', '--force', beside);
  await t.git('update-ref', '-d', 'refs/devenv/scenario/nightly');
  const gone = [running, named, opened, pinned].map((one) => one?.tag);
  expect(dropped(await pruneAt(t))).toEqual(gone);
});

test('[invariant 38] undo entries stay 30 days, the newest for ever; then they can be had back for a week', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint({ now: now - day });
  for (const text of ['one\n', 'two\n', 'three\n']) {
    t.write('a.txt', text);
    await t.rollBack({ target: tag });
  }
  await pruneAt(t, { now: now + 29 * day });
  expect(await refs(t, 'refs/devenv/undo')).toHaveLength(3);
  await pruneAt(t, { now: now + 31 * day });
  expect(await refs(t, 'refs/devenv/undo')).toEqual(['refs/devenv/undo/3']);
  // Straight from the trash, as any other.
  await t.rollBack({ target: 'undo/1' });
  expect(t.read('a.txt')).toBe('one\n');
  // Brought back it is something to roll back to, and no step of `devenv undo`.
  await restoreTrashed(t.repo, 'undo/2', 'all');
  await pruneAt(t, { now: now + 39 * day });
  expect(await refs(t, 'refs/devenv/undo')).toEqual(['refs/devenv/undo/4']);
  await t.rollBack({ target: 'undo/2' });
  expect(t.read('a.txt')).toBe('two\n');
  // The rollback to undo/1 was the fourth, which is still kept, and with it what it put back.
  const names = async (): Promise<string[]> => (await listTrash(t.repo)).map(({ name }) => name);
  expect(await names()).toEqual(['undo/3', 'undo/1']);
  await unpinCheckpoint(t.repo, 'undo/2', now + 40 * day);
  expect(await names()).toEqual(['undo/2', 'undo/3', 'undo/1']);
});

test('one that was pinned in the very moment it was dropped comes back', async () => {
  const t = await makeRepo();
  const [first] = await aged(t, [3, 3, 0]);
  await pruneAt(t);
  await t.git('update-ref', `refs/devenv/pins/${first?.tag}`, first?.commit ?? '');
  const plan = await pruneAt(t);
  expect(plan.restored.map(({ name }) => name)).toEqual([first?.tag]);
  expect(await checkpointNames(t.repo)).toContain(first?.tag);
  expect(await listTrash(t.repo)).toEqual([]);
  await pruneAt(t, { now: now + 8 * day });
  expect(await checkpointNames(t.repo)).toContain(first?.tag);
});

test('[invariant 38] a small disk takes the oldest that are not good first, and never the last good one', async () => {
  const t = await makeRepo();
  const made: Created[] = [];
  for (let n = 0; n < 6; n++) {
    t.write('noise.bin', Buffer.from(Array.from({ length: 200_000 }, () => Math.floor(Math.random() * 256))));
    made.push(
      await t.checkpoint({ now: now - 60_000 + n * 1000, verdict: n % 2 === 0 ? 'failed' : 'passed' }),
    );
  }
  const limit = (bytes: number): Promise<Pruned> =>
    pruneAt(t, { dryRun: true, keep: { ...keepDefaults, maxDiskBytes: bytes } });
  const tags = (...list: number[]): (string | undefined)[] => list.map((n) => made[n]?.tag);
  expect(dropped(await limit(2_000_000))).toEqual([]);
  expect(dropped(await limit(1_100_000)).sort()).toEqual(tags(0));
  expect(dropped(await limit(900_000)).sort()).toEqual(tags(0, 2));
  // Five is the last good one and the newest; nothing else is left to go.
  const all = await limit(1000);
  expect(dropped(all).sort()).toEqual(tags(0, 1, 2, 3, 4));
  expect(all.disk?.bytes).toBeGreaterThan(200_000);
  expect(
    dropped(await pruneAt(t, { dryRun: true, keep: { ...keepDefaults, maxDiskBytes: 'none' } })),
  ).toEqual([]);
});

test('tags that the configuration does not want go, those of the user stay', async () => {
  const t = await makeRepo();
  const [red] = await aged(t, [0], { verdict: 'failed' });
  const [good] = await aged(t, [0.001]);
  await t.git('tag', 'v1');
  await t.git('tag', 'checkpoint-mine');
  expect((await pruneAt(t, { tags: 'good' })).untagged).toEqual([red?.tag]);
  expect((await pruneAt(t, { tags: 'none' })).untagged).toEqual([good?.tag]);
  expect(await refs(t, 'refs/tags')).toEqual(['refs/tags/checkpoint-mine', 'refs/tags/v1']);
  expect(await checkpointNames(t.repo)).toHaveLength(2);
});

/** A git in front of the real one: `body` is run for `update-ref --stdin`, and "$@" is the real call. */
async function withGit(t: TestRepo, body: string): Promise<TestRepo> {
  const bin = tempDir('bin');
  const real = (await t.git('--exec-path')).trim();
  writeFileSync(
    path.join(bin, 'git'),
    `#!/bin/sh\nset -- "${path.join(real, 'git')}" "$@"\necho x >> "${bin}/calls"\ncase "$*" in *"update-ref --stdin"*) ${body} ;; esac\nexec "$@"\n`,
  );
  chmodSync(path.join(bin, 'git'), 0o755);
  return openTestRepo(t.dir, {
    ...t.env,
    PATH: `${bin}:${t.env['PATH'] ?? ''}`,
    CALLS: path.join(bin, 'calls'),
  });
}

/** Every checkpoint ever made is listed or in the trash, and can be read. */
async function nothingLost(t: TestRepo, made: readonly Created[]): Promise<void> {
  const repo = await openRepo({ cwd: t.dir, env: t.env });
  const there = new Set([
    ...(await checkpointNames(repo)),
    ...(await listTrash(repo)).map(({ name }) => name),
  ]);
  expect(made.filter(({ tag }) => !there.has(tag))).toEqual([]);
  for (const { commit } of made) await t.git('cat-file', '-e', `${commit}^{tree}`);
  expect((await lastGood(repo))?.tag).toBe(made.at(-1)?.tag);
}

test.each([
  ['before it begins', 'kill -9 $$'],
  ['after it read a part', 'head -n 3 | "$@"; kill -9 $$'],
  ['before the end of the last line', 'head -c -8 | "$@"; kill -9 $$'],
  ['when all is prepared', 'grep -v "^commit" | "$@"; kill -9 $$'],
  ['when it is done', '"$@"; kill -9 $$'],
])(
  '[invariant 38] a git that dies %s loses nothing, and the next pruning works',
  async (_when, body) => {
    const t = await makeRepo();
    const made = await aged(t, [3, 3, 3, 2, 2, 0]);
    const dying = await withGit(t, body);
    await expect(prune(dying.repo, { now, keep: keepDefaults, tags: 'all' })).rejects.toMatchObject({
      code: 'environment',
    });
    await nothingLost(t, made);
    await pruneAt(t, { now: now + 1000 });
    await nothingLost(t, made);
    expect(await checkpointNames(t.repo)).toHaveLength(3);
    await t.git('gc', '-q', '--prune=now');
    await nothingLost(t, made);
  },
  60_000,
);

test('[invariant 38] killed at any moment, nothing is lost', async () => {
  const t = await makeRepo();
  const made = await aged(t, [3, 3, 3, 2, 2, 0]);
  const script = program('prune');
  const killed = async (ms: number, at: number): Promise<boolean> => {
    const child = spawn(process.execPath, [script, t.dir, String(at)], {
      env: t.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<boolean>((resolve) => child.on('close', (code) => resolve(code === null)));
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, ms));
    child.kill('SIGKILL');
    return ended;
  };
  let done = false;
  for (let n = 0; n < 12 && !done; n++) {
    done = !(await killed(n * 3, now));
    await nothingLost(t, made);
  }
  await pruneAt(t);
  await nothingLost(t, made);
}, 60_000);

/** Changes many refs in one go. */
async function feed(t: TestRepo, lines: readonly string[]): Promise<void> {
  const file = path.join(tempDir('refs'), 'refs');
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  await t.git('-c', `alias.feed=!git update-ref --stdin < ${file}`, 'feed');
}

/** So many more checkpoints of one commit, all of one day long ago. */
async function manyOld(t: TestRepo, count: number, commit: string): Promise<string[]> {
  const names = Array.from({ length: count }, (_, n) => `checkpoint-20250101-${String(100_000 + n)}`);
  const places = names.flatMap((name) => [`refs/devenv/checkpoints/${name}`, `refs/tags/${name}`]);
  await feed(
    t,
    places.map((ref) => `create ${ref} ${commit}`),
  );
  return names;
}

test('[invariant 38] killed with its git in the middle of the transaction, nothing is lost; doctor frees the locks', async () => {
  const t = await makeRepo();
  const made = await aged(t, [3, 0]);
  const names = [...(await manyOld(t, 150, made[0]?.commit ?? '')), ...made.map(({ tag }) => tag)];
  await t.git('pack-refs', '--all');
  const script = program('prune');
  const trash = path.join(t.repo.commonDir, 'refs/devenv/trash');
  let [cut, locked] = [0, 0];
  for (let n = 0; n < 5; n++) {
    const child = spawn(process.execPath, [script, t.dir, String(now + n * 1000)], {
      env: t.env,
      stdio: 'ignore',
      detached: true,
    });
    const ended = new Promise((resolve) => child.on('close', resolve));
    const inside = path.join(trash, String(Math.floor(now / 1000) + n));
    while (!existsSync(inside) && child.exitCode === null)
      await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, n * 5));
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await ended;
    await until('the end of its git', () => !isAlive(-(child.pid ?? 0)));
    const live = new Set(await checkpointNames(t.repo));
    const trashed = new Set((await listTrash(t.repo)).map(({ name }) => name));
    expect(names.filter((name) => !live.has(name) && !trashed.has(name))).toEqual([]);
    // A minute later nobody can hold them any more.
    const litter = await findLitter(t.repo, Date.now() + 61_000);
    cut += live.size > 5 ? 1 : 0;
    locked += litter.length > 0 ? 1 : 0;
    for (const { remove } of litter) await remove();
    expect(await findLitter(t.repo, Date.now() + 61_000)).toEqual([]);
    await feed(
      t,
      (await listTrash(t.repo)).flatMap(({ name, ref, live: at, commit }) => [
        ...(live.has(name) ? [] : [`create ${at} ${commit}`]),
        `delete ${ref}`,
      ]),
    );
    await t.git('pack-refs', '--all');
  }
  // It was met in the middle, or this test says nothing.
  expect(Math.min(cut, locked)).toBeGreaterThan(0);
  await pruneAt(t, { now: now + 60_000 });
  expect((await checkpointNames(t.repo)).length).toBeLessThan(5);
  await nothingLost(t, made);
}, 120_000);

test('with hundreds of checkpoints it takes as few processes as with two', async () => {
  const t = await makeRepo();
  const [old] = await aged(t, [40, 0]);
  const calls = async (): Promise<number> => {
    const counting = await withGit(t, 'true');
    await prune(counting.repo, { now, keep: keepDefaults, tags: 'all' });
    return readFileSync(counting.env['CALLS'] ?? '', 'utf8').length / 2;
  };
  await t.git('update-ref', '-d', `refs/devenv/checkpoints/${old?.tag}`);
  await t.git('update-ref', '-d', `refs/tags/${old?.tag}`);
  const few = await calls();
  await manyOld(t, 300, old?.commit ?? '');
  expect(await checkpointNames(t.repo)).toHaveLength(301);
  // One more: there is something to do now.
  expect(await calls()).toBe(few + 1);
  expect((await checkpointNames(t.repo)).length).toBeLessThan(5);
  expect(await refs(t, 'refs/tags')).toHaveLength((await checkpointNames(t.repo)).length);
});

test('the automatic one moves a part, the oldest first, and a broken ref stops it', async () => {
  const t = await makeRepo();
  const made = await aged(t, [3, 3, 3, 0]);
  expect(dropped(await pruneAt(t, { most: 1 }))).toEqual([made[0]?.tag]);
  expect(dropped(await pruneAt(t, { most: 1, now: now + 1000 }))).toEqual([made[1]?.tag]);
  const lost = path.join(t.repo.commonDir, 'refs/devenv/checkpoints/checkpoint-20250101-000000');
  writeFileSync(lost, `${'1'.repeat(40)}\n`);
  await expect(pruneAt(t)).rejects.toMatchObject({ hint: expect.stringContaining('doctor --fix') });
  rmSync(lost);
  expect(existsSync(lost)).toBe(false);
});

test('the locks that a killed git left on these very refs are gone around, a young one is not', async () => {
  const t = await makeRepo();
  const [old] = await aged(t, [3, 3, 0]);
  const lock = path.join(t.repo.commonDir, `refs/devenv/checkpoints/${old?.tag}.lock`);
  writeFileSync(lock, '');
  await expect(pruneAt(t, { now: Date.now() })).rejects.toMatchObject({ code: 'environment' });
  expect(await checkpointNames(t.repo)).toHaveLength(3);
  utimesSync(lock, 0, 0);
  expect(dropped(await pruneAt(t, { now: Date.now() }))).toEqual([old?.tag]);
  expect(existsSync(lock)).toBe(false);
});

test('a clock that was behind makes nothing in the trash look old; what somebody made by hand stays', async () => {
  const t = await makeRepo();
  const made = await aged(t, [3, 3, 1, 0]);
  await t.git('update-ref', 'refs/devenv/checkpoints/by-hand', 'HEAD');
  // Two days behind, as the clock goes.
  const behind = now - 2 * day;
  expect(
    dropped(
      await pruneAt(t, {
        now: behind,
        keep: { ...keepDefaults, withinMs: { ...keepDefaults.withinMs, all: 0 } },
      }),
    ),
  ).toEqual([made[0]?.tag]);
  const newest = Date.parse(made.at(-1)?.at ?? '');
  expect((await listTrash(t.repo)).map(({ at }) => at)).toEqual([newest]);
  await pruneAt(t, { now: newest + 6 * day });
  expect((await listTrash(t.repo)).map(({ name }) => name)).toContain(made[0]?.tag);
  expect(await refs(t, 'refs/devenv/checkpoints/by-hand')).toHaveLength(1);
});
