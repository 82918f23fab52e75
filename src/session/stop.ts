import { endProcesses, type ProcessInfo } from '../base/index.ts';
import { listPanes, sequence, type PaneRow } from '../tmux/index.ts';
import { needsFrom, stopFrom } from './marks.ts';
import { windowsOf } from './observe.ts';
import { stopLevels } from './plan.ts';
import { findOrphans, findProcesses, isWrapped, type Orphans } from './processes.ts';
import type { OwnSession, OwnWindow, SessionDeps } from './types.ts';

export interface StopResult {
  /** Windows whose command was running and was ended. */
  readonly stopped: readonly string[];
  /** What did not end by its signal within the grace and was killed. */
  readonly killed: readonly ProcessInfo[];
}

/** Told as windows end, for progress. */
export type OnStopped = (window: string) => void;

/**
 * Ends the commands of some windows, those who need others first: the window's own signal, its
 * grace, then SIGKILL, to the whole tree. The panes stay and say so. Nothing is restarted meanwhile.
 */
export async function stopWindows(
  deps: SessionDeps,
  session: OwnSession,
  windows: readonly OwnWindow[],
  onStopped?: OnStopped,
): Promise<StopResult> {
  const active = windows.filter((window) => window.panes.some(isActive));
  await flag(
    deps,
    active.flatMap((window) => window.panes.filter(isActive)),
  );
  const killed: ProcessInfo[] = [];
  const levels = stopLevels(active.map((w) => ({ name: w.name, needs: w.panes.flatMap(needsFrom) })));
  for (const level of levels) {
    const ended = active
      .filter((w) => level.includes(w.name))
      .map(async (window) => {
        killed.push(...(await endWindow(deps, session, window)));
        onStopped?.(window.name);
      });
    await Promise.all(ended);
  }
  await settled(deps, session, active);
  return { stopped: active.map((w) => w.name), killed };
}

/**
 * Ends a whole session: its services and tasks as `stopWindows` does, then tmux's session (which hangs
 * up on shells and editors), then whatever is left of what was started in it.
 */
export async function stopSession(
  deps: SessionDeps,
  session: OwnSession,
  onStopped?: OnStopped,
): Promise<StopResult> {
  const windows = windowsOf(session).filter((w) => w.panes.some(isWrapped));
  const result = await stopWindows(deps, session, windows, onStopped);
  const rows = ((await listPanes(deps.tmux)) ?? []).filter((row) => row.marks.id === session.uid);
  if (rows.length > 0) await deps.tmux.run(['kill-session', '-t', session.id]);
  const panes = rows.length > 0 ? rows : session.rows;
  const find = () => findProcesses({ uid: session.uid, panes, spareWrappers: false, includeAncestors: true });
  await hungUp(deps, find);
  const killed = await endProcesses(deps.clock, find, { signal: 'SIGTERM', graceMs: 3000 });
  return { stopped: result.stopped, killed: [...result.killed, ...killed] };
}

/** Ends what a session that is gone left behind; see `findOrphans`. Returns what was ended. */
export async function endOrphans(
  deps: SessionDeps,
  root: string,
  which?: Orphans,
): Promise<readonly ProcessInfo[]> {
  const find = () => findOrphans(root, deps.tmux.socket, which);
  const left = await find();
  if (left.length > 0) await endProcesses(deps.clock, find, { signal: 'SIGTERM', graceMs: 5000 });
  return left;
}

/** Waits a moment for what the hang-up alone ends, so that an editor saves its recovery file in peace. */
async function hungUp(deps: SessionDeps, find: () => Promise<readonly ProcessInfo[]>): Promise<void> {
  for (let round = 0; round < 25 && (await find()).length > 0; round++) await deps.clock.sleep(20);
}

const isActive = (row: PaneRow): boolean =>
  !row.dead && (!isWrapped(row) || ['running', 'waiting', 'restarting'].includes(row.marks.state ?? ''));

/** Tells the wrappers that the end to come is wanted. */
async function flag(deps: SessionDeps, rows: readonly PaneRow[]): Promise<void> {
  if (rows.length === 0) return;
  // A pane may close at this very moment: each is told by itself.
  await deps.tmux.script(
    rows.map((row) => sequence([['set-option', '-p', '-t', row.paneId, '@devenv_stopping', '1']])),
  );
}

async function endWindow(
  deps: SessionDeps,
  session: OwnSession,
  window: OwnWindow,
): Promise<readonly ProcessInfo[]> {
  const [first] = window.panes;
  if (!first) return [];
  const isTool = first.marks.kind === 'tool';
  const how = stopFrom(first);
  const scope = { uid: session.uid, window: window.name, panes: window.panes, spareWrappers: !isTool };
  // Interactive shells ignore SIGTERM; a hang-up is what ends them everywhere.
  return endProcesses(deps.clock, () => findProcesses(scope), isTool ? { ...how, signal: 'SIGHUP' } : how);
}

/** Waits until the wrappers have said what became of their command. */
async function settled(deps: SessionDeps, session: OwnSession, windows: readonly OwnWindow[]): Promise<void> {
  const names = new Set(windows.map((w) => w.name));
  for (let round = 0; round < 100; round++) {
    const rows = (await listPanes(deps.tmux)) ?? [];
    const busy = rows.some(
      (row) =>
        row.marks.id === session.uid && names.has(row.marks.window ?? '') && isWrapped(row) && isActive(row),
    );
    if (!busy) return;
    await deps.clock.sleep(20);
  }
}
