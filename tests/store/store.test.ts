import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { openStore, takeLock, type RunRecord } from '../../src/store/index.ts';
import { testEnv } from '../support/temp.ts';

const record = (over: Partial<RunRecord> = {}): RunRecord => ({
  projectId: 'p1',
  suite: 'unit',
  verdict: 'passed',
  tree: 'a'.repeat(40),
  at: 1000,
  durationMs: 12.7,
  passed: 3,
  failed: 0,
  flaky: 0,
  skipped: 1,
  reason: 'test',
  ...over,
});
const fileOf = (env: NodeJS.ProcessEnv): string =>
  path.join(env['XDG_STATE_HOME'] ?? '', 'devenv', 'devenv.db');

/** What a process that may not write sees: the problem, and the suites of p1. As root, another user must look. */
async function readWithoutWriting(env: NodeJS.ProcessEnv): Promise<unknown> {
  const script = `import { openStore } from ${JSON.stringify(path.resolve('src/store/index.ts'))};
    const s = openStore(process.env); s.recordRun({}); console.log(JSON.stringify([s.problem() ?? '', Object.keys(s.lastRuns('p1'))]));`;
  chmodSync(path.dirname(env['HOME'] ?? ''), 0o711);
  await run(['chmod', '-R', 'a+rX,a-w', env['HOME'] ?? '']);
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const argv = [process.execPath, '--input-type=module', '-e', script];
  const result = await run(process.getuid?.() === 0 ? [...nobody, ...argv] : argv, { env });
  await run(['chmod', '-R', 'u+w', env['HOME'] ?? '']);
  return JSON.parse(result.stdout || JSON.stringify(result.stderr));
}

describe('runs', () => {
  test('the last run of each suite is what was recorded last, and outlives the process', () => {
    const env = testEnv();
    const first = openStore(env);
    first.recordRun(record({ verdict: 'failed', failed: 2 }));
    first.recordRun(record({ suite: 'e2e' }));
    first.recordRun(record({ at: 2000 }));
    first.recordRun(record({ projectId: 'p2', verdict: 'broken', why: 'no such command' }));
    first.close();
    const store = openStore(env);
    expect(Object.keys(store.lastRuns('p1'))).toEqual(['e2e', 'unit']);
    expect(store.lastRuns('p1')['unit']).toEqual({
      verdict: 'passed',
      tree: 'a'.repeat(40),
      at: 2000,
      durationMs: 13,
      passed: 3,
      failed: 0,
      flaky: 0,
      skipped: 1,
      reason: 'test',
    });
    expect(store.lastRuns('p2')['unit']?.why).toBe('no such command');
    expect(store.lastRuns('p3')).toEqual({});
    store.close();
  });

  test('a stale run does not replace the last verdict', () => {
    const store = openStore(testEnv());
    store.recordRun(record());
    store.recordRun(record({ verdict: 'stale', tree: null }));
    expect(store.lastRuns('p1')['unit']?.verdict).toBe('passed');
    store.close();
  });

  test('the run on one tree is found', () => {
    const store = openStore(testEnv());
    store.recordRun(record({ tree: 't1', verdict: 'failed' }));
    store.recordRun(record({ tree: 't1', verdict: 'passed' }));
    store.recordRun(record({ tree: 't2', verdict: 'failed' }));
    expect(store.runOn('p1', 'unit', 't1')?.verdict).toBe('passed');
    expect(store.runOn('p1', 'unit', 't3')).toBeUndefined();
    store.close();
  });

  test('old history is dropped, the last run of every suite is not', () => {
    const env = testEnv();
    const store = openStore(env);
    store.recordRun(record({ suite: 'rare' }));
    for (let i = 0; i < 2299; i++) store.recordRun(record({ at: i }));
    store.close();
    const db = new DatabaseSync(fileOf(env));
    expect(db.prepare('SELECT count(*) n FROM runs').get()?.['n']).toBe(2001);
    db.close();
    const again = openStore(env);
    expect(Object.keys(again.lastRuns('p1'))).toEqual(['rare', 'unit']);
    again.close();
  });
});

