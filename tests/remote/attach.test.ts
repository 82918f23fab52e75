import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot, shellQuote } from '../../src/base/index.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { until } from '../support/until.ts';
import { makePair, type Pair } from './support.ts';

/** A real terminal at home is a pane of a tmux of its own; the box is behind a link that can be cut and frozen. */
describe('attach --host', () => {
  let pair: Pair;
  let home: PrivateTmux;
  beforeAll(async () => {
    pair = await makePair({ port: true });
    writeFileSync(
      path.join(pair.project, 'devenv.local.yaml'),
      `hosts:\n  box: { ssh: ${pair.box.host}, path: ${pair.there}, keepalive: 1s }\n`,
    );
    home = privateTmux(pair.box.env);
    await home.tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'home', '-x', '90', '-y', '20', 'sh');
  });
  afterAll(async () => {
    await home.end();
    await pair.box.end();
  });

  const screen = (): Promise<string> => home.tmux('capture-pane', '-p', '-t', 'home');
  const type = (...keys: string[]): Promise<string> => home.tmux('send-keys', '-t', 'home', ...keys);
  const command = (args: string): Promise<string> => {
    const program = [process.execPath, path.join(packageRoot(), 'bin/devenv.js')].map(shellQuote).join(' ');
    return type(`cd ${shellQuote(pair.project)}; clear; ${program} ${args}; echo "ended $?"`, 'Enter');
  };
  const there = async (...args: string[]): Promise<string> =>
    (await pair.box.there(['tmux', ...args])).stdout.trimEnd();
  const clients = async (): Promise<readonly string[]> =>
    (await there('list-clients', '-F', '#{client_width}x#{client_height}')).split('\n').filter(Boolean);
  const shown = (text: string): Promise<unknown> =>
    until(`the screen shows ${text}`, async () => (await screen()).includes(text));
  let port = '';

  it(
    'starts the session there and shows it here, in its size, with its ports',
    { timeout: 120_000 },
    async () => {
      const before = pair.box.execs();
      await command('start --host box --forward');
      await until('one client is attached', async () => (await clients())[0] === '90x20');
      // start, the ports, the terminal: bootstrapping apart, each one exec.
      expect(pair.box.execs() - before).toBe(3);
      await shown('[shop]');
      // What was said before stands on the screen below the alternate one.
      const below = await home.tmux('capture-pane', '-a', '-p', '-t', 'home');
      port = /api: http:\/\/localhost:(\d+)/.exec(below)?.[1] ?? '';
      expect((await fetch(`http://localhost:${port}/notes.txt`)).status).toBe(200);
    },
  );

  it('comes back by itself after the link was cut, ports included, and leaves one client', async () => {
    await there('send-keys', '-t', 'shop:tool', 'written before', 'Enter');
    await there('select-window', '-t', 'shop:tool');
    await shown('written before');
    const connections = pair.box.proxy?.connections() ?? 0;
    pair.box.proxy?.cut('rst');
    await until('a new connection', () => (pair.box.proxy?.connections() ?? 0) > connections);
    await until('one client is attached', async () => (await clients()).join() === '90x20');
    await shown('written before');
    await type('typed after', 'Enter');
    await until('what is typed arrives there', async () =>
      (await there('capture-pane', '-p', '-t', 'shop:tool')).includes('typed after'),
    );
    await until('the port is there again', async () => (await fetch(`http://localhost:${port}/`)).ok);
  });

  it(
    'sees a frozen link, counts down, and detaches the dead client when it is back',
    { timeout: 90_000 },
    async () => {
      pair.box.proxy?.freeze();
      await shown('lost; trying again in');
      expect(await screen()).toContain('connection to box lost');
      expect(await clients()).toHaveLength(1);
      pair.box.proxy?.cut('rst');
      pair.box.proxy?.thaw();
      await home.tmux('resize-window', '-t', 'home', '-x', '100', '-y', '25');
      await type('Enter');
      await until('one client of the new size', async () => (await clients()).join() === '100x25');
    },
  );

  it('gives up when asked to, and the session goes on', { timeout: 90_000 }, async () => {
    pair.box.proxy?.refuse(true);
    pair.box.proxy?.cut('fin');
    await shown('q: give up');
    await type('q');
    await shown('ended 3');
    expect(await screen()).toContain('devenv attach --host box shows it again');
    pair.box.proxy?.refuse(false);
    expect(await there('list-windows', '-t', 'shop', '-F', '#{window_name}')).toBe('api\ntool');
  });

  it('attaches to one window, and ends with 0 when it is detached', { timeout: 90_000 }, async () => {
    await command('attach tool --host box');
    await shown('typed after');
    await type('C-b', 'd');
    await shown('ended 0');
    expect(await clients()).toEqual([]);
  });

  it(
    'starts again what runs there and shows it, also a service that is down',
    { timeout: 90_000 },
    async () => {
      await there('send-keys', '-t', 'shop:api', 'C-c');
      await until('it is down', async () =>
        /\n?api (exited|failed)/.test(
          (await there('list-panes', '-s', '-t', 'shop', '-F', '#{window_name} #{@devenv_state}')) || '',
        ),
      );
      await command('start --host box');
      await until('one client is attached', async () => (await clients()).length === 1);
      await type('C-b', 'd');
      await shown('ended 0');
      expect((await pair.on('start', '--detach')).code).toBe(1);
    },
  );

  it('takes a terminal that the box does not know for an ordinary one', { timeout: 90_000 }, async () => {
    await type('TERM=xterm-nobody-knows', 'Enter');
    await command('attach --host box');
    await shown('[shop]');
    await type('C-b', 'd');
    // That terminal cannot be cleared: the word of the command before is still there.
    await until('this one has ended too', async () => (await screen()).split('ended 0').length > 2);
  });

  it('names a window that is not there', async () => {
    await command('attach nope --host box');
    await shown('no window called nope');
    await shown('ended 4');
  });

  it('loses no line of the log meanwhile', async () => {
    const log = (await pair.on('logs', 'api', '-n', '1000')).stdout;
    expect(log).toContain('notes.txt');
    expect(readFileSync(path.join(pair.there, 'notes.txt'), 'utf8')).toBe('one\n');
  });
});
