import { shellQuote } from '../base/index.ts';
import type { Project, WindowConfig } from '../config/index.ts';
import type { PaneTools } from './tools.ts';

type Vars = Readonly<Record<string, string>>;

// What decides where devenv keeps things must be the same inside as outside.
const passedOn = [
  'XDG_STATE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
  'DEVENV_TMUX_SOCKET',
  'DEVENV_SSH_CONFIG',
];

/** The variables that every pane of a session has. */
export function sessionEnv(project: Project, uid: string, env: NodeJS.ProcessEnv, tools: PaneTools): Vars {
  const passed = passedOn.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  return {
    ...Object.fromEntries(passed),
    ...project.config.env,
    PATH: withTools(project.config.env['PATH'] ?? env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', tools),
    DEVENV_SESSION_ID: uid,
    DEVENV_SESSION: project.sessionName,
    DEVENV_ROOT: project.root,
  };
}

function withTools(searchPath: string, tools: PaneTools): string {
  return [tools.dir, ...searchPath.split(':').filter((dir) => dir !== tools.dir)].join(':');
}

/** The variables of one pane alone: the window's own, PORT, and what the wrapper is told. */
export function paneEnv(
  window: WindowConfig,
  index: number,
  { tools, env }: { readonly tools: PaneTools; readonly env: Vars },
  now = false,
): Vars {
  const { restart, port } = window;
  const command = paneCommand(window, index);
  const own = window.env['PATH'];
  return {
    ...window.env,
    // tmux gives panes the PATH of the client that made them, whatever is said here: they set it themselves.
    DEVENV_PANE_PATH: own === undefined ? (env['PATH'] ?? '') : withTools(own, tools),
    ...(typeof port === 'number' ? { PORT: String(port) } : {}),
    DEVENV_WINDOW: window.name,
    ...(command === undefined
      ? {}
      : {
          DEVENV_PANE_MODE: window.kind,
          DEVENV_PANE_COMMAND: command,
          DEVENV_PANE_NEEDS: window.needs.map(shellQuote).join(' '),
          DEVENV_PANE_RESTART: [
            restart.policy,
            Math.min(restart.max, 1e9),
            restart.backoffMinMs,
            restart.backoffMaxMs,
          ].join(' '),
          DEVENV_PANE_NOW: now ? '1' : '',
          DEVENV_PANE_TMUX: tools.tmux,
          DEVENV_PANE_DEVENV: tools.devenv,
        }),
  };
}

/** What the pane's wrapper runs; undefined for an interactive shell. A task window runs its suite. */
export function paneCommand(window: WindowConfig, index: number): string | undefined {
  const command = window.panes[index]?.command;
  if (command === undefined && index === 0 && window.run !== undefined)
    return `devenv run ${shellQuote(window.run)}`;
  return command;
}
