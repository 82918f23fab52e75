import { environOf, hasMark, listProcesses, self, withDescendants, type ProcessInfo } from '../base/index.ts';
import type { PaneRow } from '../tmux/index.ts';

/** Which processes of a session are meant. */
export interface Scope {
  /** The build's id, their mark. */
  readonly uid: string;
  /** Only those of this window; undefined: of the whole session. */
  readonly window?: string | undefined;
  readonly panes: readonly PaneRow[];
  /** Leave the panes' own processes (wrappers) alone: they are to see how their command ended. */
  readonly spareWrappers: boolean;
  /** Also those this process descends from; else a stop inside a pane would end its own shell first. */
  readonly includeAncestors?: boolean;
}

/**
 * The processes of a window or session: marked in their environment, in the terminal session of a
 * pane, or descended from such. Never this process nor its own children.
 */
export async function findProcesses(scope: Scope): Promise<readonly ProcessInfo[]> {
  const all = await listProcesses();
  const panePids = new Set(
    scope.panes.filter((row) => !row.dead || scope.window === undefined).map((row) => row.panePid),
  );
  const belongs = (p: ProcessInfo): boolean =>
    panePids.has(p.sid) ||
    panePids.has(p.pid) ||
    (hasMark(p.pid, `DEVENV_SESSION_ID=${scope.uid}`) &&
      (scope.window === undefined || hasMark(p.pid, `DEVENV_WINDOW=${scope.window}`)));
  const roots = new Set(all.filter(belongs).map((p) => p.pid));
  const spared = new Set(withDescendants(all, new Set([self.pid])).map((p) => p.pid));
  spared.add(self.pid);
  if (scope.includeAncestors !== true) for (const pid of ancestors(all)) spared.add(pid);
  if (scope.spareWrappers) for (const row of scope.panes) if (isWrapped(row)) spared.add(row.panePid);
  return withDescendants(all, roots).filter(
    (p) => !spared.has(p.pid) && !hasMark(p.pid, 'DEVENV_PANE_HELPER=1'),
  );
}

/** Which of them: see `findOrphans`. */
export interface Orphans {
  readonly windows?: readonly string[];
  readonly alive?: string | undefined;
}

/**
 * What is left of earlier sessions of a project whose tmux session is gone (a stop that was killed, a
 * tmux server that crashed): started in a pane of this very tmux server, for this very root. `windows`: only what
 * was started in those. `alive`: the id of a session that runs, whose processes are none.
 */
export async function findOrphans(
  root: string,
  socket: string,
  { windows, alive }: Orphans = {},
): Promise<readonly ProcessInfo[]> {
  const raw = (text: string): string => Buffer.from(text).toString('latin1');
  const all = await listProcesses();
  const left = all.filter(({ pid }) => {
    const environ = environOf(pid);
    const session = environ.find((entry) => entry.startsWith('DEVENV_SESSION_ID='));
    return (
      session !== undefined &&
      session !== `DEVENV_SESSION_ID=${alive}` &&
      environ.includes(raw(`DEVENV_ROOT=${root}`)) &&
      (windows === undefined || windows.some((name) => environ.includes(raw(`DEVENV_WINDOW=${name}`)))) &&
      environ.some((entry) => entry.startsWith(raw(`TMUX=${socket},`)))
    );
  });
  const spared = new Set([...ancestors(all), ...withDescendants(all, new Set([self.pid])).map((p) => p.pid)]);
  return withDescendants(all, new Set(left.map((p) => p.pid))).filter((p) => !spared.has(p.pid));
}

/** Whether the pane's process is devenv's wrapper around a service or task. */
export function isWrapped(row: PaneRow): boolean {
  return row.marks.command !== undefined && row.marks.kind !== 'tool';
}

function ancestors(all: readonly ProcessInfo[]): readonly number[] {
  const byPid = new Map(all.map((p) => [p.pid, p]));
  const chain: number[] = [];
  for (let p = byPid.get(self.pid); p && p.ppid > 1 && !chain.includes(p.ppid); p = byPid.get(p.ppid))
    chain.push(p.ppid);
  return chain;
}
