import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { shellQuote } from '../../src/base/index.ts';
import {
  isAttached,
  requireSession,
  setSessionOption,
  showMenu,
  showMessage,
  startSession,
} from '../../src/session/index.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { until } from '../support/until.ts';
import { makeProject, makeWorld, type World } from './support.ts';

let world: World;
let outer: PrivateTmux | undefined;
afterEach(async () => {
  await outer?.end();
  outer = undefined;
  await world.end();
});

/** A terminal that looks at the session: a pane of another tmux server. */
async function look(): Promise<(...keys: string[]) => Promise<string>> {
  outer = privateTmux();
  const socket = world.env['DEVENV_TMUX_SOCKET'] ?? '';
  await outer.tmux(
    'new-session',
    '-d',
    '-x',
    '150',
    '-y',
    '40',
    `env -u TMUX tmux -L ${socket} attach -t =shop:`,
  );
  const seen = outer;
  await until('somebody is attached', async () => isAttached(await requireSession(world.deps, world.root)));
  return async (...keys) => {
    if (keys.length > 0) await seen.tmux('send-keys', ...keys);
    return seen.tmux('capture-pane', '-p');
  };
}

async function begin(): Promise<void> {
  world = makeWorld();
  await startSession(world.deps, makeProject(world.root, [{ name: 'api', commands: ['sleep 1000'] }]), {
    windows: [],
  });
}

describe('a menu', () => {
  const menu = (command: string) => ({
    title: 'tests failed #{pid} #(touch pwned)',
    items: [
      { label: 'keep it #S', key: 'k', command: 'true' },
      { label: 'roll back', key: 'r', command },
    ],
  });

  it('is shown, does not wait for the answer, and does what was chosen', async () => {
    await begin();
    const screen = await look();
    const session = await requireSession(world.deps, world.root);
    const odd = path.join(world.root, "it's #S #{pid} 50%; done");
    expect(await showMenu(world.deps, session, menu(`touch ${shellQuote(odd)}`))).toBe(true);
    await until('the menu', async () =>
      /tests failed #\{pid\}[\s\S]*keep it #S[\s\S]*roll back/.test(await screen()),
    );
    await screen('r');
    await until('the choice was carried out', () => existsSync(odd));
    expect(existsSync(path.join(world.root, 'pwned'))).toBe(false);
  });

  it('takes the place of one that nobody has answered, and is forgotten when it is closed', async () => {
    await begin();
    const screen = await look();
    const session = await requireSession(world.deps, world.root);
    const file = (name: string): string => path.join(world.root, name);
    const open = (title: string) => ({
      title,
      items: [{ label: 'yes', key: 'y', command: `touch ${shellQuote(file(title))}` }],
    });
    const isOpen = async (): Promise<boolean> =>
      (await world.tmux('show-options', '-qv', '-t', session.id, '@devenv_menu')) !== '';
    // What a terminal answers right after it was attached may look like a key that closes a menu.
    await until('the first opens', () => showMenu(world.deps, session, open('first')));
    await until('the first', async () => (await screen()).includes('first'));
    await until('the second opens', () => showMenu(world.deps, session, open('second')));
    await until('only the second', async () => /^(?![\s\S]*first)[\s\S]*second/.test(await screen()));
    expect(await isOpen()).toBe(true);
    await screen('y');
    await until('the answer', () => existsSync(file('second')));
    expect(existsSync(file('first'))).toBe(false);
    await until('it is closed', async () => !(await isOpen()));
  });

  it('does not close what the user has open, and says that it is not to be seen', async () => {
    await begin();
    const screen = await look();
    const session = await requireSession(world.deps, world.root);
    const [client = ''] = (await world.tmux('list-clients', '-F', '#{client_name}')).split('\n');
    await world.tmux(
      'run-shell',
      '-b',
      '-C',
      `display-popup -c ${client} 'echo popup of the user; sleep 1000'`,
    );
    await until('the popup', async () => /popup of the user/.test(await screen()));
    expect(await showMenu(world.deps, session, menu('true'))).toBe(false);
    expect(await screen()).toContain('popup of the user');
  });

  it('is gone without harm when the client detaches', async () => {
    await begin();
    const screen = await look();
    const session = await requireSession(world.deps, world.root);
    const chosen = path.join(world.root, 'chosen');
    expect(await showMenu(world.deps, session, menu(`touch ${shellQuote(chosen)}`))).toBe(true);
    await until('the menu', async () => (await screen()).includes('roll back'));
    await world.tmux('detach-client', '-s', session.id);
    await until('nobody is attached', async () => !isAttached(await requireSession(world.deps, world.root)));
    await outer?.end();
    const again = await look();
    expect(await showMenu(world.deps, session, menu(`touch ${shellQuote(chosen)}`))).toBe(true);
    await until('the next one', async () => (await again()).includes('roll back'));
    expect(existsSync(chosen)).toBe(false);
    await again('r');
    await until('the answer', () => existsSync(chosen));
  });

  it('needs somebody to look', async () => {
    await begin();
    expect(await showMenu(world.deps, await requireSession(world.deps, world.root), menu('true'))).toBe(
      false,
    );
  });
});

describe('a message', () => {
  it('is shown as it is to who looks', async () => {
    await begin();
    const screen = await look();
    await showMessage(
      world.deps,
      await requireSession(world.deps, world.root),
      'put back to #{pid} 100% #(touch pwned)',
    );
    await until('the message', async () =>
      (await screen()).includes('put back to #{pid} 100% #(touch pwned)'),
    );
  });

  it('to nobody is no error', async () => {
    await begin();
    await showMessage(world.deps, await requireSession(world.deps, world.root), 'hello');
  });
});

describe('the status line', () => {
  it('shows what @devenv_status says before what the user has there', async () => {
    await begin();
    const screen = await look();
    const session = await requireSession(world.deps, world.root);
    await setSessionOption(world.deps, session, '@devenv_status', '#[fg=green]tests ok');
    await world.tmux('refresh-client', '-S');
    await until('the status line', async () => /tests ok .*\d\d:\d\d/.test(await screen()));
  });

  it('names what has failed', async () => {
    await begin();
    const screen = await look();
    const pane = (await requireSession(world.deps, world.root)).rows[0]?.paneId ?? '';
    await world.tmux(
      'set-option',
      '-p',
      '-t',
      pane,
      '@devenv_state',
      'exited',
      ';',
      'set-option',
      '-p',
      '-t',
      pane,
      '@devenv_exit',
      '3',
    );
    await until('the name', async () => /api failed .*\d\d:\d\d/.test(await screen()));
    await world.tmux('set-option', '-p', '-t', pane, '@devenv_exit', '0');
    await until('no name', async () => !/api failed/.test(await screen()));
  });
});
