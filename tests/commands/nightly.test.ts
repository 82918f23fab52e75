import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { self, systemClock } from '../../src/base/index.ts';
import { cron } from '../../src/commands/cron.ts';
import { schedule } from '../../src/commands/doctor/schedule.ts';
import { nightly } from '../../src/commands/nightly.ts';
import { status } from '../../src/commands/status.ts';
import { nightLockName, readJob, writeNights, type Night } from '../../src/cron/index.ts';
import { takeLock } from '../../src/store/index.ts';
import { fakeUser, type FakeUser } from '../cron/support.ts';
import { privateTmux } from '../support/private-tmux.ts';
import { testProject, type TestProject } from '../verify/support.ts';
import { testContext } from './context.ts';

const hour = 3_600_000;

interface Place {
  readonly t: TestProject;
  readonly user: FakeUser;
  readonly ctx: (aheadMs?: number) => ReturnType<typeof testContext>;
  readonly nights: (last: Partial<Night> | undefined, running?: { pid: number; startedAt: number }) => void;
}

/** A project of a user with a crontab of the test's own. */
function place(yaml = 'suites: { unit: { command: "true" } }\n'): Place {
  const t = testProject({
    suites: [],
    files: { 'devenv.yaml': `name: x\nwindows: { a: { command: sleep 9 } }\n${yaml}` },
  });
  const user = fakeUser({ XDG_STATE_HOME: t.env['XDG_STATE_HOME'] });
  const env = { ...t.env, ...user.env, DEVENV_TMUX_SOCKET: privateTmux().env['DEVENV_TMUX_SOCKET'] };
  return {
    t,
    user,
    ctx: (aheadMs = 0) =>
      testContext({ env, cwd: t.root, clock: { ...systemClock, now: () => systemClock.now() + aheadMs } }),
    nights: (last, running) =>
      writeNights(t.store, t.project.id, {
        last: last && {
          startedAt: systemClock.now(),
          endedAt: systemClock.now(),
          outcome: 'passed',
          bad: false,
          report: '/r/1',
          ...last,
        },
        running,
      }),
  };
}
const install = (p: Place, over: { at?: string; backend?: string } = {}) =>
  cron(p.ctx(), { action: 'install', backend: 'cron', dryRun: false, ...over });

describe('status', () => {
  const look = async (p: Place, aheadMs = 0) => {
    const found = await status(p.ctx(aheadMs), { all: false, watch: false });
    const line = (found.text ?? '').split('\n').find((one) => one.startsWith('last night'));
    return { facts: (found.json as { nightly: Record<string, unknown> }).nightly, line };
  };

  test('nothing scheduled, none ran: no line', async () => {
    const { facts, line } = await look(place());
    expect(line).toBeUndefined();
    expect(facts).toEqual({
      lastAt: null,
      outcome: null,
      report: null,
      overdue: false,
      nextAt: null,
      runningSince: null,
    });
  });

  test('scheduled: when it is due next; overdue after 26 hours without one', async () => {
    const p = place();
    await install(p);
    expect((await look(p)).line).toMatch(/^last night: none yet, next in /);
    const { facts, line } = await look(p, 27 * hour);
    expect(facts).toMatchObject({ overdue: true, lastAt: null });
    expect(Date.parse(String(facts['nextAt']))).toBeGreaterThan(systemClock.now() + 27 * hour);
    expect(line).toMatch(/none yet, overdue/);
  });

  test.each<[outcome: string, aheadHours: number, overdue: boolean, says: RegExp]>([
    ['passed', 25, false, /^last night: passed 1d ago, next in/],
    ['passed', 31, true, /passed 1d ago, overdue: devenv doctor says why/],
    ['failed', 2, false, /failed 2h ago, next in .*; \/r\/1\.md$/],
  ])('%s, %i hours later', async (outcome, aheadHours, overdue, says) => {
    const p = place();
    await install(p);
    p.nights({ outcome, bad: outcome !== 'passed' });
    const { facts, line } = await look(p, aheadHours * hour);
    expect(facts).toMatchObject({ outcome, overdue });
    expect(line).toMatch(says);
  });

  test('killed: cut short; one that lives and holds its lock: running', async () => {
    const p = place();
    p.nights({}, { pid: spawnSync('true').pid, startedAt: systemClock.now() - hour });
    expect(await look(p)).toMatchObject({
      facts: { outcome: 'cut-short', report: null, runningSince: null },
    });
    // An id that another process has by now.
    p.nights({}, { pid: process.ppid, startedAt: systemClock.now() - hour });
    expect(await look(p)).toMatchObject({ facts: { outcome: 'cut-short' } });
    p.nights({}, { pid: self.pid, startedAt: systemClock.now() - hour });
    using _lock = takeLock(p.t.env, nightLockName(p.t.project.id)) as Disposable;
    const { facts, line } = await look(p);
    expect(facts).toMatchObject({ outcome: 'passed', runningSince: expect.any(String) });
    expect(line).toMatch(/running since 1h ago/);
  });
});

