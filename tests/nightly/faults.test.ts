import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isAlive, systemClock } from '../../src/base/index.ts';
import { nightLockName, readNights, writeNights } from '../../src/cron/index.ts';
import { readReports, reportDir } from '../../src/nightly/index.ts';
import { takeLock } from '../../src/store/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { startWatching } from '../watch/support.ts';
import { isGood, makeNightly, type Nightly } from './support.ts';
import { program } from '../support/programs.ts';

/** A suite that leaves a child behind which has left its group and its parent, and then sleeps. */
function clinging(): { readonly command: string; readonly pids: () => readonly number[] } {
  const file = path.join(tempDir(), 'pids');
  const command = `echo $$ >>${file}; setsid sh -c 'echo $$ >>${file}; trap "" TERM; while :; do sleep 1; done' & while :; do sleep 1; done`;
  const read = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  return { command, pids: () => read().split('\n').filter(Boolean).map(Number) };
}

const oneNight = program('one-night');
const nightsOf = ({ t }: Nightly) => readNights(t.store, t.project.id);

test('out of time: everything it ran is ended, children that hide as well, and the report says so', async () => {
  const suite = clinging();
  const timeoutMs = 7_200_001;
  // The time is over when the suite is in the middle of it.
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    if (ms === timeoutMs) await until('it runs', () => suite.pids().length === 2);
    else await systemClock.sleep(ms, signal);
  };
  const n = makeNightly({
    suites: [isGood, { name: 'slow', command: suite.command }],
    nightly: { timeoutMs },
    clock: { ...systemClock, sleep },
  });
  await n.keepGood();
  const { report } = await n.night();
  expect(report).toMatchObject({
    outcome: 'timed-out',
    news: 'failure',
    undone: null,
    suites: [
      { name: 'unit', verdict: 'passed' },
      { name: 'slow', verdict: 'stopped' },
    ],
  });
  expect(report.summary).toMatch(/not done within nightly\.timeout \(2h 00m\)/);
  expect(suite.pids()).toHaveLength(2);
  for (const pid of suite.pids()) expect(isAlive(pid)).toBe(false);
});

test('a signal: the report is written, nobody is told, nothing is put back', async () => {
  const suite = clinging();
  const n = makeNightly({ suites: [{ name: 'slow', command: suite.command }] });
  const stop = new AbortController();
  const running = n.night({ signal: stop.signal });
  await until('it runs', () => suite.pids().length === 2);
  stop.abort();
  const { report } = await running;
  expect(report).toMatchObject({ outcome: 'interrupted', news: null, undone: null });
  for (const pid of suite.pids()) expect(isAlive(pid)).toBe(false);
  expect(nightsOf(n).last).toMatchObject({ outcome: 'interrupted' });
});

test('two at once: the second is noted as skipped, with who runs and since when, and changes nothing else', async () => {
  const gate = path.join(tempDir(), 'gate');
  const n = makeNightly({
    suites: [{ name: 'unit', command: `touch ${gate}.runs; until test -e ${gate}; do sleep 0.05; done` }],
  });
  const first = n.night();
  await until('it runs', () => existsSync(`${gate}.runs`));
  const since = nightsOf(n).running;
  const second = await n.night();
  expect(second.report).toMatchObject({ outcome: 'skipped', news: null, suites: [] });
  expect(second.report.summary).toContain(`since ${new Date(since?.startedAt ?? 0).toISOString()}`);
  expect(second.report.summary).toContain(`(pid ${process.pid}): kill ${process.pid} ends it`);
  expect(nightsOf(n).running).toEqual(since);
  writeFileSync(gate, '');
  expect((await first).report.outcome).toBe('passed');
  expect(nightsOf(n).last?.outcome).toBe('passed');
  // A night that was skipped is none to compare with.
  expect((await n.night()).report.lastNights).toHaveLength(1);
});

