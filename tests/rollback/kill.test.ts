import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { recover } from '../../src/rollback/index.ts';
import { filesOf, makeRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';
import { gitEnded } from '../torture/rig.ts';
import { program } from '../support/programs.ts';

const script = program('rollback');
const files = 60;

/** A checkpoint, then a present that differs from it in every way. */
async function twoStates(): Promise<{
  t: TestRepo;
  tag: string;
  old: Record<string, string>;
  now: Record<string, string>;
  stagedNow: string;
}> {
  const t = await makeRepo();
  for (let n = 0; n < files; n++) t.write(`f${n % 7}/${n}.txt`, `then ${n}\n`.repeat(50));
  t.write('swap', 'a file\n');
  const { tag } = await t.checkpoint();
  const old = filesOf(t.dir);
  for (let n = 0; n < files; n += 2) t.write(`f${n % 7}/${n}.txt`, `now ${n}\n`.repeat(70));
  for (let n = 1; n < files; n += 4) t.remove(`f${n % 7}/${n}.txt`);
  for (let n = 0; n < 20; n++) t.write(`later/${n}.txt`, `later ${n}\n`);
  t.remove('swap');
  t.write('swap/inside', 'a folder\n');
  await t.git('add', 'later', 'f0');
  return { t, tag, old, now: filesOf(t.dir), stagedNow: await stagedState(t) };
}

type Moment = number | 'journal' | 'first file';

/** Starts a rollback and kills it so many milliseconds after it began, when it holds its journal or put a file back. */
async function killedAfter(t: TestRepo, tag: string, moment: Moment): Promise<boolean> {
  const child = spawn(process.execPath, [script, t.dir, tag], {
    env: t.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<boolean>((resolve) => child.on('close', (code) => resolve(code === null)));
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  const journal = path.join(t.repo.gitDir, 'devenv/journal.json');
  const reached = (): boolean =>
    moment === 'journal' ? existsSync(journal) : t.read('f0/0.txt').startsWith('then');
  if (typeof moment === 'number') await new Promise((resolve) => setTimeout(resolve, moment));
  else while (!reached() && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  return ended;
}

test('[invariant 25] [invariant 26] killed at any moment, the next look finds the old or the new state, and all bytes', async () => {
  const { t, tag, old, now, stagedNow } = await twoStates();
  const seen = new Set<string>();
  const round = async (moment: Moment): Promise<void> => {
    const killed = await killedAfter(t, tag, moment);
    await gitEnded(t);
    const recovered = await recover(t.repo);
    const state = filesOf(t.dir);
    const isThen = JSON.stringify(state) === JSON.stringify(old);
    const isNow = JSON.stringify(state) === JSON.stringify(now);
    expect([moment, killed, isThen !== isNow, recovered?.left ?? []]).toEqual([moment, killed, true, []]);
    expect(readdirSync(path.join(t.repo.gitDir, 'devenv'))).toEqual([]);
    expect(existsSync(path.join(t.repo.gitDir, 'index.lock'))).toBe(false);
    seen.add(`${killed ? (recovered ? 'finished' : 'killed') : 'done'} ${isThen ? 'new' : 'old'}`);
    if (isThen) await t.undo();
    expect(filesOf(t.dir)).toEqual(now);
    expect(await stagedState(t)).toBe(stagedNow);
  };
  for (let n = 0; n < 3; n++) await round('journal');
  for (let n = 0; n < 12; n++) await round(4 + n * 11);
  // The moment between two files is short: it is tried until it was met.
  for (let n = 0; n < 60 && !seen.has('finished new'); n++) await round('first file');
  await t.git('fsck', '--strict');
  expect([...seen]).toContain('finished new');
}, 120_000);

test('[invariant 26] undo and redo, killed at random instants, end in one of the two states', async () => {
  const { t, tag, old, now } = await twoStates();
  await t.rollBack({ target: tag, yes: true });
  let at: 'old' | 'now' = 'old';
  for (let n = 0; n < 14; n++) {
    const moment = n % 3 === 0 ? 'journal' : Math.random() * 120;
    const act = at === 'old' ? 'undo' : 'redo';
    await killedAfter(t, act, moment);
    const recovered = await recover(t.repo);
    const state = JSON.stringify(filesOf(t.dir));
    expect([moment, act, recovered?.left ?? []]).toEqual([moment, act, []]);
    expect([moment, act, [JSON.stringify(old), JSON.stringify(now)].includes(state)]).toEqual([
      moment,
      act,
      true,
    ]);
    at = state === JSON.stringify(old) ? 'old' : 'now';
  }
  if (at === 'old') await t.undo();
  expect(filesOf(t.dir)).toEqual(now);
  await t.redo();
  expect(filesOf(t.dir)).toEqual(old);
}, 120_000);

test('a file edited after the kill is left as it is, and said', async () => {
  const { t, tag } = await twoStates();
  await killedAfter(t, tag, 'journal');
  // Whatever became of it so far, this is neither of the two.
  t.write('f0/0.txt', 'edited since\n');
  const recovered = await recover(t.repo);
  expect(t.read('f0/0.txt')).toBe('edited since\n');
  if (recovered) expect(recovered.left).toEqual(['f0/0.txt']);
}, 60_000);

test('a full stage or a busy index.lock takes the rollback back', async () => {
  const { t, tag, now, stagedNow } = await twoStates();
  writeFileSync(path.join(t.repo.gitDir, 'index.lock'), '');
  await expect(t.rollBack({ target: tag, yes: true })).rejects.toMatchObject({
    message: expect.stringContaining('index.lock'),
  });
  rmSync(path.join(t.repo.gitDir, 'index.lock'));
  expect(filesOf(t.dir)).toEqual(now);
  expect(await stagedState(t)).toBe(stagedNow);
  await expect(t.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
}, 60_000);
