import type { Project, WindowConfig } from '../config/index.ts';
import type { PaneRow } from '../tmux/index.ts';
import { ownSessions, unknownWindow, windowsOf } from './observe.ts';
import type { OwnSession, OwnWindow } from './types.ts';

/** What a start does, decided from the configuration and from what tmux shows. */
export type SessionPlan =
  /** Nothing runs: the whole session, or the windows asked for and what they need. */
  | { readonly kind: 'build'; readonly wanted: readonly WindowConfig[] }
  /**
   * It runs: `windows` are missing, `revive` are there but ended and were asked for by name or are needed by one that
   * was. Both can be empty.
   */
  | {
      readonly kind: 'running';
      readonly session: OwnSession;
      readonly wanted: readonly WindowConfig[];
      readonly windows: readonly PlacedWindow[];
      readonly revive: readonly OwnWindow[];
    }
  /** A session of that name is not ours. */
  | { readonly kind: 'refused'; readonly name: string; readonly root: string | undefined };

/** A window to add, after that window of tmux's (its id), or before all for undefined. */
export interface PlacedWindow {
  readonly window: WindowConfig;
  readonly after: string | undefined;
}

/** Decides what `start` does. Pure. Throws `unknown-window` for a name the project does not have. */
export function planSession(
  project: Project,
  rows: readonly PaneRow[],
  names: readonly string[],
): SessionPlan {
  const wanted = wantedWindows(project.config.windows, names);
  const session = ownSessions(rows).find((own) => own.root === project.root);
  if (!session) {
    const foreign = rows.find((row) => row.sessionName === project.sessionName);
    if (foreign) return { kind: 'refused', name: foreign.sessionName, root: foreign.marks.root };
    return { kind: 'build', wanted };
  }
  const present = windowsOf(session);
  const missing = wanted.filter((window) => !present.some((own) => own.name === window.name));
  const named = names.length === 0 ? [] : wanted;
  const revive = present.filter((own) => named.some(({ name }) => name === own.name) && hasEnded(own));
  return {
    kind: 'running',
    session,
    wanted,
    revive,
    windows: place(project.config.windows, present, missing),
  };
}

/** The windows named and, transitively, those they need, in the order of the layout; all for no names. */
function wantedWindows(all: readonly WindowConfig[], names: readonly string[]): readonly WindowConfig[] {
  if (names.length === 0) return all;
  const wanted = new Set<string>();
  const add = (name: string): void => {
    if (wanted.has(name)) return;
    const window = all.find((w) => w.name === name);
    if (!window)
      throw unknownWindow(
        name,
        all.map((w) => w.name),
      );
    wanted.add(name);
    window.needs.forEach(add);
  };
  names.forEach(add);
  return all.filter((w) => wanted.has(w.name));
}

function place(
  all: readonly WindowConfig[],
  present: readonly OwnWindow[],
  missing: readonly WindowConfig[],
): readonly PlacedWindow[] {
  return missing.map((window) => {
    const before = all.slice(0, all.indexOf(window)).map((w) => w.name);
    return { window, after: present.findLast((own) => before.includes(own.name))?.id };
  });
}

const hasEnded = (window: OwnWindow): boolean =>
  window.panes.some((row) => row.dead || row.marks.state === 'exited' || row.marks.state === 'stopped');

/** Windows in the order they can be stopped: who needs others goes first. Each level may end at once. */
export function stopLevels(
  windows: readonly { readonly name: string; readonly needs: readonly string[] }[],
): readonly (readonly string[])[] {
  const left = new Map(windows.map((w) => [w.name, w.needs]));
  const levels: string[][] = [];
  while (left.size > 0) {
    const needed = new Set([...left.values()].flat());
    const free = [...left.keys()].filter((name) => !needed.has(name));
    // A circle cannot come from a checked configuration; if one does, it ends together.
    const level = free.length > 0 ? free : [...left.keys()];
    level.forEach((name) => left.delete(name));
    levels.push(level);
  }
  return levels;
}