test('events and facts', () => {
  const store = openStore(testEnv(), {
    now: () => 77,
    monotonic: () => 0,
    sleep: () => Promise.resolve(),
  });
  store.addEvent('p1', 'reset', { from: 'a' });
  store.addEvent('p1', 'kept', 'why');
  expect(store.lastEvent('p1', 'reset')).toEqual({ kind: 'reset', at: 77, data: { from: 'a' } });
  expect(store.lastEvent('p2', 'reset')).toBeUndefined();
  expect(store.recentEvents('p1', 5).map((e) => e.kind)).toEqual(['kept', 'reset']);
  store.setValue('p1', 'ports', { api: 8080 });
  expect(store.getValue('p1', 'ports')).toEqual({ api: 8080 });
  store.setValue('p1', 'ports', { api: 8081 });
  expect(store.getValue('p1', 'ports')).toEqual({ api: 8081 });
  store.setValue('p1', 'ports', undefined);
  expect(store.getValue('p1', 'ports')).toBeUndefined();
  store.close();
});

describe('a database that cannot be used stops nothing', () => {
  test('it is made for this user alone', () => {
    const env = testEnv();
    openStore(env).close();
    expect(statSync(fileOf(env)).mode & 0o777).toBe(0o600);
  });

  test('a damaged file is moved aside, with its bytes', () => {
    const env = testEnv();
    mkdirSync(path.dirname(fileOf(env)), { recursive: true });
    writeFileSync(fileOf(env), 'this is no database, but it may be precious '.repeat(50));
    const store = openStore(env);
    expect(store.problem()).toMatch(/damaged.*devenv\.db\.damaged-/);
    store.recordRun(record());
    expect(store.lastRuns('p1')['unit']?.verdict).toBe('passed');
    store.close();
    const aside = readdirSync(path.dirname(fileOf(env))).find((name) => name.includes('damaged'));
    expect(readFileSync(path.join(path.dirname(fileOf(env)), aside ?? ''), 'utf8')).toContain('precious');
  });

  test('one of a newer devenv is left as it is', () => {
    const env = testEnv();
    openStore(env).close();
    const db = new DatabaseSync(fileOf(env));
    db.exec('PRAGMA user_version = 999');
    db.close();
    const store = openStore(env);
    expect(store.problem()).toContain('newer devenv');
    store.recordRun(record());
    expect(store.lastRuns('p1')).toEqual({});
    store.close();
  });

  test('a state directory that is a file', () => {
    const env = testEnv();
    writeFileSync(env['XDG_STATE_HOME'] ?? '', 'x');
    const store = openStore(env);
    expect(store.problem()).toContain('no history is kept');
    store.addEvent('p1', 'x', 1);
    expect(store.lastEvent('p1', 'x')).toBeUndefined();
    store.close();
  });

  test('one that is read-only is read', async () => {
    const env = testEnv();
    const store = openStore(env);
    store.recordRun(record());
    store.close();
    expect(await readWithoutWriting(env)).toEqual([expect.stringContaining('no history is kept'), ['unit']]);
  });

  test('several first starts at once all keep their run', async () => {
    const env = testEnv();
    const script = `import { openStore } from ${JSON.stringify(path.resolve('src/store/index.ts'))};
      const s = openStore(process.env);
      s.addEvent('p1', 'hello', process.pid); if (s.problem()) { console.error(s.problem()); process.exit(1); } s.close();`;
    const results = await Promise.all(
      Array.from({ length: 6 }, () => run([process.execPath, '--input-type=module', '-e', script], { env })),
    );
    expect(
      results.map((r) => [r.code, r.stderr.replace(/.*(Experimental|--trace-warnings).*\n/g, '')]),
    ).toEqual(Array.from({ length: 6 }, () => [0, '']));
    const store = openStore(env);
    expect(store.recentEvents('p1', 10)).toHaveLength(6);
    store.close();
  });
});

test('a lock is held by one, and free again when its holder is gone, however it went', async () => {
  const env = testEnv();
  const script = `import { takeLock } from ${JSON.stringify(path.resolve('src/store/index.ts'))};
    const lock = takeLock(process.env, 'watch-1'); console.log(typeof lock); process.kill(process.pid, 'SIGKILL');`;
  const mine = takeLock(env, 'watch-1');
  // Asking for it again must not give it away: the kernel counts by process, not by who opened the file.
  expect(takeLock(env, 'watch-1')).toBe('taken');
  const other = await run(
    [process.execPath, '--input-type=module', '-e', script.replace('typeof lock', 'lock')],
    { env },
  );
  expect(other.stdout).toBe('taken\n');
  expect(takeLock(env, 'watch-2')).toBeTypeOf('object');
  if (typeof mine === 'object') mine[Symbol.dispose]();
  const killed = await run([process.execPath, '--input-type=module', '-e', script], { env });
  expect(killed).toMatchObject({ stdout: 'object\n', signal: 'SIGKILL' });
  expect(takeLock(env, 'watch-1')).toBeTypeOf('object');
});
