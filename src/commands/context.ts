import type { Clock, Colors } from '../base/index.ts';
import type { Begun } from './begun.ts';

/** What every command is given by the program around it. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  /** Where the command runs: `--cwd`, else the current directory. Absolute. */
  readonly cwd: string;
  readonly clock: Clock;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly verbose: boolean;
  /** A person is at a terminal: standard input and output are both terminals. */
  readonly interactive: boolean;
  /** Colours of standard output. */
  readonly colors: Colors;
  /** Progress and remarks, to standard error; silent with -q. */
  readonly note: (line: string) => void;
  /** Text to standard error as it stands, whatever -q says. */
  readonly writeError: (text: string) => void;
  /** A piece of a stream of facts (`logs -f`, `watch`), to standard output at once. */
  readonly write: (text: string) => void;
  /** Shows several things becoming ready, live on a terminal, plain lines elsewhere. */
  readonly progress: (titles: readonly string[]) => Progress;
  /** `--accept-new-host-key`: a remote box never seen before is believed. */
  readonly acceptNewHostKey?: boolean;
  /** What the command's row has begun before. */
  readonly begun?: Begun | undefined;
}

/** `waiting`, `starting` and `running` go on; the others are the last word. */
export type ProgressState = 'waiting' | 'starting' | 'running' | 'ready' | 'done' | 'failed' | 'skipped';

/** The engine reports, the program draws. */
export interface Progress {
  update(title: string, state: ProgressState, detail?: string): void;
  /** Leaves the last picture on the screen; must be called before anything else is printed. */
  end(): Promise<void>;
}

/** What a command gives back: facts for `--json`, the same as text, and the exit status when it is not 0. */
export interface CommandResult {
  readonly json?: unknown;
  readonly text?: string;
  /** What can be done next: after the text, to standard error; silent with -q and --json. */
  readonly next?: string;
  readonly exit?: number;
}
