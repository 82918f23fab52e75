import { DevenvError, hasMark, sendSignal } from '../base/index.ts';
import { explain, format, isGone } from '../tmux/index.ts';
import { clients, clientsOf } from './clients.ts';
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
