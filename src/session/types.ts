import type { Clock } from '../base/index.ts';
import type { PaneRow, Tmux } from '../tmux/index.ts';

/** What the session's functions touch the world with. */
export interface SessionDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly tmux: Tmux;
  /** The program that panes call as `devenv`; default: this package's bin/devenv.js. */
  readonly program?: string;
}

/** A running session that devenv made for one project. */
export interface OwnSession {
  /** tmux's id (`$3`): stays when the user renames the session. */
  readonly id: string;
  readonly name: string;
  /** The build's random id: every process in the panes has it as DEVENV_SESSION_ID. */
  readonly uid: string;
  readonly root: string;
  /** tmux clients that look at it. */
  readonly attached: number;
  /** All its panes, in tmux's order; also those that the user opened and that carry no mark. */
  readonly rows: readonly PaneRow[];
}

/** One window of it, by devenv's name. */
export interface OwnWindow {
  readonly name: string;
  readonly id: string;
  readonly panes: readonly PaneRow[];
}

/** As `--json` shows it. */
export type WindowState = 'starting' | 'ready' | 'running' | 'exited' | 'failed' | 'stopped';
type Health = 'healthy' | 'unhealthy' | 'unknown';

export interface PaneStatus {
  readonly id: string;
  readonly pid: number;
  readonly command: string | null;
  readonly exit: number | null;
}

export interface WindowStatus {
  readonly name: string;
  /** tmux's id of the window; null while it does not exist. */
  readonly id: string | null;
  readonly kind: string;
  readonly state: WindowState;
  readonly health: Health;
  readonly port: number | null;
  readonly restarts: number;
  readonly panes: readonly PaneStatus[];
  /** What the probe saw or why it is not ready, for people. */
  readonly detail: string;
}
