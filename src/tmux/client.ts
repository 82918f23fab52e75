import { hostname } from 'node:os';
import { DevenvError, run, type RunOptions, type RunResult } from '../base/index.ts';
import { answers, socketOfPane, socketPath } from './socket.ts';
import { installHint } from './version.ts';

/** Whether this build was made for a remote box. */
declare const DEVENV_ON_BOX: boolean | undefined;

/** One tmux server and how to speak to it. */
export interface Tmux {
  readonly socket: string;
  /** Environment of the tmux processes: without the marks of a devenv session this process runs in. */
  readonly env: NodeJS.ProcessEnv;
  /** The arguments before the command: `-L NAME` or nothing. */
  readonly prefix: readonly string[];
  /** Whether this process runs in a pane of this very server. */
  readonly inside: boolean;
  /** One tmux client with one command list. Never throws on failure: see `explain`. */
  run(args: readonly string[], options?: TmuxOptions): Promise<RunResult>;
  /** One tmux client that carries out a script, starting the server if need be. Each line is done whatever became of the one before. */
  script(lines: readonly string[], options?: TmuxOptions): Promise<RunResult>;
  /** Whether the server answers; costs no process. */
  alive(): Promise<boolean>;
}

type TmuxOptions = Pick<RunOptions, 'signal' | 'timeoutMs' | 'stdio' | 'feed' | 'onOutput'>;

// A tmux server started from inside a pane lives on when that pane's session is stopped, so it must
// not carry the marks by which the session's processes are found and ended.
const marks = [
  'DEVENV_SESSION_ID',
  'DEVENV_SESSION',
  'DEVENV_WINDOW',
  'DEVENV_ROOT',
  'DEVENV_RUN_ID',
  'PORT',
];

/** The tmux server named by `DEVENV_TMUX_SOCKET`, else the user's own. */
export function createTmux(env: NodeJS.ProcessEnv): Tmux {
  const name = env['DEVENV_TMUX_SOCKET'];
  const prefix = name ? ['-L', name] : [];
  const socket = socketPath(env);
  const inside = socketOfPane(env) === socket;
  const clean: NodeJS.ProcessEnv = { ...env };
  if (env['DEVENV_SESSION_ID']) for (const mark of marks) delete clean[mark];
  // tmux refuses to attach from inside another server unless it does not know.
  if (!inside) delete clean['TMUX'];
  const client = (
    args: readonly string[],
    input: string | undefined,
    options: TmuxOptions,
  ): Promise<RunResult> =>
    run(['tmux', ...(options.stdio === 'inherit' ? [] : ['-u']), ...prefix, ...args], {
      env: clean,
      ...(input === undefined ? {} : { input }),
      ...options,
    });
  return {
    socket,
    env: clean,
    prefix,
    inside,
    run: (args, options = {}) => client(args, undefined, options),
    script: (lines, options = {}) =>
      client(['start-server', ';', 'source-file', '-'], `${lines.join('\n')}\n`, options),
    alive: () => answers(socket),
  };
}

/** On a remote box what is said is read on another machine. */
const here = typeof DEVENV_ON_BOX === 'boolean' ? ` on ${hostname()}` : '';

/** The error for a tmux command that failed, with tmux's own words. */
export function explain(result: RunResult, doing: string): DevenvError {
  if (result.reason === 'missing')
    return new DevenvError('no-tmux', `tmux is not installed${here}`, installHint('it'));
  if (result.reason === 'stopped') return new DevenvError('interrupted', `interrupted while ${doing}`);
  const said =
    result.stderr.trim() ||
    result.stdout.trim() ||
    `exit status ${result.code ?? result.signal ?? 'unknown'}`;
  if (/protocol version mismatch/.test(said)) {
    const hint =
      'tmux was updated while its server was running: end the old server when its sessions can be spared (tmux kill-server), or use another one with DEVENV_TMUX_SOCKET';
    return new DevenvError('environment', `tmux: ${said}`, hint);
  }
  return new DevenvError(
    'environment',
    `tmux failed while ${doing}: ${said.replaceAll(/\s*\n\s*/g, '; ')}`,
    'devenv doctor checks tmux and its configuration',
  );
}

/** Whether a failed command only says that there is no server or nothing in it (yet: another start may be at work). */
export function isGone(result: RunResult): boolean {
  return /no server running|error connecting|no current (client|target)|lost server|server exited|no sessions/.test(
    result.stderr,
  );
}