describe('--if-missed', () => {
  const ask = (p: Place, aheadMs: number) =>
    nightly(p.ctx(aheadMs), { ifMissed: true, history: false }).then(
      ({ json }) => json as { ran?: false; why?: string; outcome?: string; caughtUp?: boolean },
    );
  const soon = (): string => new Date(systemClock.now() + hour).toTimeString().slice(0, 5);

  test('not scheduled: says so', async () => {
    await expect(ask(place(), 0)).rejects.toMatchObject({ code: 'environment', hint: /cron install/ });
  });

  test('nothing was due since it was scheduled', async () => {
    const p = place();
    await install(p, { at: soon() });
    expect(await ask(p, 0)).toMatchObject({ ran: false, why: 'no run was due since it was scheduled' });
  });

  test.each(['passed', 'failed', 'timed-out'])('one that %s since then counts', async (outcome) => {
    const p = place();
    await install(p, { at: soon() });
    // Also when another one was killed after it.
    const killed = { pid: spawnSync('true').pid, startedAt: systemClock.now() + 1.5 * hour };
    p.nights({ outcome, startedAt: systemClock.now() + 1.1 * hour }, killed);
    expect(await ask(p, 2 * hour)).toMatchObject({ ran: false, why: expect.stringContaining(outcome) });
  });

  test.each<[what: string, nights: (p: Place) => void]>([
    ['none ran', () => {}],
    ['the last one was before', (p) => p.nights({})],
    [
      'one was interrupted',
      (p) => p.nights({ outcome: 'interrupted', startedAt: systemClock.now() + 1.1 * hour }),
    ],
    [
      'one was killed',
      (p) => p.nights({}, { pid: spawnSync('true').pid, startedAt: systemClock.now() + 1.1 * hour }),
    ],
  ])('%s: it is made up for', async (_, nights) => {
    const p = place('suites: { unit: { command: "no-such-command" } }\nnightly: { min_disk: 1GB }\n');
    await install(p, { at: soon() });
    nights(p);
    // What it does is another matter: here it has no room.
    const ctx = p.ctx(2 * hour);
    ctx.env['DEVENV_NIGHTLY_MIN_DISK'] = '9999999GB';
    const { json } = await nightly(ctx, { ifMissed: true, history: false });
    expect(json).toMatchObject({ outcome: 'blocked', caughtUp: true });
  });
});

