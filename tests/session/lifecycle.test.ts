import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hasMark, listProcesses, shellQuote } from '../../src/base/index.ts';
import type { Project } from '../../src/config/index.ts';
import {
  pickWindows,
  requireSession,
  restartWindows,
  runInWindow,
  sessionStatus,
  startSession,
  stopSession,
  stopWindows,
  waitUntilReady,
  type OwnSession,
  type WindowStatus,
} from '../../src/session/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { makeProject, makeWorld, type WindowInput, type World } from './support.ts';

let world: World;
afterEach(() => world.end());

async function started(windows: readonly WindowInput[]): Promise<{ project: Project; session: OwnSession }> {
  const project = makeProject(world.root, windows);
  await startSession(world.deps, project, { windows: [] });
  return { project, session: await requireSession(world.deps, world.root) };
}

const status = async (name: string): Promise<WindowStatus | undefined> =>
  (await sessionStatus(world.deps, world.root))?.windows.find((w) => w.name === name);
const becomes = (name: string, state: string): Promise<WindowStatus> =>
  until(`${name} is ${state}`, async () => {
    const now = await status(name);
    return now?.state === state ? now : undefined;
  });
const screen = (window: string): Promise<string> =>
  world.tmux('capture-pane', '-p', '-J', '-t', `=shop:${window}`);
const shows = (window: string, text: string | RegExp): Promise<unknown> =>
  until(`${window} shows ${text}`, async () =>
    typeof text === 'string' ? (await screen(window)).includes(text) : text.test(await screen(window)),
  );
const press = (window: string, ...keys: string[]): Promise<string> =>
  world.tmux('send-keys', '-t', `=shop:${window}`, ...keys);
const file = (name: string): string => path.join(world.root, name);
const lines = (name: string): string[] =>
  existsSync(file(name)) ? readFileSync(file(name), 'utf8').split('\n').filter(Boolean) : [];

describe('a command that ends', () => {
  it('keeps its output, says how it ended and starts again by Enter', async () => {
    world = makeWorld();
    await started([{ name: 'api', commands: ['echo run >> runs; echo boom; exit 3'] }]);
    expect(await becomes('api', 'failed')).toMatchObject({ health: 'unhealthy', panes: [{ exit: 3 }] });
    await shows(
      'api',
      /boom[\s\S]*\[devenv\] api exited with status 3 after \d+\.\ds\. Enter restarts it; Ctrl-C opens a shell/,
    );
    await press('api', 'Enter');
    await until('it ran again', () => lines('runs').length === 2);
    await shows('api', /boom[\s\S]*boom[\s\S]*exited with status 3/);
    expect(await until('two runs', async () => (await status('api'))?.restarts === 1)).toBe(true);
  });

  it('is recorded though the client that records it is ended at its first try, as a stop may do', async () => {
    const shims = tempDir('shims');
    world = makeWorld('shop', { PATH: `${shims}:${process.env['PATH']}` });
    const real = execFileSync('sh', ['-c', 'command -v tmux'], { encoding: 'utf8' }).trim();
    const script = `#!/bin/sh
case "$*" in *"@devenv_exit 3"*) if mkdir '${shims}/tried' 2>/dev/null; then kill $$; fi ;; esac
exec ${real} "$@"
`;
    writeFileSync(path.join(shims, 'tmux'), script, { mode: 0o755 });
    await started([{ name: 'api', commands: ['exit 3'] }]);
    expect(await becomes('api', 'failed')).toMatchObject({ panes: [{ exit: 3 }] });
    expect(existsSync(path.join(shims, 'tried'))).toBe(true);
  });

  it('keys typed while it ran do not restart it', async () => {
    world = makeWorld();
    await started([{ name: 'api', commands: ['echo run >> runs; until [ -e go ]; do sleep 0.02; done'] }]);
    await press('api', 'Enter', 'Enter', 'x', 'Enter');
    writeFileSync(file('go'), '');
    await becomes('api', 'exited');
    await shows('api', 'Enter restarts it');
    expect(lines('runs')).toHaveLength(1);
  });

  it('Ctrl-C ends it, another one opens a shell, leaving that comes back', async () => {
    world = makeWorld();
    await started([
      {
        name: 'api',
        commands: ['echo up; sleep 1000'],
        restart: { policy: 'always', max: 5, backoffMinMs: 50, backoffMaxMs: 50 },
      },
    ]);
    await shows('api', 'up');
    await press('api', 'C-c');
    await shows('api', 'Enter restarts it; Ctrl-C opens a shell');
    await press('api', 'C-c');
    await shows('api', 'leave this shell');
    await press('api', 'echo from-the-$((40+2)); exit', 'Enter');
    await shows('api', /from-the-42[\s\S]*api: Enter restarts it/);
    await press('api', 'Enter');
    await becomes('api', 'running');
  });

  it('its exit status is seen every time', async () => {
    world = makeWorld();
    const windows = Array.from({ length: 20 }, (_, i) => ({ name: `w${i}`, commands: [`exit ${i + 1}`] }));
    await started(windows);
    for (const [i] of windows.entries())
      expect((await becomes(`w${i}`, 'failed')).panes[0]?.exit).toBe(i + 1);
  });

  it('a wrapper that was killed is seen, too', async () => {
    world = makeWorld();
    const { session } = await started([{ name: 'api', commands: ['exec sleep 1000'] }]);
    process.kill(session.rows[0]?.panePid ?? 0, 'SIGKILL');
    await becomes('api', 'failed');
  });

  it('an editor leaves a shell behind', async () => {
    world = makeWorld();
    await started([{ name: 'editor', kind: 'tool', commands: ['cat'] }]);
    await press('editor', 'C-d');
    await press('editor', 'echo shell-$((40+2))', 'Enter');
    await shows('editor', 'shell-42');
    expect(await status('editor')).toMatchObject({ state: 'running' });
  });
});

