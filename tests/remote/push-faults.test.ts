import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasMark, listProcesses, packageRoot, sendSignal } from '../../src/base/index.ts';
import { withGitShim } from '../checkpoint/repo.ts';
import { makeBox, type Box } from '../support/box.ts';
import { bothSides, hostCase, type HostCase } from '../support/host-code.ts';
import { writeFiles } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

/** Where a git on the box waits: `hold` holds a pattern of its arguments, `waiting` comes, and it goes on after `go`. */
const gate = tempDir('gate');
const at = (name: string): string => path.join(gate, name);
let box: Box;

beforeAll(async () => {
  const { PATH } = await withGitShim(
    { PATH: '/usr/local/bin:/usr/bin:/bin' },
    `if [ -e ${at('hold')} ]; then case "$*" in *$(cat ${at('hold')})*)
  : >${at('waiting')}; while [ ! -e ${at('go')} ]; do sleep 0.02; done ;; esac; fi`,
  );
  box = await makeBox({ port: true, vars: { PATH: PATH ?? '' } });
});
afterAll(() => box.end());
beforeEach(() => {
  rmSync(gate, { recursive: true, force: true });
  mkdirSync(gate);
});

let count = 0;
async function pushed(): Promise<HostCase> {
  const t = await hostCase({ box, path: `f${count++}` });
  await t.sure('host', 'push', 'box');
  return t;
}

const hold = (pattern: string): void => writeFileSync(at('hold'), pattern);
const reached = (): Promise<unknown> => until('git on the box waits', () => existsSync(at('waiting')));
function release(): void {
  rmSync(at('hold'), { force: true });
  writeFileSync(at('go'), '');
}

/** What comes in on the box, before it is part of its repository. */
function rooms(t: HostCase): string[] {
  const objects = path.join(t.there, '.git/objects');
  return readdirSync(objects)
    .filter((name) => name.startsWith('tmp_objdir-'))
    .map((name) => path.join(objects, name));
}

const hasBegun = (t: HostCase): boolean =>
  rooms(t).some((room) =>
    readdirSync(path.join(room, 'pack')).some(
      (name) => statSync(path.join(room, 'pack', name)).size > 100_000,
    ),
  );

/** So much that the link is still busy with it when the first bytes have arrived. */
const makeBig = (t: HostCase): void =>
  writeFileSync(path.join(t.dir, 'big.bin'), randomBytes(40 * 1024 * 1024));

async function killThere(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const mark = `DEVENV_TEST_ID=${box.env['DEVENV_TEST_ID']}`;
  const all = (await listProcesses()).filter((p) => /devenv\.js __code receive/.test(p.command));
  const ours = all.filter((p) => hasMark(p.pid, mark) && hasMark(p.pid, 'DEVENV_REMOTE=plain'));
  expect(ours.length).toBeGreaterThan(0);
  for (const p of ours) sendSignal(p.pid, signal);
}

async function againIsRight(t: HostCase): Promise<void> {
  await t.sure('host', 'push', 'box');
  const { here, there } = await bothSides(t);
  expect(there).toEqual(here);
  expect(rooms(t)).toEqual([]);
}

describe('a link that breaks', () => {
  it.each(['rst', 'fin'] as const)(
    'while files are sent (%s): nothing changed there, it is said, and again is right',
    async (how) => {
      const t = await pushed();
      const before = (await bothSides(t)).there;
      makeBig(t);
      const running = t.run('host', 'push', 'box');
      await until('the box receives', () => hasBegun(t));
      box.proxy?.freeze();
      box.proxy?.cut(how);
      box.proxy?.thaw();
      const result = await running;
      expect(result.stderr).toContain(
        'the connection was lost before all was sent; nothing was changed there',
      );
      expect(result.code).toBe(3);
      expect((await bothSides(t)).there).toEqual(before);
      await againIsRight(t);
    },
  );

  it('before the box could tell that it is done: it is asked, and says so', async () => {
    const t = await pushed();
    writeFiles(t.dir, 'a.txt', 'more\n');
    hold('received/main/next');
    const running = t.run('host', 'push', 'box', '-q');
    await reached();
    box.proxy?.cut('rst');
    release();
    const result = await running;
    // Progress shows itself where the machine is slow; complaints there are none.
    expect([result.code, result.stderr]).toEqual([0, expect.not.stringContaining('devenv:')]);
    expect(result.stdout).toContain('the connection broke before the box could tell, and it was asked');
    const { here, there } = await bothSides(t);
    expect(there).toEqual(here);
  });
});

