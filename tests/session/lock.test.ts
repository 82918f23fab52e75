import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { projectId } from '../../src/base/index.ts';
import { withLock } from '../../src/session/index.ts';
import { until } from '../support/until.ts';
import { makeWorld, type World } from './support.ts';

/** The lock of a project's session: who waits for whom. */
let world: World;
let file: string;
beforeEach(() => {
  world = makeWorld();
  const dir = path.join(world.env['XDG_STATE_HOME'] ?? '', 'devenv/locks');
  mkdirSync(dir, { recursive: true });
  file = path.join(dir, `start-${projectId(world.root)}`);
});
afterEach(() => world.end());

type As = 'start' | 'stop' | 'restart';

/** Asks for the lock; what was noted, and whether it got in. */
function ask(as: As, more: { signal?: AbortSignal; deps?: typeof world.deps } = {}) {
  const seen = { in: false, notes: [] as string[] };
  const options = {
    as,
    root: world.root,
    note: (line: string) => void seen.notes.push(line),
    signal: more.signal,
  };
  const done = withLock(more.deps ?? world.deps, options, () => {
    seen.in = true;
    return Promise.resolve();
  });
  return { seen, done };
}

/** Has the lock until it is told to let go. */
async function holding(as: As): Promise<() => Promise<void>> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = withLock(world.deps, { as, root: world.root }, () => promise);
  await until('the lock', () => existsSync(file));
  return async () => {
    resolve();
    await done;
  };
}

const live = process.pid;
const dead = (): number => spawnSync('true').pid;
/** A clock on which every look takes ten seconds. */
const hurried = () => {
  let now = 0;
  return { ...world.deps, clock: { ...world.deps.clock, monotonic: () => (now += 10_000) } };
};

test.each([
  ['start', 'stop'],
  ['start', 'restart'],
  ['start', 'start'],
  ['stop', 'start'],
  ['restart', 'start'],
] as const)('a %s waits for a %s, says so once, and goes on when it has ended', async (as, held) => {
  const release = await holding(held);
  const { seen, done } = ask(as);
  await until('a word', () => seen.notes.length > 0);
  expect(seen.in).toBe(false);
  await release();
  await done;
  expect(seen).toEqual({ in: true, notes: [`waiting for devenv ${held} (process ${live}) to end`] });
  expect(existsSync(file)).toBe(false);
});

test.each([
  ['stop', 'stop'],
  ['stop', 'restart'],
  ['restart', 'stop'],
] as const)('a %s goes on beside a %s, whose lock stays', async (as, held) => {
  const release = await holding(held);
  await ask(as).done;
  expect(existsSync(file)).toBe(true);
  await release();
  expect(existsSync(file)).toBe(false);
});

test('patience ends: a start is refused and told by what, a stop goes on', async () => {
  const release = await holding('restart');
  await expect(ask('start', { deps: hurried() }).done).rejects.toMatchObject({
    code: 'refused',
    message: `devenv restart (process ${live}) is still at work on this project`,
    hint: expect.stringContaining(file) as string,
  });
  await release();
  writeFileSync(file, String(live));
  const { seen, done } = ask('stop', { deps: hurried() });
  await done;
  expect(seen.in).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(String(live));
});

test.each(['start', 'stop'] as const)('Ctrl-C ends the waiting of a %s', async (as) => {
  writeFileSync(file, String(live));
  const stop = new AbortController();
  const { seen, done } = ask(as, { signal: stop.signal });
  stop.abort();
  await expect(done).rejects.toMatchObject({
    code: 'interrupted',
    message: `interrupted while waiting for devenv start (process ${live}) to end; nothing was done`,
  });
  expect(seen.in).toBe(false);
});

test.each(['start', 'stop', 'restart'] as const)('older builds read the lock of a %s too', async (as) => {
  const release = await holding(as);
  expect(Number(readFileSync(file, 'utf8'))).toBe(live);
  await release();
});

test('without a place for locks a stop goes on, a start does not', async () => {
  const env = { ...world.env, XDG_STATE_HOME: '/dev/null' };
  const deps = { ...world.deps, env };
  const { seen, done } = ask('stop', { deps });
  await done;
  expect(seen.in).toBe(true);
  await expect(ask('start', { deps }).done).rejects.toThrow('ENOTDIR');
});

test.each(['start', 'stop'] as const)('a %s takes the lock of a dead stop over', async (as) => {
  writeFileSync(file, `${dead()}\n`);
  const { seen, done } = ask(as);
  await done;
  expect(seen.in).toBe(true);
  expect(readdirSync(path.dirname(file))).toEqual([]);
});

test('of two that find the holder dead only one removes its lock, and never a new one', async () => {
  const gone = dead();
  // The other is just about to remove it.
  writeFileSync(file, String(gone));
  const claim = `${file}.${gone}`;
  writeFileSync(claim, String(live));
  const { seen, done } = ask('start');
  await until('it has looked', () => seen.notes.length > 0);
  expect(readFileSync(file, 'utf8')).toBe(String(gone));
  // It has the lock by now.
  writeFileSync(file, `${live}\n`);
  rmSync(claim);
  await expect(ask('start', { deps: hurried() }).done).rejects.toMatchObject({ code: 'refused' });
  expect([seen.in, readFileSync(file, 'utf8')]).toEqual([false, `${live}\n`]);
  rmSync(file);
  await done;
  expect(readdirSync(path.dirname(file))).toEqual([]);
});

test('one that died while it removed the lock of another is in nobody’s way', async () => {
  const [gone, other] = [dead(), dead()];
  writeFileSync(file, String(gone));
  writeFileSync(`${file}.${gone}`, String(other));
  await ask('start').done;
  expect(readdirSync(path.dirname(file))).toEqual([]);
});