describe('restart policy', () => {
  it('restarts with growing pauses, gives up, and counts', async () => {
    world = makeWorld();
    await started([
      {
        name: 'api',
        commands: ['date +%s%N >> runs; exit 1'],
        restart: { policy: 'on-failure', max: 3, backoffMinMs: 100, backoffMaxMs: 300 },
      },
    ]);
    expect(await becomes('api', 'failed')).toMatchObject({ restarts: 3 });
    const at = lines('runs').map((line) => Number(BigInt(line) / 1_000_000n));
    expect(at).toHaveLength(4);
    const gaps = at.slice(1).map((t, i) => t - (at[i] ?? 0));
    [100, 200, 300].forEach((least, i) => expect(gaps[i]).toBeGreaterThanOrEqual(least));
    await shows('api', 'was restarted 3 times');
  });

  it.each([
    [
      'a stop',
      'stopped',
      (session: OwnSession) => stopWindows(world.deps, session, pickWindows(session, [])),
    ],
    ['Ctrl-C', 'failed', () => press('api', 'C-c')],
  ] as const)('a restart that %s prevents is not counted', async (_what, end, prevent) => {
    world = makeWorld();
    const { session } = await started([
      {
        name: 'api',
        commands: ['exit 1'],
        restart: { policy: 'on-failure', max: 3, backoffMinMs: 600_000, backoffMaxMs: 600_000 },
      },
    ]);
    const mark = `DEVENV_SESSION_ID=${session.uid}`;
    await until('the pause', async () =>
      (await listProcesses()).some((p) => p.command === 'sleep 600.000' && hasMark(p.pid, mark)),
    );
    expect(await status('api')).toMatchObject({ restarts: 1 });
    await prevent(session);
    await becomes('api', end);
    expect(await status('api')).toMatchObject({ restarts: 0 });
  });

  it.each([
    ['on-failure leaves a clean end alone', 'on-failure', 'exit 0', 'exited'],
    ['always takes it up again', 'always', '[ -e go ] && exec sleep 1000; touch go', 'running'],
    ['no does nothing', 'no', 'exit 1', 'failed'],
  ] as const)('%s', async (_what, policy, command, end) => {
    world = makeWorld();
    await started([
      {
        name: 'api',
        commands: [`echo run >> runs; ${command}`],
        restart: { policy, max: 5, backoffMinMs: 50, backoffMaxMs: 50 },
      },
    ]);
    await until('it ran', () => lines('runs').length === (policy === 'always' ? 2 : 1));
    await becomes('api', end);
  });
});

