import type { Readable } from 'node:stream';

/** A remote box as the user named it, with everything decided once, at the door. */
export interface Target {
  /** The name in `hosts`, or the SSH destination itself. */
  readonly name: string;
  /** What OpenSSH is given as destination: `box`, `dev@box.example`, `ssh://dev@box:2222`. */
  readonly ssh: string;
  /** The project's folder on the box; `~/...` and relative paths are taken from the home there. */
  readonly path: string;
  readonly transport: TransportKind;
  /** Seconds between two signs of life; after three without an answer the connection is lost. */
  readonly keepaliveSec: number;
  /** The user's agent may be used from the box. */
  readonly forwardAgent: boolean;
}

export type TransportKind = 'openssh' | 'node-ssh';

/** One script for the box: POSIX sh. It starts in the home directory with umask 077. */
export interface ScriptRun {
  readonly script: string;
  /** Variables the script may use; values of any characters but NUL. */
  readonly vars?: Readonly<Record<string, string>>;
  /** What the script reads on its standard input; without it, and without `control`, that is empty. */
  readonly stdin?: Buffer | Readable;
  /** Standard input stays open; when the signal is aborted the line `INT` is written to it, and the end waited for. */
  readonly control?: boolean;
  /** Told of output as it comes; without it, output is collected. */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Running it twice does no harm: a lost connection is made again, once. */
  readonly repeatable?: boolean;
}

/** How a script ended on the box. */
export interface ScriptResult {
  /** Its exit status as its shell saw it (128 + n for a signal). */
  readonly code: number;
  /** Collected output; empty where a listener was given. */
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** How a program that had the user's terminal on the box ended. */
export interface AttachResult {
  /** Its exit status; undefined: the connection was lost, and what became of it is not known. */
  readonly code: number | undefined;
}

/** A port of the box that can be reached here. */
export interface Forward {
  readonly remotePort: number;
  readonly localPort: number;
}

/**
 * A connection to one box. Made by `openTransport`; connects with the first call. A script that ran to its end is a
 * result, whatever its status; what keeps it from that is thrown as a DevenvError: `unreachable`, `auth`,
 * `hostkey-unknown`, `hostkey-changed`, `timeout` (nothing has run), `lost` (it may have run), `unsupported`.
 */
export interface Transport {
  readonly kind: TransportKind;
  /** Runs one script in one exec. */
  run(script: ScriptRun): Promise<ScriptResult>;
  /** As `run`, on a terminal of the box that is shown on the user's own; resolves when it ended or was lost. */
  attach(script: Pick<ScriptRun, 'script' | 'vars'>): Promise<AttachResult>;
  /** Makes 127.0.0.1:remotePort of the box reachable at 127.0.0.1:localPort here, until `close` or `cancel`. */
  forward(wanted: Forward): Promise<{ readonly cancel: () => Promise<void> }>;
  /** Ends what this process holds of the connection; `forget` also ends what is kept for the next commands. */
  close(options?: { readonly forget?: boolean }): Promise<void>;
}

/** What a transport is made with. */
export interface TransportDeps {
  readonly env: NodeJS.ProcessEnv;
  /** A person at a terminal can answer (pass phrases, an unknown host key). */
  readonly interactive: boolean;
  /** `--accept-new-host-key`: a box never seen before is believed and noted in known_hosts. */
  readonly acceptNewHostKey: boolean;
  readonly note: (line: string) => void;
  /** Ends the making of a connection. */
  readonly signal?: AbortSignal;
}

/** A box and the way to it. */
export interface Connected {
  readonly target: Target;
  readonly transport: Transport;
}