describe('reports', () => {
  const blocked = async (p: Place) => {
    const ctx = p.ctx();
    ctx.env['DEVENV_NIGHTLY_MIN_DISK'] = '9999999GB';
    return nightly(ctx, { ifMissed: false, history: false });
  };

  test('none yet, one that is not there, no number', async () => {
    const p = place();
    const ask = (report: string) => nightly(p.ctx(), { ifMissed: false, history: false, report });
    await expect(ask('1')).rejects.toMatchObject({ code: 'unknown-tag', message: 'there is no report yet' });
    expect(await nightly(p.ctx(), { ifMissed: false, history: true })).toMatchObject({
      json: { nights: [] },
    });
    expect(await blocked(p)).toMatchObject({ exit: 3 });
    await expect(ask('2')).rejects.toMatchObject({ message: 'there is no report 2, only 1 report' });
    await expect(ask('last')).rejects.toMatchObject({ code: 'usage' });
    expect((await ask('1')).text).toMatch(/^# x: blocked\n/);
    expect((await nightly(p.ctx(), { ifMissed: false, history: true })).text).toMatch(/1 +just now +blocked/);
  });

  test('a run that was skipped has no number: the last report is that of the night before', async () => {
    const p = place();
    await blocked(p);
    const folder = path.join(String(p.ctx().env['XDG_STATE_HOME']), 'devenv/nightly');
    const dir = path.join(folder, readdirSync(folder)[0] ?? '');
    const [name = ''] = readdirSync(dir).filter((one) => one.endsWith('.json'));
    const night = JSON.parse(readFileSync(path.join(dir, name), 'utf8'));
    writeFileSync(path.join(dir, '29990101-000000.json'), JSON.stringify({ ...night, outcome: 'skipped' }));
    const ask = (report: string) => nightly(p.ctx(), { ifMissed: false, history: false, report });
    expect((await ask('1')).json).toMatchObject({ outcome: 'blocked' });
    await expect(ask('2')).rejects.toMatchObject({ message: 'there is no report 2, only 1 report' });
    const { text } = await nightly(p.ctx(), { ifMissed: false, history: true });
    expect(text).toMatch(/\n- .* skipped .*\n1 .* blocked /);
  });

  test('a mistake in the configuration blocks the night, is in the report, and ends with status 2', async () => {
    const p = place();
    await blocked(p);
    writeFileSync(path.join(p.t.root, 'devenv.yaml'), 'name: x\nsuits: {}\n');
    const found = await nightly(p.ctx(), { ifMissed: false, history: false });
    expect(found).toMatchObject({ exit: 2, json: { outcome: 'blocked' } });
    expect(found.text).toMatch(/devenv\.yaml:2:1: unknown key "suits"/);
    // In the same folder as the reports before.
    expect((await nightly(p.ctx(), { ifMissed: false, history: true })).json).toMatchObject({
      nights: [{ outcome: 'blocked' }, { outcome: 'blocked' }],
    });
  });
});

describe('cron', () => {
  test.each<[what: string, input: Partial<Parameters<typeof cron>[1]>, says: RegExp]>([
    ['a time that is none', { at: '24:00' }, /--at: not a time of day: 24:00/],
    ['a time in words', { at: 'night' }, /not a time of day/],
    ['a backend that is none', { backend: 'launchd' }, /--backend: no such one: launchd/],
    ['an id that is none', { action: 'remove', id: '../x' }, /--id: no such id/],
  ])('%s: refused', async (_, input, says) => {
    const p = place();
    await expect(cron(p.ctx(), { action: 'install', dryRun: false, ...input })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(says),
    });
    expect(p.user.crontab()).toBeUndefined();
  });

  test('the time: --at, else nightly.at, else the one before, else a minute after four', async () => {
    const p = place();
    const at = async (over: { at?: string } = {}): Promise<string> => {
      await install(p, over);
      return readJob(p.t.env, p.t.project.id)?.at ?? '';
    };
    expect(await at()).toMatch(/^04:[0-5]\d$/);
    expect(await at({ at: '6:05' })).toBe('06:05');
    expect(await at()).toBe('06:05');
    writeFileSync(
      path.join(p.t.root, 'devenv.yaml'),
      'nightly: { at: "05:10" }\nsuites: { u: { command: x } }\n',
    );
    expect(await at()).toBe('05:10');
    expect(await at({ at: '07:00' })).toBe('07:00');
  });

  test('list, list of nothing, remove', async () => {
    const p = place();
    const list = () => cron(p.ctx(), { action: 'list', dryRun: false });
    expect((await list()).text).toMatch(/^nothing is scheduled/);
    await install(p, { at: '04:17' });
    expect((await list()).json).toMatchObject({
      jobs: [{ id: p.t.project.id, project: 'x', at: '04:17', backend: 'cron', last: null }],
      problem: null,
    });
    expect((await cron(p.ctx(), { action: 'remove', dryRun: true })).text).toMatch(/^would be taken out/);
    expect((await cron(p.ctx(), { action: 'remove', dryRun: false })).text).toMatch(
      /^taken out of the crontab/,
    );
    expect((await cron(p.ctx(), { action: 'remove', dryRun: false })).text).toBe(
      'nothing was scheduled here',
    );
  });

  test('nothing to run is worth a warning', async () => {
    const p = place('');
    const ctx = p.ctx();
    await cron(ctx, { action: 'install', backend: 'cron', dryRun: true });
    expect(ctx.notes).toContainEqual(expect.stringMatching(/no suite and no gate to run/));
  });
});

describe('doctor', () => {
  const look = async (p: Place, aheadMs = 0) => {
    const found = await schedule({
      ctx: p.ctx(aheadMs),
      root: p.t.root,
      fix: false,
      repo: undefined,
      project: p.t.project,
    });
    return JSON.stringify(found);
  };

  test('not scheduled is fine; edited by hand and missing files are not', async () => {
    const p = place();
    expect(await look(p)).toMatch(/"ok":true.*no nightly run is scheduled/);
    await install(p);
    p.user.write((p.user.crontab() ?? '').replace('@reboot', '@daily'));
    expect(await look(p)).toMatch(
      /"message":"its lines in the crontab were edited","remedy":"devenv cron install/,
    );
    p.user.write('');
    expect(await look(p)).toMatch(/"ok":false.*not in the crontab any more/);
  });
});