describe('needs', () => {
  it('come first, and what needs them waits', async () => {
    world = makeWorld();
    await started([
      { name: 'ui', commands: ['echo ui >> order; sleep 1000'], needs: ['api'] },
      {
        name: 'api',
        commands: ['until [ -e go ]; do sleep 0.02; done; echo api >> order; echo listening; sleep 1000'],
        ready: { kind: 'log', pattern: '^listening$', timeoutMs: 20_000 },
      },
    ]);
    await shows('ui', 'ui waits for api');
    expect(await status('ui')).toMatchObject({ state: 'starting' });
    writeFileSync(file('go'), '');
    await becomes('ui', 'running');
    await until('both ran', () => lines('order').length === 2);
    expect(lines('order')).toEqual(['api', 'ui']);
  });

  it('that fail are told by what needs them, which starts when they are mended', async () => {
    world = makeWorld();
    const { project, session } = await started([
      { name: 'api', commands: ['[ -e mended ] || exit 7; sleep 1000'] },
      { name: 'ui', commands: ['echo ui >> order; sleep 1000'], needs: ['api'] },
    ]);
    await becomes('api', 'failed');
    await shows('ui', 'ui waits for api');
    expect(await status('ui')).toMatchObject({ state: 'starting' });
    writeFileSync(file('mended'), '');
    await restartWindows(world.deps, project, session, ['api']);
    await becomes('ui', 'running');
    await until('it ran', () => lines('order').length === 1);
  });

  it('that fail end a task that needs them', async () => {
    world = makeWorld();
    const { project, session } = await started([
      { name: 'api', commands: ['exit 7'] },
      { name: 'e2e', kind: 'task', commands: ['echo never >> order'], needs: ['api'] },
    ]);
    await becomes('api', 'failed');
    const [e2e] = pickWindows(session, ['e2e']);
    const exit = await runInWindow(world.deps, project, session, e2e!, { onOutput: () => {} });
    expect(exit).not.toBe(0);
    await shows('e2e', /e2e was not started, because what it needs is not ready/);
    expect(lines('order')).toEqual([]);
  });
});

describe('waitUntilReady', () => {
  const wait = (session: OwnSession, windows: readonly string[], timeoutMs?: number) =>
    waitUntilReady(world.deps, session.uid, { windows, timeoutMs }).then((all) =>
      Object.fromEntries(all.map((o) => [o.name, o.outcome])),
    );

  it('knows services by their probes', async () => {
    world = makeWorld();
    const { session } = await started([
      {
        name: 'log',
        commands: ['echo up at 12; sleep 1000'],
        ready: { kind: 'log', pattern: 'up at \\d+', timeoutMs: 20_000 },
      },
      {
        name: 'command',
        commands: ['sleep 0.1; touch there; sleep 1000'],
        ready: { kind: 'command', command: 'test -e there', timeoutMs: 20_000 },
      },
      { name: 'plain', commands: ['sleep 1000'] },
      { name: 'e2e', kind: 'task', run: 'e2e' },
    ]);
    expect(await wait(session, ['log', 'command', 'plain', 'e2e'])).toEqual({
      log: 'ready',
      command: 'ready',
      plain: 'ready',
      e2e: 'ready',
    });
  });

  it('gives up on one that ended, and on one that is late', async () => {
    world = makeWorld();
    const { session } = await started([
      { name: 'gone', commands: ['exit 0'] },
      {
        name: 'late',
        commands: ['sleep 1000'],
        ready: { kind: 'tcp', host: 'localhost', port: 1, timeoutMs: 100 },
      },
    ]);
    expect(await wait(session, ['gone'])).toEqual({ gone: 'failed' });
    expect(await wait(session, ['late'])).toEqual({ late: 'timeout' });
  });

  it('a log line of the run before does not count', async () => {
    world = makeWorld();
    const command = 'if [ -e second ]; then sleep 1000; fi; touch second; echo listening; sleep 1000';
    const { session, project } = await started([
      { name: 'api', commands: [command], ready: { kind: 'log', pattern: 'listening', timeoutMs: 300 } },
    ]);
    expect(await wait(session, ['api'])).toEqual({ api: 'ready' });
    await restartWindows(world.deps, project, session, ['api']);
    expect(await wait(session, ['api'])).toEqual({ api: 'timeout' });
  });
});

