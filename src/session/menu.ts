import { randomId } from '../base/index.ts';
import { command, explain, format } from '../tmux/index.ts';
import { clients, type Client } from './clients.ts';
import type { OwnSession, SessionDeps } from './types.ts';

/** A choice put before the user. */
interface Menu {
  readonly title: string;
  readonly items: readonly { readonly label: string; readonly key: string; readonly command: string }[];
}

/** The session's menu that is open: a number of its own, and the process of its client. */
const menuOption = '@devenv_menu';
/** The number of the menu that may be opened: tmux may do so late, when a menu of the user's is closed. */
const wantedOption = '@devenv_menu_wanted';
const leastWidth = 30;

/**
 * Opens a menu in the client that was used last; each item runs a shell command. A menu of before that nobody has
 * answered is closed. Returns false when it is not to be seen: nobody is attached, there is no room, or something
 * of the user's is open. It does not wait for the answer: a menu may stand open for hours.
 */
export async function showMenu(deps: SessionDeps, session: OwnSession, menu: Menu): Promise<boolean> {
  const all = await clients(deps, session);
  const [client] = all;
  // Without a word tmux shows no menu that is too large for the client.
  if (client === undefined || client.width < leastWidth || client.height < menu.items.length + 3)
    return false;
  const room = client.width - 10;
  const items = menu.items.flatMap(({ label, key, command: shell }) => [
    format(label.slice(0, room)),
    key,
    // Expanded once by the menu and once by run-shell.
    format(command('run-shell', '-b', format(shell))),
  ]);
  const open = command(
    'display-menu',
    '-c',
    client.name,
    '-T',
    format(menu.title.length > room ? `${menu.title.slice(0, room - 2)}… ` : menu.title),
    '-x',
    'C',
    '-y',
    'C',
    ...items,
  );
  await closeOwnMenu(deps, session, all);
  const id = randomId();
  const here = ['-t', session.id];
  const ifOption = (option: string, pattern: string, then: string): string =>
    command('if-shell', ...here, '-F', `#{m:${pattern},#{${option}}}`, then);
  const whenWanted = [
    command('set-option', ...here, menuOption, `${id} ${client.pid}`),
    open,
    // Reached when the menu is closed, unless its client is gone.
    ifOption(menuOption, `${id} *`, command('set-option', '-u', ...here, menuOption)),
  ].join(' ; ');
  await deps.tmux.run(['set-option', ...here, wantedOption, id]);
  // In the background, or this client would wait for the answer; run-shell expands formats once more.
  const shown = format(ifOption(wantedOption, id, whenWanted));
  const result = await deps.tmux.run(['run-shell', '-b', ...here, '-C', shown]);
  if (!result.ok) throw explain(result, 'showing a menu');
  for (let tries = 0; tries < 40; tries++) {
    if ((await openMenu(deps, session)).id === id) return true;
    await deps.clock.sleep(25);
  }
  await deps.tmux.run(['set-option', '-u', ...here, wantedOption]);
  return (await openMenu(deps, session)).id === id;
}

/** Closes the menu that nobody has answered, or that is still to come: its question is none any more. */
export async function closeMenu(deps: SessionDeps, session: OwnSession): Promise<void> {
  await deps.tmux.run(['set-option', '-u', '-t', session.id, wantedOption]);
  await closeOwnMenu(deps, session, await clients(deps, session));
}

/** Who pressed a key so short ago is typing: a menu would take the next one for its answer. */
const pauseSeconds = 3;

/**
 * Whether nobody types in the client in which a menu would open; also when there is none.
 */
export async function isIdle(deps: SessionDeps, session: OwnSession): Promise<boolean> {
  const [client] = await clients(deps, session);
  const seconds = client === undefined ? Infinity : deps.clock.now() / 1000 - client.activity;
  // A clock that was set back since is no reason to wait for ever.
  return seconds >= pauseSeconds || seconds < -pauseSeconds;
}

/** One of ours that nobody has answered; a popup of the user's is never closed. */
async function closeOwnMenu(deps: SessionDeps, session: OwnSession, all: readonly Client[]): Promise<void> {
  const { pid } = await openMenu(deps, session);
  const client = all.find((one) => one.pid === pid);
  if (client) await deps.tmux.run(['display-popup', '-C', '-c', client.name]);
}

async function openMenu(
  deps: SessionDeps,
  session: OwnSession,
): Promise<{ readonly id: string; readonly pid: string }> {
  const shown = await deps.tmux.run(['show-options', '-qv', '-t', session.id, menuOption]);
  const [id = '', pid = ''] = shown.stdout.trim().split(' ');
  return { id, pid };
}