test('killed with -9: its lock is free, the next run ends what it left and says that it was cut short', async () => {
  const suite = clinging();
  const n = makeNightly({
    suites: [{ name: 'unit', command: `test -e .git/second || { ${suite.command}; }` }],
  });
  const killed = spawn(process.execPath, [oneNight, JSON.stringify(n.t.project)], {
    env: n.t.env,
    stdio: 'ignore',
  });
  await until('it runs', () => suite.pids().length === 2);
  expect(nightsOf(n).running?.pid).toBe(killed.pid);
  expect(takeLock(n.t.env, nightLockName(n.t.project.id))).toBe('taken');
  killed.kill('SIGKILL');
  await until('it is gone', () => !isAlive(killed.pid ?? 0));
  writeFileSync(path.join(n.t.root, '.git/second'), '');
  const { report } = await n.night();
  for (const pid of suite.pids()) expect(isAlive(pid)).toBe(false);
  expect(report.outcome).toBe('passed');
  expect(report.warnings[0]).toMatch(
    new RegExp(`cut short: it began .* never ended \\(process ${killed.pid}\\)`),
  );
  // It was a failure that nobody heard of, so that all is well again is news.
  expect(report.news).toBe('recovery');
});

test('a watcher makes way: tests and checkpoints wait for the end of the night, then go on', async () => {
  const gate = path.join(tempDir(), 'gate');
  await using w = await startWatching({ suites: [isGood], checkpoint: { everyMs: 300, quietMs: 0 } });
  await until('a tag', () => w.decisions().includes('tagged'));
  const [unit] = w.t.project.config.suites;
  const command = `touch ${gate}.runs; until test -e ${gate}; do sleep 0.05; done`;
  const config = {
    ...w.t.project.config,
    suites: [unit, { ...unit, name: 'slow', command }],
    nightly: { ...w.t.project.config.nightly, suites: ['unit', 'slow'] },
  };
  // Another process, or the watcher would take the night for its own.
  const night = spawn(process.execPath, [oneNight, JSON.stringify({ ...w.t.project, config })], {
    env: w.t.env,
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => night.once('exit', resolve));
  await until('the night runs', () => existsSync(`${gate}.runs`));
  await until('the watcher says so', () =>
    w.view().notes.some((note) => note.includes(`the nightly run (pid ${night.pid}) is under way`)),
  );
  expect(w.view()).toMatchObject({ phase: 'paused', nextAt: undefined });
  const [verdicts, decisions] = [w.verdicts().length, w.decisions().length];
  w.t.write('code.txt', 'good, edited at night\n');
  writeFileSync(gate, '');
  await ended;
  const [report] = readReports(reportDir(w.t.env, w.t.project), 1);
  expect(report?.outcome).toBe('stale');
  expect(report?.decisions.join()).not.toContain('did not make way');
  await until('it took over', () => w.decisions().slice(decisions).includes('lock'));
  await until('it tests what was edited', () => w.verdicts().length > verdicts);
  await until('it tags it', () => w.decisions().slice(decisions).includes('tagged'));
  expect(w.view().notes).toEqual([]);
});

describe('who is told', () => {
  /** A server that answers as told and keeps what it was sent. */
  async function hook(answers: readonly number[]) {
    const got: { readonly body: string; readonly type: string | undefined }[] = [];
    const server = createServer((request: IncomingMessage, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        got.push({ body, type: request.headers['content-type'] });
        response.writeHead(answers[got.length - 1] ?? answers.at(-1) ?? 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/T0KEN-in-the-path`, got };
  }

  test('the hook: of a failure, and of the first success after it, and of nothing else', async () => {
    const file = path.join(tempDir(), 'told');
    const command = `printf '%s %s %s ' "$DEVENV_NIGHTLY_KIND" "$DEVENV_NIGHTLY_OUTCOME" "$DEVENV_NIGHTLY_REPORT" >>${file}; cat >>${file}`;
    const n = makeNightly({
      suites: [{ name: 'unit', command: 'test ! -e .git/bad' }],
      nightly: { notify: { command, webhook: undefined, desktop: false } },
    });
    const lines = (): readonly string[] =>
      existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    await n.night();
    expect(lines()).toEqual([]);
    writeFileSync(path.join(n.t.root, '.git/bad'), '');
    const bad = await n.night();
    expect(bad.report).toMatchObject({ news: 'failure', notified: [{ by: 'command', ok: true, why: null }] });
    expect(lines()).toHaveLength(1);
    const [kind, outcome, report, ...json] = (lines()[0] ?? '').split(' ');
    expect([kind, outcome, report]).toEqual(['failure', 'failed', `${bad.file}.md`]);
    expect(JSON.parse(json.join(' '))).toMatchObject({
      kind: 'failure',
      outcome: 'failed',
      report,
      project: 'test',
    });
    await n.night();
    expect(lines()).toHaveLength(2);
    n.t.git('rm', '-q', '--cached', 'code.txt'); // the tree is another one
    rmSync(path.join(n.t.root, '.git/bad'));
    expect((await n.night()).report.news).toBe('recovery');
    expect(lines()[2]).toMatch(/^recovery passed /);
    expect((await n.night()).report.news).toBeNull();
    expect(lines()).toHaveLength(3);
  });

  test('a webhook is asked again when it is out of order; its address is in no report', async () => {
    const { url, got } = await hook([500, 200]);
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms > 900 && ms < 5000 ? 1 : ms, signal),
    };
    const n = makeNightly({
      clock,
      suites: [{ name: 'unit', command: 'false' }],
      nightly: { notify: { command: undefined, webhook: url, desktop: false } },
    });
    const found = await n.night();
    expect(got).toHaveLength(2);
    expect(got[1]?.type).toBe('application/json');
    expect(JSON.parse(got[1]?.body ?? '')).toMatchObject({
      text: expect.stringMatching(/^test on .* needs a look: failed after/),
      kind: 'failure',
    });
    expect(found.report.notified).toEqual([{ by: 'webhook', ok: true, why: null }]);
    expect(readFileSync(`${found.file}.json`, 'utf8')).not.toContain('T0KEN');
  });

  test.each<[what: string, notify: (url: string) => { command?: string; webhook?: string }, says: RegExp]>([
    [
      'a hook that fails',
      () => ({ command: 'echo no such channel; exit 7' }),
      /command was not told: exit 7: no such channel/,
    ],
    [
      'a webhook that says no',
      (url) => ({ webhook: url }),
      /webhook was not told: 127\.0\.0\.1:\d+: it answered 404/,
    ],
    [
      'a webhook that is not there',
      () => ({ webhook: 'http://127.0.0.1:9/T0KEN' }),
      /webhook was not told: 127\.0\.0\.1:9: /,
    ],
  ])('%s: a warning, and the night is what it was', async (_, notify, says) => {
    const { url } = await hook([404]);
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms > 900 && ms < 5000 ? 1 : ms, signal),
    };
    const n = makeNightly({
      clock,
      suites: [{ name: 'unit', command: 'false' }],
      nightly: { notify: { command: undefined, webhook: undefined, desktop: false, ...notify(url) } },
    });
    const found = await n.night();
    expect(found.report.outcome).toBe('failed');
    expect(found.report.warnings.join('\n')).toMatch(says);
    expect(n.markdown(found)).toMatch(says);
    expect(n.markdown(found)).not.toContain('T0KEN');
  });
});

test('where no lock can be taken at all, it refuses: two runs could meet', async () => {
  const n = makeNightly();
  writeNights(n.t.store, n.t.project.id, { last: undefined, running: undefined });
  n.t.env['XDG_STATE_HOME'] = '/proc/nowhere';
  await expect(n.night()).rejects.toMatchObject({ code: 'state-dir' });
});