describe('stop and restart', () => {
  it('ends what ignores every signal, left its session and lost its parent', async () => {
    world = makeWorld();
    const stubborn = `trap '' HUP TERM INT; echo $$ > pid; while :; do sleep 0.1; done`;
    const { session } = await started([
      {
        name: 'api',
        commands: [`setsid sh -c ${shellQuote(stubborn)} & sleep 1000`],
        stop: { signal: 'SIGTERM', graceMs: 200 },
      },
      { name: 'shell', kind: 'tool' },
    ]);
    const pid = Number(await until('it runs', () => lines('pid')[0]));
    await stopSession(world.deps, session);
    expect((await listProcesses()).some((p) => p.pid === pid)).toBe(false);
    expect(await world.tmux('list-sessions')).toBe('');
    expect((await listProcesses()).filter((p) => hasMark(p.pid, `DEVENV_SESSION_ID=${session.uid}`))).toEqual(
      [],
    );
  });

  it('lets a command end in its own way, those who need others first', async () => {
    world = makeWorld();
    const graceful = (name: string): string =>
      `trap 'sleep 0.1; echo ${name} >> order; exit 0' USR1; while :; do sleep 0.05; done`;
    const stop = { signal: 'SIGUSR1', graceMs: 5000 } as const;
    const { session } = await started([
      { name: 'api', commands: [graceful('api')], stop },
      { name: 'ui', commands: [graceful('ui')], stop, needs: ['api'] },
    ]);
    await until('ui runs', async () => (await status('ui'))?.state === 'running');
    await until('its trap is set', async () =>
      (await listProcesses()).some(
        (p) =>
          p.command === 'sleep 0.05' &&
          hasMark(p.pid, 'DEVENV_WINDOW=ui') &&
          hasMark(p.pid, `DEVENV_SESSION_ID=${session.uid}`),
      ),
    );
    const fresh = await requireSession(world.deps, world.root);
    const result = await stopSession(world.deps, fresh);
    expect(result).toEqual({ stopped: ['api', 'ui'], killed: [] });
    expect(lines('order')).toEqual(['ui', 'api']);
  });

  it('one window: the pane says so, nothing restarts it, the others go on', async () => {
    world = makeWorld();
    const { session } = await started([
      {
        name: 'api',
        commands: ['echo run >> runs; sleep 1000'],
        restart: { policy: 'always', max: 9, backoffMinMs: 10, backoffMaxMs: 10 },
      },
      { name: 'ui', commands: ['sleep 1000'] },
    ]);
    await until('it runs', () => lines('runs').length === 1);
    expect(await stopWindows(world.deps, session, pickWindows(session, ['api']))).toMatchObject({
      stopped: ['api'],
      killed: [],
    });
    expect(await status('api')).toMatchObject({ state: 'stopped', restarts: 0 });
    await shows('api', '[devenv] api stopped. Enter starts it');
    expect(await status('ui')).toMatchObject({ state: 'running' });
    expect(lines('runs')).toHaveLength(1);
    await startSession(
      world.deps,
      makeProject(world.root, [{ name: 'api', commands: ['echo again >> runs; sleep 1000'] }]),
      { windows: ['api'] },
    );
    await until('it runs again', () => lines('runs').at(-1) === 'again');
    expect(await status('api')).toMatchObject({ state: 'running' });
  });

  it('works from inside of one of its own panes', async () => {
    world = makeWorld();
    const { session } = await started([
      {
        name: 'api',
        commands: ["trap 'sleep 0.2; echo ended > end; exit 0' TERM; while :; do sleep 0.05; done"],
      },
      { name: 'shell', kind: 'tool' },
    ]);
    await press('shell', 'devenv stop', 'Enter');
    await until('all of it is gone', async () => {
      const left = (await listProcesses()).filter((p) => hasMark(p.pid, `DEVENV_SESSION_ID=${session.uid}`));
      return left.length === 0 && (await world.tmux('list-sessions')) === '';
    });
    expect(lines('end')).toEqual(['ended']);
  });

  it('never touches another session, not even of the same project name', async () => {
    world = makeWorld();
    await world.tmux('new-session', '-d', '-s', 'other', 'sleep 1000');
    const { session } = await started([{ name: 'api', commands: ['sleep 1000'] }]);
    await stopSession(world.deps, session);
    expect(await world.tmux('list-sessions', '-F', '#{session_name}')).toBe('other');
  });

  it('a restart keeps the pane, its log and its place, and takes up what changed', async () => {
    world = makeWorld();
    const { session, project } = await started([
      { name: 'api', commands: ['echo one; sleep 1000'] },
      { name: 'tool', kind: 'tool' },
    ]);
    await shows('api', 'one');
    const changed = makeProject(world.root, [
      { name: 'api', commands: ['echo "two $NEW"; sleep 1000'], env: { NEW: 'env' } },
      { name: 'tool', kind: 'tool' },
    ]);
    expect(await restartWindows(world.deps, changed, session, [])).toEqual(['api']);
    await shows('api', 'two env');
    const after = await requireSession(world.deps, world.root);
    expect(after.rows.map((row) => row.paneId)).toEqual(session.rows.map((row) => row.paneId));
    expect(after.rows[0]?.panePid).not.toBe(session.rows[0]?.panePid);
    const log = path.join(world.env['XDG_STATE_HOME'] ?? '', 'devenv/logs/shop/api.log');
    await until('both runs are in the log', () =>
      /Z one\n[\s\S]*Z two env\n/.test(readFileSync(log, 'utf8')),
    );
    expect(project.sessionName).toBe('shop');
  });
});

