import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { listUndoEntries } from '../../src/checkpoint/index.ts';
import { recover } from '../../src/rollback/index.ts';
import { filesOf, makeRepo, openTestRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';
import { makeShim, type KillAt, type Shim } from '../torture/rig.ts';
import { program } from '../support/programs.ts';

const script = program('rollback');

interface State {
  readonly files: Record<string, string>;
  readonly staged: string;
  readonly head: string;
  /** The blob that each file (links aside) would be. */
  readonly blobs: Record<string, string>;
}

async function stateOf(t: TestRepo): Promise<State> {
  const files = filesOf(t.dir);
  const names = Object.keys(files).filter((file) => !files[file]?.startsWith('link'));
  const oids = (await t.git('hash-object', '--no-filters', '--', ...names)).split('\n');
  return {
    files,
    staged: await stagedState(t),
    head: await t.git('rev-parse', 'HEAD'),
    blobs: Object.fromEntries(names.map((name, i) => [name, oids[i] ?? ''])),
  };
}

/** All that differs in kind: edited, gone, new, executable, link, a file in place of a folder, staged and not. */
async function twoStates(): Promise<{ t: TestRepo; tag: string; then: State; now: State }> {
  const t = await makeRepo();
  for (let n = 0; n < 12; n++) t.write(`f/${n}.txt`, `then ${n}\n`);
  t.write('swap', 'a file\n');
  await t.git('add', 'f/0.txt');
  const { tag } = await t.checkpoint();
  const then = await stateOf(t);
  for (let n = 0; n < 12; n += 2) t.write(`f/${n}.txt`, `now ${n}\n`);
  t.remove('f/1.txt');
  chmodSync(path.join(t.dir, 'f/3.txt'), 0o755);
  t.remove('swap');
  t.write('swap/inside', 'a folder\n');
  symlinkSync('a.txt', path.join(t.dir, 'link'));
  await t.git('add', '-A', 'f', 'swap');
  return { t, tag, then, now: await stateOf(t) };
}

/** Runs it, and kills it at a call of git's, before git did anything or when it was done; says whether it came so far. */
async function runKilled(t: TestRepo, what: string, shim: Shim, kill: KillAt): Promise<boolean> {
  const child = spawn(process.execPath, [script, t.dir, what], {
    env: { ...t.env, ...shim.env(kill) },
    stdio: 'ignore',
  });
  const killed = await new Promise<boolean>((resolve) => child.on('close', (code) => resolve(code === null)));
  await shim.settled();
  return killed;
}

/** What a killed one must leave: a whole state, every byte, no litter, and all of it undone or done by the next command. */
async function expectWhole(t: TestRepo, about: string, states: readonly [State, State]): Promise<State> {
  const undo = (await listUndoEntries(t.repo)).at(-1)?.commit;
  const saved = undo === undefined ? '' : `${await t.git('ls-tree', '-r', undo)}\n`;
  const torn = filesOf(t.dir);
  const recovered = await recover(t.repo);
  const state = await stateOf(t);
  expect([about, recovered?.left ?? []]).toEqual([about, []]);
  expect([about, states.some((one) => JSON.stringify(one) === JSON.stringify(state))]).toEqual([about, true]);
  const own = path.join(t.repo.gitDir, 'devenv');
  expect([about, existsSync(own) ? readdirSync(own) : []]).toEqual([about, []]);
  expect([about, existsSync(path.join(t.repo.gitDir, 'index.lock'))]).toEqual([about, false]);
  // Torn in the middle: what the disk did not hold then, the saved present did.
  const [before] = states;
  for (const [file, oid] of Object.entries(before.blobs))
    if (torn[file] !== before.files[file])
      expect([about, saved.includes(`${oid}\t${file}\n`)]).toEqual([about, true]);
  return state;
}

/** Kills `what` at every one of its calls of git; each time it begins in `from` and may end in `to`. Returns how many there are. */
async function killAtEach(
  start: TestRepo,
  what: string,
  from: State,
  to: State,
  reset: (t: TestRepo, at: State) => Promise<void>,
): Promise<number> {
  const t = await openTestRepo(start.dir, start.env);
  const shim = await makeShim(t);
  for (let call = 1; ; call++)
    for (const how of ['instead', 'after'] as const) {
      const killed = await runKilled(t, what, shim, { call, how, afterMs: 0 });
      const about = `${what}, ${how} of call ${call}`;
      const state = await expectWhole(t, about, [from, to]);
      if (JSON.stringify(state) !== JSON.stringify(from)) await reset(t, from);
      expect(await stateOf(t)).toEqual(from);
      if (!killed) return call - 1;
    }
}

/**
 * What each of them costs: the checkpoint or the entries, the present (status, fast-import), the commit, the settings of
 * line ends, what differs (twice: as a plan, and as counted lines), what of the files to be deleted is ignored, the
 * files, the undo ref and the index.
 */
const callsOfGit = 11;
/** Going back on a step: what it had written, too, or whether that is ignored by now. */
const callsBack = 12;

test('[invariant 26] a rollback killed at each call of git is finished or never was; every byte is there', async () => {
  const { t, tag, then, now } = await twoStates();
  const killed = await killAtEach(t, tag, now, then, async (one) => void (await one.undo()));
  expect(killed).toBe(callsOfGit);
  await t.git('fsck', '--strict');
}, 300_000);

test('[invariant 26] so are an undo and a redo', async () => {
  const { t, tag, then, now } = await twoStates();
  await t.rollBack({ target: tag });
  const undone = await killAtEach(t, 'undo', then, now, async (one) => void (await one.redo()));
  await t.undo();
  const redone = await killAtEach(t, 'redo', now, then, async (one) => void (await one.undo()));
  expect([undone, redone]).toEqual([callsBack, callsBack]);
  await t.git('fsck', '--strict');
}, 300_000);
