import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  endProcesses,
  hasMark,
  isAlive,
  isAliveSince,
  listProcesses,
  run,
  supervise,
  systemClock,
  withDescendants,
} from '../../src/base/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { until } from '../support/until.ts';

const marked = async (mark: string) => (await listProcesses()).filter((p) => hasMark(p.pid, mark));

describe('run', () => {
  it('never throws: status, missing program, missing directory, timeout, stop', async () => {
    expect(await run(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toMatchObject({
      ok: false,
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await run(['no-such-program'])).toMatchObject({ ok: false, code: null, reason: 'missing' });
    expect(await run(['sleep', '100'], { timeoutMs: 50 })).toMatchObject({ ok: false, reason: 'timeout' });
    expect(await run(['sleep', '100'], { signal: AbortSignal.abort() })).toMatchObject({
      ok: false,
      reason: 'stopped',
    });
    expect(await run(['cat'], { input: 'given' })).toMatchObject({ ok: true, stdout: 'given' });
    // A program that does not read its input is no error.
    expect(await run(['true'], { input: 'x'.repeat(1 << 20) })).toMatchObject({ ok: true });
  });
});

describe.skipIf(!existsSync('/proc/uptime'))('isAliveSince', () => {
  it('is of the process that was there, not of one that has its number now', async () => {
    const child = spawn('sleep', ['100']);
    const pid = child.pid ?? 0;
    const ended = new Promise((resolve) => child.on('exit', resolve));
    expect(isAliveSince(pid, Date.now())).toBe(true);
    expect(isAliveSince(pid, Date.now() - 3_600_000)).toBe(false);
    expect(isAliveSince(process.ppid, Date.now())).toBe(true);
    child.kill();
    await ended;
    expect(isAliveSince(pid, Date.now())).toBe(false);
  });
});

describe('supervise', () => {
  const options = () => ({ cwd: tempDir(), env: testEnv({ SUPERVISE_TEST: tempDir('mark') }) });

  it('gives status, signal and the end of both outputs', async () => {
    expect(await supervise('echo one; echo two >&2; exit 4', options())).toMatchObject({
      code: 4,
      signal: null,
      tail: expect.stringMatching(/one\ntwo\n|two\none\n/),
    });
    expect(await supervise('kill -9 $$', options())).toMatchObject({ code: null, signal: 'SIGKILL' });
    const long = await supervise('seq 1 100000', options());
    expect(long.tail.endsWith('\n100000\n')).toBe(true);
    expect(long.tail.length).toBeLessThanOrEqual(64 * 1024);
  });

  it('a timeout is told apart from a stop', async () => {
    expect(await supervise('sleep 1000', { ...options(), timeoutMs: 100 })).toMatchObject({
      reason: 'timeout',
    });
    expect(await supervise('sleep 1000', { ...options(), signal: AbortSignal.timeout(100) })).toMatchObject({
      reason: 'stopped',
    });
    expect(await supervise('sleep 1000', { ...options(), signal: AbortSignal.abort() })).toMatchObject({
      reason: 'stopped',
    });
  });

  it('ends the whole tree: what ignores TERM, what left the group, what lost its parent', async () => {
    const o = options();
    const mark = `SUPERVISE_TEST=${o.env['SUPERVISE_TEST']}`;
    const ready = path.join(o.cwd, 'ready');
    const stubborn = `(trap '' TERM HUP; touch ${ready}1; while :; do sleep 0.1; done) &`;
    const moved = `setsid sh -c "touch ${ready}2; exec sleep 1000" & (setsid sh -c "touch ${ready}3; exec sleep 1000" &);`;
    const stop = new AbortController();
    const running = supervise(`${stubborn} ${moved} sleep 1000`, { ...o, signal: stop.signal, graceMs: 200 });
    await until('all of it runs', () => [1, 2, 3].every((n) => existsSync(`${ready}${n}`)));
    stop.abort();
    expect(await running).toMatchObject({ reason: 'stopped' });
    expect(await marked(mark)).toEqual([]);
  });

  it('takes what a finished command left behind', async () => {
    const o = options();
    const result = await supervise('setsid sleep 1000 & echo done', o);
    expect(result).toMatchObject({ code: 0 });
    expect(result.reason).toBeUndefined();
    expect(await marked(`SUPERVISE_TEST=${o.env['SUPERVISE_TEST']}`)).toEqual([]);
  });
});

describe('what hides', () => {
  it('does not hold the result back: a child without the mark keeps the pipes open', async () => {
    const cwd = tempDir();
    const hidden = path.join(cwd, 'pid');
    const command = `env -i /usr/bin/setsid /bin/sh -c 'echo $$ > ${hidden}; exec /bin/sleep 1000' & while [ ! -s ${hidden} ]; do :; done; echo done; exit 3`;
    const result = await supervise(command, { cwd, env: testEnv(), graceMs: 200 });
    process.kill(Number(readFileSync(hidden, 'utf8')), 'SIGKILL');
    expect(result).toMatchObject({ code: 3, tail: 'done\n' });
    expect(result.reason).toBeUndefined();
  });
});

describe('the list of processes', () => {
  it('holds this one and its children, and finds descendants', async () => {
    const all = await listProcesses();
    const me = all.find((p) => p.pid === process.pid);
    expect(me?.ppid).toBe(process.ppid);
    expect(me?.command).toContain(readFileSync('/proc/self/cmdline', 'utf8').split('\0')[0]);
    expect(withDescendants(all, new Set([process.ppid])).map((p) => p.pid)).toContain(process.pid);
  });

  it('endProcesses of nothing does nothing', async () => {
    expect(await endProcesses(systemClock, async () => [], { signal: 'SIGTERM', graceMs: 1000 })).toEqual([]);
  });
});

it('a process that has ended is not alive, though its parent has not fetched it yet', async () => {
  const dir = tempDir();
  const stop = new AbortController();
  // The shell becomes a sleep, which never waits for the child it has inherited.
  const parent = run(['sh', '-c', 'sh -c "echo \\$\\$ > pid" & exec sleep 60'], {
    cwd: dir,
    signal: stop.signal,
  });
  const file = path.join(dir, 'pid');
  const pid = await until('its id', () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0));
  await until('its end', () => !isAlive(pid));
  expect(process.kill(pid, 0)).toBe(true);
  stop.abort();
  await parent;
});
