import { DevenvError, hasMark, randomId, sendSignal } from '../base/index.ts';
import { command, explain, format, isGone } from '../tmux/index.ts';
import { pickWindows } from './observe.ts';
import type { OwnSession, SessionDeps } from './types.ts';

/** Shows the session on this terminal until the user detaches; inside the same tmux server it switches to it. */
export async function attachSession(deps: SessionDeps, session: OwnSession, window?: string): Promise<void> {
  const target = window === undefined ? undefined : pickWindows(session, [window])[0]?.id;
  const select = target === undefined ? [] : [';', 'select-window', '-t', target];
  if (deps.tmux.inside) return switchTo(deps, session, select);
  await endLeftBehind(deps, session);
  const result = await deps.tmux.run(['attach-session', '-t', session.id, ...select], { stdio: 'inherit' });
  if (!result.ok && result.reason === 'missing') throw explain(result, 'attaching');
  if (!result.ok)
    throw new DevenvError(
      'environment',
      `tmux could not attach to ${session.name}`,
      'it said why above; devenv status shows the session',
    );
}

async function switchTo(deps: SessionDeps, session: OwnSession, select: readonly string[]): Promise<void> {
  const viewer = await viewerOf(deps);
  if (viewer !== null) {
    const by = viewer === undefined ? [] : ['-c', viewer];
    const result = await deps.tmux.run(['switch-client', ...by, '-t', session.id, ...select]);
    if (result.ok) return;
    if (!isGone(result)) throw explain(result, 'switching to the session');
  }
  throw new DevenvError(
    'environment',
    'nobody is attached to the tmux session that this runs in, so no terminal can show another',
    'devenv attach in a terminal shows it; devenv status and devenv logs work without one',
  );
}

/** Whether a terminal can show the session: in a pane of this server that nobody looks at there is none. */
export async function canAttach(deps: SessionDeps): Promise<boolean> {
  return !deps.tmux.inside || (await viewerOf(deps)) !== null;
}

/**
 * The client that looks at the session this process runs in; null when there is none. What runs in no pane (a key
 * binding, a popup) leaves the choice to tmux: undefined.
 */
async function viewerOf(deps: SessionDeps): Promise<string | null | undefined> {
  const pane = deps.env['TMUX_PANE'];
  if (!pane) return undefined;
  const [client] = await clientsOf(deps, pane);
  return client?.name ?? null;
}

/**
 * Whoever attaches from another machine after the link was lost has still a client here, which nobody sees and which
 * pins the size of the windows: it carries the same mark. Its terminal is dead, so it is not asked.
 */
async function endLeftBehind(deps: SessionDeps, session: OwnSession): Promise<void> {
  const mark = deps.env['DEVENV_CLIENT'];
  if (!mark) return;
  for (const { pid } of await clients(deps, session))
    if (hasMark(Number(pid), `DEVENV_CLIENT=${mark}`)) sendSignal(Number(pid), 'SIGKILL');
}

/** Whether somebody looks at the session. */
export function isAttached(session: OwnSession): boolean {
  return session.attached > 0;
}

/** Shows one line in the status line of every attached client. */
export async function showMessage(deps: SessionDeps, session: OwnSession, text: string): Promise<void> {
  for (const { name } of await clients(deps, session)) {
    await deps.tmux.run(['display-message', '-c', name, '-d', '10000', format(text)]);
  }
}

/** A choice put before the user. */
interface Menu {
  readonly title: string;
  readonly items: readonly { readonly label: string; readonly key: string; readonly command: string }[];
}

/** The session's menu that was opened last: a number of its own, and the process of its client. */
const menuOption = '@devenv_menu';

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
  const here = ['-t', session.id, menuOption];
  const commands = [
    command('set-option', ...here, `${id} ${client.pid}`),
    open,
    // Reached when the menu is closed, unless its client is gone.
    command(
      'if-shell',
      '-t',
      session.id,
      '-F',
      `#{m:${id} *,#{${menuOption}}}`,
      command('set-option', '-u', ...here),
    ),
  ].join(' ; ');
  // In the background, or this client would wait for the answer; run-shell expands formats once more.
  const result = await deps.tmux.run(['run-shell', '-b', '-t', session.id, '-C', format(commands)]);
  if (!result.ok) throw explain(result, 'showing a menu');
  for (let tries = 0; tries < 40; tries++) {
    if ((await openMenu(deps, session)).id === id) return true;
    await deps.clock.sleep(25);
  }
  return false;
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

/** Sets a user option of the session (`@devenv_status` is what its status line shows). */
export async function setSessionOption(
  deps: SessionDeps,
  session: OwnSession,
  name: `@devenv_${string}`,
  value: string,
): Promise<void> {
  const result = await deps.tmux.run(['set-option', '-t', session.id, name, value]);
  if (!result.ok) throw explain(result, `setting ${name}`);
}

const leastWidth = 30;

interface Client {
  readonly name: string;
  readonly pid: string;
  readonly width: number;
  readonly height: number;
}

/** The session's clients, the one used last first. */
const clients = (deps: SessionDeps, session: OwnSession): Promise<readonly Client[]> =>
  clientsOf(deps, session.id);

async function clientsOf(deps: SessionDeps, target: string): Promise<readonly Client[]> {
  const fields = '#{client_activity} #{client_pid} #{client_width} #{client_height} #{client_name}';
  const result = await deps.tmux.run(['list-clients', '-t', target, '-F', fields]);
  return result.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [activity = '', pid = '', width = '', height = '', ...name] = line.split(' ');
      return {
        activity: Number(activity),
        pid,
        width: Number(width),
        height: Number(height),
        name: name.join(' '),
      };
    })
    .toSorted((a, b) => b.activity - a.activity);
}
