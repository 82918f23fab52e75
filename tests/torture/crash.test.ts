import { expect, test } from 'vitest';
import { filesOf, makeRepo, stagedState, visibleState, type TestRepo } from '../checkpoint/repo.ts';
import { dice, type Dice } from './dice.ts';
import {
  act,
  expectSound,
  litterIn,
  makeShim,
  rounds,
  tortureSeed,
  tortureTimeoutMs,
  treeNow,
  type Acted,
  type KillAt,
  type Shim,
} from './rig.ts';

type Act = 'checkpoint' | 'rollback' | 'undo';
const hows = ['before', 'instead', 'during', 'both', 'after'] as const;

interface World {
  readonly t: TestRepo;
  readonly shim: Shim;
  readonly tag: string;
  /** What `tag` holds. */
  readonly old: Record<string, string>;
  readonly d: Dice;
}

/** A checkpoint, then a present that differs from it in every way. */
async function makeWorld(seed: number): Promise<World> {
  const t = await makeRepo();
  for (let n = 0; n < 40; n++) t.write(`f${n % 7}/${n}.txt`, `then ${n}\n`.repeat(50));
  t.write('swap', 'a file\n');
  const { tag } = await t.checkpoint();
  const old = filesOf(t.dir);
  for (let n = 0; n < 40; n += 2) t.write(`f${n % 7}/${n}.txt`, `now ${n}\n`.repeat(70));
  for (let n = 1; n < 40; n += 4) t.remove(`f${n % 7}/${n}.txt`);
  for (let n = 0; n < 20; n++) t.write(`later/${n}.txt`, `later ${n}\n`);
  t.remove('swap');
  t.write('swap/inside', 'a folder\n');
  await t.git('add', 'later', 'f0');
  return { t, shim: await makeShim(t), tag, old, d: dice(seed) };
}

interface Present {
  readonly files: Record<string, string>;
  readonly staged: string;
  readonly tree: string;
  readonly stagedTree: string;
}

async function look(t: TestRepo): Promise<Present> {
  return {
    files: filesOf(t.dir),
    staged: await stagedState(t),
    tree: await treeNow(t),
    stagedTree: await t.git('write-tree'),
  };
}

/** Something new in every round, so that none finds its objects made already. */
async function edit({ t, d }: World, n: number): Promise<Present> {
  for (let i = 0; i < 4; i++)
    t.write(`round/${d.roll(9)}.txt`, `round ${n} edit ${i}\n`.repeat(1 + d.roll(3000)));
  t.write(`f${d.roll(3)}/extra`, `round ${n}\n`);
  if (d.roll(3) === 0) await t.git('add', 'round');
  return look(t);
}

/** How one act is cut short: at a call of git's, or after so many milliseconds. */
type Cut = KillAt | { readonly afterMs: number; readonly whom: 'devenv' | 'all' };

async function cutShort(w: World, args: readonly string[], cut: Cut): Promise<Acted> {
  const running = act(w.t, args, w.shim.env('call' in cut ? cut : undefined));
  if ('whom' in cut) {
    await running.begun;
    await new Promise((resolve) => setTimeout(resolve, cut.afterMs));
    running.kill(cut.whom);
  }
  const ended = await running.ended;
  await w.shim.settled();
  return ended;
}

async function mustAct(w: World, ...args: string[]): Promise<Acted> {
  const done = await act(w.t, args).ended;
  expect([args, done.code, done.said, done.stderr]).toEqual([args, 0, expect.anything(), '']);
  return done;
}

async function crashInCheckpoint(w: World, n: number, cut: Cut): Promise<void> {
  const { t } = w;
  const present = await edit(w, n);
  const visible = await visibleState(t);
  const refs = async (): Promise<string[]> =>
    (await t.git('for-each-ref', '--format=%(refname)', 'refs/devenv/checkpoints')).split('\n');
  const before = await refs();
  await cutShort(w, ['checkpoint'], cut);
  expect(await visibleState(t)).toEqual(visible);
  const made = (await refs()).filter((ref) => !before.includes(ref));
  for (const ref of made) {
    expect(await t.git('rev-parse', `${ref}^{tree}`)).toBe(present.tree);
    expect(await t.git('rev-parse', `${ref}^2^{tree}`)).toBe(present.stagedTree);
    await t.git('rev-list', '--objects', '--quiet', ref);
  }
  const next = await mustAct(w, 'checkpoint');
  expect(next.said).toMatchObject({ tree: present.tree, created: made.length === 0 });
  // Each has both its names, and they are of one commit.
  const tags = await t.git('for-each-ref', '--format=%(refname:strip=2) %(objectname)', 'refs/tags');
  const kept = await t.git(
    'for-each-ref',
    '--format=%(refname:strip=3) %(objectname)',
    'refs/devenv/checkpoints',
  );
  expect(tags).toBe(kept);
  expect(await visibleState(t)).toEqual(visible);
}