describe('killed', () => {
  it('here, while files are sent: nothing changed there, and again is right', async () => {
    const t = await pushed();
    const before = (await bothSides(t)).there;
    makeBig(t);
    const child = spawn(
      process.execPath,
      [path.join(packageRoot(), 'bin/devenv.js'), 'host', 'push', 'box'],
      {
        cwd: t.dir,
        env: t.env,
        stdio: 'ignore',
      },
    );
    await until('the box receives', () => hasBegun(t));
    child.kill('SIGKILL');
    await until('the box gives up', () => rooms(t).length === 0);
    expect((await bothSides(t)).there).toEqual(before);
    await againIsRight(t);
  });

  it('here by Ctrl-C: it says that nothing is half done', async () => {
    const t = await pushed();
    makeBig(t);
    const stop = new AbortController();
    const { devenv } = await import('../support/cli.ts');
    const running = devenv(['host', 'push', 'box'], { cwd: t.dir, env: t.env, signal: stop.signal });
    await until('the box receives', () => hasBegun(t));
    stop.abort();
    const result = await running;
    expect([result.code, result.stderr]).toEqual([130, expect.stringContaining('nothing is half done')]);
    await until('the box gives up', () => rooms(t).length === 0);
    await againIsRight(t);
  });

  it.each([
    ['before the pack is looked at', 'index-pack', 'old'],
    ['before its files are put in place', 'received/main/next', 'old'],
    ['while they are', 'update-index', 'either'],
    ['before it is noted', 'received/main/last', 'new'],
  ])('on the box, %s: again is right, and what was there can be brought back', async (_, pattern, state) => {
    const t = await pushed();
    const before = (await bothSides(t)).there;
    writeFiles(t.dir, 'a.txt', 'more\n');
    await t.git('add', 'a.txt');
    hold(pattern);
    const running = t.run('host', 'push', 'box');
    await reached();
    await killThere();
    const result = await running;
    expect([result.code, result.stderr]).toEqual([
      1,
      expect.stringMatching(/box: devenv there was killed \(status 137\)/),
    ]);
    release();
    const { here, there } = await bothSides(t);
    if (state === 'old') expect(there).toEqual(before);
    if (state === 'new') expect(there).toEqual(here);
    await againIsRight(t);
    await t.sure('undo', '--host', 'box');
    expect((await bothSides(t)).there.files['a.txt']).toBe(before.files['a.txt']);
  });
});

describe('at the same time', () => {
  it('two pushes to one folder: one is done, the other is told to wait', async () => {
    const t = await pushed();
    writeFiles(t.dir, 'a.txt', 'more\n');
    hold('received/main/next');
    const first = t.run('host', 'push', 'box');
    await reached();
    const second = await t.run('host', 'push', 'box');
    expect([second.code, second.stderr]).toEqual([5, expect.stringContaining('another push to')]);
    release();
    expect((await first).code).toBe(0);
    await t.sure('host', 'push', 'box');
  });

  it('work that begins on the box after it was looked at is found all the same', async () => {
    const t = await pushed();
    writeFiles(t.dir, 'a.txt', 'more\n');
    hold('index-pack');
    const running = t.run('host', 'push', 'box');
    await reached();
    writeFiles(t.there, 'fresh.txt', 'just now\n');
    release();
    const result = await running;
    expect([result.code, result.stderr]).toEqual([
      5,
      expect.stringMatching(/box: there is work there that was not sent: 1 changed file \(fresh\.txt\)/),
    ]);
    expect((await bothSides(t)).there.files['a.txt']).not.toBe((await bothSides(t)).here.files['a.txt']);
  });
});
