import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { listUndoEntries } from '../../src/checkpoint/index.ts';
import { recover } from '../../src/rollback/index.ts';
import { filesOf, makeRepo, openTestRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';

const script = path.join(import.meta.dirname, 'fixtures/rollback.ts');

/** A git before the real one on PATH that counts its calls and, at the n-th, kills who called it. */
function dyingGit(): {
  readonly dir: string;
  readonly env: (at: number, when: 'before' | 'after') => NodeJS.ProcessEnv;
} {
  const dir = tempDir('dying-git');
  const real = (process.env['PATH'] ?? '').split(':').find((one) => existsSync(path.join(one, 'git')));
  writeFileSync(
    path.join(dir, 'git'),
    `#!/bin/sh
n=$(($(cat "$DYING_COUNT" 2>/dev/null || echo 0) + 1))
echo $n >"$DYING_COUNT"
[ $n = "$DYING_AT" ] && [ "$DYING_WHEN" = before ] && kill -9 $PPID && exit 1
"${real}/git" "$@"
code=$?
[ $n = "$DYING_AT" ] && [ "$DYING_WHEN" = after ] && kill -9 $PPID
exit $code
`,
  );
  chmodSync(path.join(dir, 'git'), 0o755);
  return {
    dir,
    env: (at, when) => ({
      PATH: `${dir}:${process.env['PATH']}`,
      DYING_COUNT: path.join(dir, 'count'),
      DYING_AT: String(at),
      DYING_WHEN: when,
    }),
  };
}

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

/** Runs it with the dying git; says whether it was killed. */
async function runKilled(t: TestRepo, what: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  rmSync(env['DYING_COUNT'] ?? '', { force: true });
  const child = spawn(process.execPath, [script, t.dir, what], {
    env: { ...t.env, ...env },
    stdio: 'ignore',
  });
  return new Promise((resolve) => child.on('close', (code) => resolve(code === null)));
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
  // The git of the killed process may take another moment to end; then the look after that clears it away.
  await until(`no litter, ${about}`, async () => {
    await recover(t.repo);
    return !existsSync(own) || readdirSync(own).length === 0;
  });
  expect([about, existsSync(path.join(t.repo.gitDir, 'index.lock'))]).toEqual([about, false]);
  // Torn in the middle: what the disk did not hold then, the saved present did.
  const [before] = states;
  for (const [file, oid] of Object.entries(before.blobs))
    if (torn[file] !== before.files[file])
      expect([about, saved.includes(`${oid}\t${file}\n`)]).toEqual([about, true]);
  return state;
}

/** Kills `what` at every one of its calls of git; each time it begins in `from` and may end in `to`. */
async function killAtEach(
  start: TestRepo,
  what: string,
  from: State,
  to: State,
  reset: (t: TestRepo, at: State) => Promise<void>,
): Promise<number> {
  const shim = dyingGit();
  const t = await openTestRepo(start.dir, start.env);
  let killed = 0;
  for (let at = 1; ; at++) {
    let reached = false;
    for (const when of ['before', 'after'] as const) {
      reached = (await runKilled(t, what, shim.env(at, when))) || reached;
      const count = Number(readFileSync(path.join(shim.dir, 'count'), 'utf8'));
      const state = await expectWhole(t, `${what}, ${when} call ${at} of ${count}`, [from, to]);
      if (JSON.stringify(state) !== JSON.stringify(from)) await reset(t, from);
      expect(await stateOf(t)).toEqual(from);
      if (count < at) return killed;
      killed++;
    }
    if (!reached) return killed;
  }
}

test('[invariant 26] a rollback killed at each call of git is finished or never was; every byte is there', async () => {
  const { t, tag, then, now } = await twoStates();
  const killed = await killAtEach(t, tag, now, then, async (one) => void (await one.undo()));
  expect(killed).toBeGreaterThanOrEqual(8);
  await t.git('fsck', '--strict');
}, 180_000);

test('[invariant 26] so are an undo and a redo', async () => {
  const { t, tag, then, now } = await twoStates();
  await t.rollBack({ target: tag });
  const undone = await killAtEach(t, 'undo', then, now, async (one) => void (await one.redo()));
  await t.undo();
  const redone = await killAtEach(t, 'redo', now, then, async (one) => void (await one.undo()));
  expect(Math.min(undone, redone)).toBeGreaterThanOrEqual(8);
  await t.git('fsck', '--strict');
}, 180_000);