async function crashInRollback(w: World, n: number, cut: Cut): Promise<void> {
  const { t, tag, old } = w;
  const present = await edit(w, n);
  await cutShort(w, ['rollback', tag], cut);
  await everyByteKept(w, present);
  // Both ways out of it lead to a whole state.
  if (w.d.roll(2) === 0) {
    await mustAct(w, 'rollback', tag);
    expect(filesOf(t.dir)).toEqual(old);
  }
  await backToPresent(w, present);
}

async function crashInUndo(w: World, n: number, cut: Cut): Promise<void> {
  const present = await edit(w, n);
  await mustAct(w, 'rollback', w.tag);
  await cutShort(w, ['undo'], cut);
  await everyByteKept(w, present);
  if (w.d.roll(2) === 0) await mustAct(w, 'checkpoint');
  await backToPresent(w, present);
}

async function backToPresent({ t }: World, present: Present): Promise<void> {
  const done = await act(t, ['undo']).ended;
  // Nothing to undo: it never began, or the undo that was killed had come to its end.
  if (done.code !== 0) expect(done.said['message']).toBe('there is nothing to undo');
  expect(filesOf(t.dir)).toEqual(present.files);
  expect(await stagedState(t)).toBe(present.staged);
}

/** Every file of the state before is on the disk or in a commit that a ref of devenv's keeps. */
async function everyByteKept({ t }: World, present: Present): Promise<void> {
  if (JSON.stringify(filesOf(t.dir)) === JSON.stringify(present.files)) return;
  const trees = await t.git('for-each-ref', '--format=%(tree)', 'refs/devenv');
  expect(trees.split('\n')).toContain(present.tree);
}

/** What is left after the next command, the one after it removes, and it is not stopped by it. */
async function expectTidy(w: World): Promise<void> {
  if (litterIn(w.t.repo.gitDir).length === 0) return;
  const present = await look(w.t);
  await mustAct(w, 'rollback', w.tag);
  await mustAct(w, 'undo');
  expect(filesOf(w.t.dir)).toEqual(present.files);
  expect(litterIn(w.t.repo.gitDir).join(', ')).toBe('');
}

const crashIn = { checkpoint: crashInCheckpoint, rollback: crashInRollback, undo: crashInUndo };

/** How many calls of git each act makes when nobody kills it. */
async function countCalls(w: World): Promise<Record<Act, number>> {
  const count = async (...args: string[]): Promise<number> => {
    await act(w.t, args, w.shim.env()).ended;
    return w.shim.calls();
  };
  await edit(w, -1);
  return {
    checkpoint: await count('checkpoint'),
    rollback: await count('rollback', w.tag),
    undo: await count('undo'),
  };
}

interface Round {
  readonly what: Act;
  readonly cut: Cut;
}

/** One round after the other; what a failed one left is not where the next one begins. */
async function torture(seed: number, plan: (w: World) => AsyncIterable<Round>): Promise<void> {
  let w = await makeWorld(seed);
  const failures: string[] = [];
  let n = 0;
  for await (const { what, cut } of plan(w)) {
    n++;
    try {
      await crashIn[what](w, n, cut);
      await expectTidy(w);
      if (n % 20 === 0) await expectSound(w.t);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures.push(
        `TORTURE_SEED=${tortureSeed}, round ${n}, ${what} cut short ${JSON.stringify(cut)}:\n${why}`,
      );
      if (failures.length === mostFailures) break;
      w = await makeWorld(seed + n);
    }
  }
  expect(failures.join('\n')).toBe('');
  await expectSound(w.t);
  await w.t.git('gc', '-q');
}

const mostFailures = Number(process.env['TORTURE_FAILURES'] ?? 3);
const acts = ['checkpoint', 'rollback', 'undo'] as const;

test(
  '[invariant 25] [invariant 26] killed before, in and after every call of git: the old or the new state, and the next command works',
  async () => {
    await torture(tortureSeed, async function* plan(w) {
      const calls = await countCalls(w);
      for (const _ of rounds(1))
        for (const what of acts)
          for (let call = 1; call <= calls[what]; call++)
            yield { what, cut: { call, how: w.d.pick(hows), afterMs: w.d.roll(12) } };
    });
  },
  tortureTimeoutMs,
);

test(
  '[invariant 25] [invariant 26] killed at any instant, alone or with its git: the old or the new state, and the next command works',
  async () => {
    await torture(tortureSeed + 1, async function* plan({ d }) {
      for (const _ of rounds(9))
        yield { what: d.pick(acts), cut: { afterMs: d.roll(220), whom: d.pick(['devenv', 'all']) } };
    });
  },
  tortureTimeoutMs,
);
