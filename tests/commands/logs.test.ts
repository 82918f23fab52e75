import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createColors } from '../../src/base/index.ts';
import { logs } from '../../src/commands/logs.ts';
import { start } from '../../src/commands/start.ts';
import { loadProject } from '../../src/config/index.ts';
import { claimLogDir, logDir, logFile } from '../../src/logs/index.ts';
import { privateTmux } from '../support/private-tmux.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { testContext } from './context.ts';

const yaml = 'name: shop\nwindows:\n  api: { command: x, port: 8080 }\n  ui: { command: y }\n';
const now = Date.parse('2026-11-20T19:00:00.000Z');
const entry = (seconds: number, text: string): string =>
  `${new Date(now + seconds * 1000).toISOString()} ${text}\n`;

/** A project with logs, as a session left them. */
async function shop(files: Readonly<Record<string, string>>) {
  const cwd = tempDir('shop');
  const env = testEnv();
  writeFileSync(path.join(cwd, 'devenv.yaml'), yaml);
  const dir = claimLogDir(env, await loadProject({ cwd, env }));
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(dir, name), content);
  const clock = { now: () => now + 60_000, monotonic: () => 0, sleep: async () => {} };
  return { cwd, env, dir, clock };
}

const files = {
  'api.log': entry(0, 'GET /health') + entry(20, '\u001b[31mPOST /orders\u001b[0m\u001b[2J'),
  'ui.log': entry(10, 'ready'),
};

describe('logs', () => {
  test.each<[string, Parameters<typeof logs>[1], readonly string[]]>([
    ['all windows', { windows: [] }, ['api | GET /health', 'ui  | ready', 'api | POST /orders']],
    ['some', { windows: ['ui'] }, ['ui | ready']],
    ['--since', { windows: [], since: '50s' }, ['ui  | ready', 'api | POST /orders']],
    ['--since a time', { windows: [], since: '2026-11-20T19:00:15Z' }, ['api | POST /orders']],
    ['--grep sees through colours', { windows: [], grep: '^POST' }, ['api | POST /orders']],
    ['-n', { windows: [], lines: '1' }, ['api | POST /orders']],
  ])('%s', async (_name, input, expected) => {
    const ctx = testContext(await shop(files));
    expect((await logs(ctx, input)).exit ?? 0).toBe(0);
    expect(ctx.written.join('')).toBe(`${expected.join('\n')}\n`);
  });

  test('--json gives one object a line', async () => {
    const ctx = testContext({ ...(await shop(files)), json: true });
    await logs(ctx, { windows: ['api'] });
    expect(
      ctx.written
        .join('')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { window: 'api', at: '2026-11-20T19:00:00.000Z', text: 'GET /health' },
      { window: 'api', at: '2026-11-20T19:00:20.000Z', text: 'POST /orders' },
    ]);
  });

  test('keeps colours where they can be shown', async () => {
    const ctx = testContext({ ...(await shop(files)), colors: createColors(true) });
    await logs(ctx, { windows: [], grep: 'POST' });
    expect(ctx.written.join('')).toContain('\u001b[31mPOST /orders\u001b[0m\u001b[0m\n');
  });

  test.each([
    [{ windows: ['apj'] }, 'unknown-window', 'no window called apj'],
    [{ windows: [], grep: '(' }, 'usage', '--grep'],
    [{ windows: [], since: 'yesterday' }, 'usage', '--since'],
    [{ windows: [], lines: '-3' }, 'usage', '--lines'],
  ])('%j is an error', async (input, code, message) => {
    const ctx = testContext(await shop(files));
    await expect(logs(ctx, input)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test('says why there is nothing', async () => {
    const none = testContext(await shop({}));
    await logs(none, { windows: [] });
    const filtered = testContext(await shop(files));
    await logs(filtered, { windows: [], grep: 'nowhere' });
    expect([...none.notes, ...filtered.notes]).toEqual([
      'no logs yet: devenv start begins them',
      'no line matches',
    ]);
  });

  test('says so when a session runs in which nothing keeps a log', async () => {
    const world = privateTmux();
    try {
      const cwd = tempDir('tools');
      writeFileSync(path.join(cwd, 'devenv.yaml'), 'windows: { notes: { kind: tool, command: cat } }\n');
      const ctx = testContext({ cwd, env: world.env });
      await start(ctx, { windows: [], detach: true, wait: false, layout: undefined, timeout: undefined });
      ctx.notes.length = 0;
      await logs(ctx, { windows: [] });
      expect(ctx.notes).toEqual([
        'no window of this session keeps a log: they are tools, which devenv attach shows',
      ]);
    } finally {
      await world.end();
    }
  });

  test('-f goes on until it is told to stop, and that is no failure', async () => {
    const { cwd, env, dir } = await shop(files);
    const stop = new AbortController();
    const ctx = testContext({ cwd, env, signal: stop.signal });
    const done = logs(ctx, { windows: ['api'], follow: true, lines: '1' });
    await until('the last line', () => ctx.written.join('') === 'api | POST /orders\n');
    appendFileSync(path.join(dir, 'api.log'), entry(30, 'more'));
    await until('the new line', () => ctx.written.join('').endsWith('api | more\n'));
    stop.abort();
    expect((await done).exit ?? 0).toBe(0);
  });
});

describe('where logs lie', () => {
  test('two projects of one name do not share a folder; one that is gone gives its place away', () => {
    const env = testEnv();
    const [a, b] = ['a', 'b'].map((id) => ({ id, root: tempDir(id), sessionName: 'shop' }));
    const plain = path.join(env['XDG_STATE_HOME'] ?? '', 'devenv/logs/shop');
    expect(logDir(env, { id: 'a', sessionName: 'shop', root: a?.root ?? '' })).toBe(plain);
    if (!a || !b) return;
    expect([claimLogDir(env, a), claimLogDir(env, b), claimLogDir(env, a)]).toEqual([
      plain,
      `${plain}-b`,
      plain,
    ]);
    const gone = { ...a, root: path.join(a.root, 'gone') };
    mkdirSync(path.join(env['XDG_STATE_HOME'] ?? '', 'devenv/logs/other'));
    writeFileSync(path.join(env['XDG_STATE_HOME'] ?? '', 'devenv/logs/other/.root'), gone.root);
    expect(claimLogDir(env, { ...b, sessionName: 'other' })).toMatch(/other$/);
    expect(logDir(env, a, 'my logs')).toBe(path.join(a.root, 'my logs'));
    expect([logFile('/d', 'api'), logFile('/d', 'api', 1)]).toEqual(['/d/api.log', '/d/api.1.log']);
  });
});
