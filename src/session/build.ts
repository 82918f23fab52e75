import { statSync } from 'node:fs';
import { DevenvError } from '../base/index.ts';
import type { Project, WindowConfig } from '../config/index.ts';
import { claimLogDir, ensureLogger, logFile, loggerCommand, type LoggerScripts } from '../logs/index.ts';
import { encodeMark, format, type Marks } from '../tmux/index.ts';
import { paneMarks, type PaneLog } from './marks.ts';
import { paneCommand, paneEnv, sessionEnv } from './pane-env.ts';
import { ensureTools, type PaneTools } from './tools.ts';
import type { SessionDeps } from './types.ts';

/** One tmux command, as arguments. */
export type Command = readonly string[];

/** What every pane of a session is made from. */
export interface Recipe {
  readonly project: Project;
  readonly uid: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tools: PaneTools;
  readonly logDir: string;
  readonly scripts: LoggerScripts;
  /** Seconds since 1970. */
  readonly nowS: number;
}

/** Prepares what panes need on disk: the tools, the logger, the folder of logs. Throws `state-dir`. */
export function makeRecipe(deps: SessionDeps, project: Project, uid: string): Recipe {
  const tools = ensureTools(deps);
  return {
    project,
    uid,
    tools,
    env: sessionEnv(project, uid, deps.env, tools),
    logDir: claimLogDir(deps.env, project, project.config.logs.dir),
    scripts: ensureLogger(deps.env),
    nowS: Math.floor(deps.clock.now() / 1000),
  };
}

/** The log of a pane and its length now, from where a probe reads. Editors and shells draw screens, not logs. */
export function paneLog(recipe: Recipe, window: WindowConfig, index: number): PaneLog | undefined {
  if (window.kind === 'tool') return undefined;
  const { maxSizeBytes, keep } = recipe.project.config.logs;
  const file = logFile(recipe.logDir, window.name, index);
  const logger = loggerCommand({ scripts: recipe.scripts, file, maxSizeBytes, keep });
  return { file, from: statSync(file, { throwIfNoEntry: false })?.size ?? 0, logger };
}

/**
 * The commands that build windows in a new session called `name`, each found by what is current, so
 * that no base-index, name or plugin of the user's matters. Meant for one `sequence`.
 */
export function buildCommands(
  recipe: Recipe,
  name: string,
  windows: readonly WindowConfig[],
  size: { readonly columns: number; readonly rows: number },
): readonly Command[] {
  const here = `=${name}:`;
  const [first, ...more] = windows;
  if (!first) return [];
  const last = windows.length - 1;
  const focus = windows.findIndex((w) => w.focus);
  return [
    ...firstPane(recipe, name, first, size),
    ['set-option', '-t', here, 'destroy-unattached', 'off'],
    ...finishWindow(recipe, here, first),
    ...more.flatMap((window) => [
      newPane(recipe, 'new-window', here, window, 0),
      ...finishWindow(recipe, here, window),
    ]),
    // Counted back from the last window, which is the current one.
    ...(Math.max(focus, 0) === last ? [] : [['select-window', '-t', `${here}-${last - Math.max(focus, 0)}`]]),
  ];
}

function firstPane(
  recipe: Recipe,
  name: string,
  window: WindowConfig,
  size: { readonly columns: number; readonly rows: number },
): readonly Command[] {
  const own = paneEnv(window, 0, recipe);
  const here = `=${name}:`;
  // Variables given to new-session are the session's: those of the first pane alone are taken out again.
  const restore = Object.keys(own).map((key) =>
    recipe.env[key] === undefined
      ? ['set-environment', '-t', here, '-u', key]
      : ['set-environment', '-t', here, key, recipe.env[key]],
  );
  const create = ['new-session', '-d', '-s', name, '-x', String(size.columns), '-y', String(size.rows)];
  return [
    [
      ...create,
      ...place(window),
      '-n',
      windowTitle(window),
      ...vars({ ...recipe.env, ...own }),
      ...program(recipe.tools, window, 0),
    ],
    ...restore,
  ];
}

function newPane(
  recipe: Recipe,
  how: 'new-window' | 'split-window',
  here: string,
  window: WindowConfig,
  index: number,
): Command {
  const title = how === 'new-window' ? ['-n', windowTitle(window)] : [];
  return [
    how,
    '-t',
    here,
    ...place(window),
    ...title,
    ...vars(paneEnv(window, index, recipe)),
    ...program(recipe.tools, window, index),
  ];
}

function finishWindow(recipe: Recipe, here: string, window: WindowConfig): readonly Command[] {
  const rest = window.panes.slice(1).flatMap((_, i) => [
    newPane(recipe, 'split-window', here, window, i + 1),
    ...paneCommands(recipe, here, window, i + 1),
    // Evens the room out, or a further split may find none.
    ...(window.panes.length > 2 ? [['select-layout', '-t', here, 'tiled']] : []),
  ]);
  const arranged =
    rest.length === 0
      ? []
      : [
          ['select-layout', '-t', here, layoutName(window)],
          ['select-pane', '-t', `${here}.{top-left}`],
        ];
  return [
    ['set-option', '-w', '-t', here, 'automatic-rename', 'off'],
    ['set-option', '-w', '-t', here, 'allow-rename', 'off'],
    ...paneCommands(recipe, here, window, 0),
    ...rest,
    ...arranged,
  ];
}

function paneCommands(recipe: Recipe, here: string, window: WindowConfig, index: number): readonly Command[] {
  const log = paneLog(recipe, window, index);
  // An interactive shell closes its pane when it is left, as anywhere in tmux; what runs a command stays.
  const keep = paneCommand(window, index) === undefined ? 'off' : 'on';
  return [
    ['set-option', '-p', '-t', here, 'remain-on-exit', keep],
    ...setMarks(here, paneMarks(window, index, log, recipe.nowS)),
    // The pipe is there from the first byte; its reader comes when the session stands, and does not slow that down.
    ...(log ? [['pipe-pane', '-O', '-t', here, `sleep 0.1; ${log.logger}`]] : []),
  ];
}

/** Sets marks on a pane; undefined ones are taken away. */
export function setMarks(pane: string, marks: Marks): readonly Command[] {
  return Object.entries(marks).map(([name, value]) => [
    'set-option',
    '-p',
    '-t',
    pane,
    `@devenv_${name}`,
    encodeMark(value),
  ]);
}

/** `-e NAME=value` for each variable. */
export function vars(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
}

/** The process of a pane, without a shell in between: the wrapper, or the user's own shell. */
export function program(tools: PaneTools, window: WindowConfig, index: number): readonly string[] {
  // tmux sets SHELL to its default-shell, which is the shell the user expects in a pane.
  if (paneCommand(window, index) === undefined) return ['--', '/bin/sh', '-c', shellScript];
  return ['--', '/bin/sh', tools.wrapper];
}

const shellScript = 'PATH=$DEVENV_PANE_PATH; export PATH; unset DEVENV_PANE_PATH; exec "${SHELL:-/bin/sh}"';

const place = (window: WindowConfig): readonly string[] => ['-c', format(window.cwd)];
const windowTitle = (window: WindowConfig): string => format(window.name);

const layouts = ['even-horizontal', 'even-vertical', 'main-horizontal', 'main-vertical', 'tiled'];

function layoutName(window: WindowConfig): string {
  // An unknown name crashes the whole server of tmux 3.3: it must never get there.
  if (layouts.includes(window.split)) return window.split;
  throw new DevenvError(
    'config',
    `windows.${window.name}.split: no such layout: ${window.split}`,
    layouts.join(', '),
  );
}
