import { DevenvError, nameHint } from '../base/index.ts';
import { clientVersion, listPanes, type PaneRow } from '../tmux/index.ts';
import type { OwnSession, OwnWindow, SessionDeps } from './types.ts';

/** The sessions that devenv made, on this server; known by their marks, never by name. */
export function ownSessions(rows: readonly PaneRow[]): readonly OwnSession[] {
  const byId = Map.groupBy(
    rows.filter((row) => row.marks.id !== undefined && row.marks.root !== undefined),
    (row) => row.sessionId,
  );
  return [...byId.values()].flatMap((panes) => {
    const [first] = panes;
    if (!first) return [];
    const { sessionId, sessionName, attached, marks } = first;
    return [
      {
        id: sessionId,
        name: sessionName,
        uid: marks.id ?? '',
        root: marks.root ?? '',
        attached,
        rows: panes,
      },
    ];
  });
}

/** The running session of a project's folder, if there is one. One tmux call at most. */
export async function findSession(deps: SessionDeps, root: string): Promise<OwnSession | undefined> {
  return ownSessions((await listPanes(deps.tmux)) ?? []).find((session) => session.root === root);
}

/** As `findSession`; throws `no-session` when it does not run, `no-tmux` where none could. */
export async function requireSession(deps: SessionDeps, root: string): Promise<OwnSession> {
  const session = await findSession(deps, root);
  if (session) return session;
  await clientVersion(deps.tmux);
  throw new DevenvError('no-session', `no session is running for ${root}`, 'devenv start builds it');
}

/** devenv's windows of a session, in tmux's order. */
export function windowsOf(session: OwnSession): readonly OwnWindow[] {
  const marked = session.rows.filter((row) => row.marks.window !== undefined);
  return [...Map.groupBy(marked, (row) => row.marks.window ?? '')].map(([name, panes]) => ({
    name,
    id: panes[0]?.windowId ?? '',
    panes,
  }));
}

/** Windows by name, all for no names. Throws `unknown-window` with the nearest name. */
export function pickWindows(session: OwnSession, names: readonly string[]): readonly OwnWindow[] {
  const windows = windowsOf(session);
  for (const name of names)
    if (!windows.some((w) => w.name === name))
      throw unknownWindow(
        name,
        windows.map((w) => w.name),
      );
  return names.length === 0 ? windows : windows.filter((w) => names.includes(w.name));
}

/** The error for a name that no window has. */
export function unknownWindow(name: string, known: readonly string[]): DevenvError {
  return new DevenvError('unknown-window', `no window called ${name}`, nameHint(name, known));
}