describe('a task', () => {
  it('waits until it is asked for, runs in its window, and gives its output and status', async () => {
    world = makeWorld();
    const { session, project } = await started([
      { name: 'job', kind: 'task', commands: ['echo working; sleep 0.1; echo done; exit 5'] },
    ]);
    await shows('job', 'job: runs on `devenv run job`; Enter runs it now');
    expect(await status('job')).toMatchObject({ state: 'stopped', detail: 'idle' });
    let said = '';
    const [window] = pickWindows(session, ['job']);
    if (!window) throw new Error('no window');
    const exit = await runInWindow(world.deps, project, session, window, {
      onOutput: (text) => (said += text),
    });
    expect({ exit, said }).toEqual({ exit: 5, said: 'working\ndone\n' });
    await shows('job', 'job exited with status 5');
    await press('job', 'Enter');
    await until('it ran once more', async () => (await screen('job')).split('working').length === 3);
  });

  it('is stopped with the run that asked for it', async () => {
    world = makeWorld();
    const { session, project } = await started([
      { name: 'job', kind: 'task', commands: ['touch runs; sleep 1000'] },
    ]);
    const stop = new AbortController();
    const [window] = pickWindows(session, ['job']);
    if (!window) throw new Error('no window');
    const running = runInWindow(world.deps, project, session, window, { signal: stop.signal });
    await until('it runs', () => existsSync(file('runs')));
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'interrupted' });
    expect(await status('job')).toMatchObject({ state: 'stopped' });
  });
});
