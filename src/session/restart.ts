import type { Project, WindowConfig } from '../config/index.ts';
import { command, explain, format, sequence, type PaneRow } from '../tmux/index.ts';
import { makeRecipe, paneLog, program, setMarks, vars, type Command, type Recipe } from './build.ts';
import { requireFolders } from './folders.ts';
import { paneMarks } from './marks.ts';
import { pickWindows, windowsOf } from './observe.ts';
import { paneCommand, paneEnv } from './pane-env.ts';
import { stopWindows, type OnStopped } from './stop.ts';
import type { OwnSession, OwnWindow, SessionDeps } from './types.ts';

/**
 * Ends the commands of windows and starts them again in the same panes, with the configuration as it
 * is now: pane ids, layout and logs stay. No names: every service. Returns the names.
 */
export async function restartWindows(
  deps: SessionDeps,
  project: Project,
  session: OwnSession,
  names: readonly string[],
  onStopped?: OnStopped,
): Promise<readonly string[]> {
  const picked = pickWindows(session, names).filter(
    (w) => names.length > 0 || w.panes[0]?.marks.kind === 'service',
  );
  const known = picked.filter((w) => project.config.windows.some((config) => config.name === w.name));
  if (known.length === 0) return [];
  requireFolders(project, known);
  const recipe = makeRecipe(deps, project, session.uid);
  await stopWindows(deps, session, known, onStopped);
  await respawn(deps, recipe, known);
  return known.map((w) => w.name);
}

/**
 * The services that are to start anew when the code under them became another: those that run, and those
 * that the code now gone had broken. One that a person stopped stays stopped, one that ended well stays ended.
 */
export function restartable(session: OwnSession): readonly string[] {
  const isUp = ({ marks, dead }: PaneRow): boolean =>
    marks.kind === 'service' &&
    (marks.state === 'running' ||
      marks.state === 'restarting' ||
      (marks.state === 'exited' && marks.exit !== '0') ||
      (dead && marks.state !== 'stopped'));
  return windowsOf(session)
    .filter((window) => window.panes.some(isUp))
    .map((window) => window.name);
}

/** Starts the programs of existing panes anew, by one tmux process. `now`: a task runs at once. */
export async function respawn(
  deps: SessionDeps,
  recipe: Recipe,
  windows: readonly OwnWindow[],
  now = false,
): Promise<void> {
  const commands = windows.flatMap((own) => {
    const window = recipe.project.config.windows.find((w) => w.name === own.name);
    return window
      ? own.panes.flatMap((row) => respawnPane(recipe, window, row.paneId, Number(row.marks.pane ?? 0), now))
      : [];
  });
  const result = await deps.tmux.script([sequence(commands)]);
  if (!result.ok) throw explain(result, 'restarting a window');
}

// Facts of the run before, which must not be taken for the new one's.
const outdated = ['exit', 'restarts', 'stopping', 'seen', 'port', 'ready', 'needs'];

function respawnPane(
  recipe: Recipe,
  window: WindowConfig,
  pane: string,
  index: number,
  now: boolean,
): readonly Command[] {
  if (index >= window.panes.length) return [];
  const log = paneLog(recipe, window, index);
  const marks = paneMarks(window, index, log, recipe.nowS);
  const runsNow = now && paneCommand(window, index) !== undefined;
  return [
    ...outdated.map((mark) => ['set-option', '-p', '-u', '-t', pane, `@devenv_${mark}`]),
    ...setMarks(pane, runsNow ? { ...marks, state: 'running' } : marks),
    [
      'respawn-pane',
      '-k',
      '-t',
      pane,
      '-c',
      format(window.cwd),
      ...vars({ ...recipe.env, ...paneEnv(window, index, recipe, now) }),
      ...program(recipe.tools, window, index),
    ],
    // The logger outlives a respawn; where it was lost it comes back.
    ...(log
      ? [
          [
            'if-shell',
            '-F',
            '-t',
            pane,
            '#{pane_pipe}',
            '',
            command('pipe-pane', '-O', '-t', pane, log.logger),
          ],
        ]
      : []),
  ];
}
