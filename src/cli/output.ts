import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { createColors, errnoOf, showText, stripAnsi, type Colors } from '../base/index.ts';

/** What the user asked of the output, and what the streams can show. */
export interface OutputOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Folders whose names may come up in remarks. */
  readonly places: readonly string[];
  /** Called from another machine, which shows colours or not. */
  readonly remote: 'color' | 'plain' | undefined;
}

/** Facts to standard output, remarks to standard error. */
export interface Output {
  readonly colors: Colors;
  readonly errorColors: Colors;
  /** A piece of a stream of facts. */
  readonly write: (text: string) => void;
  /** The last thing a command says. */
  readonly writeLast: (text: string) => void;
  /** To standard error, whatever -q says. */
  readonly complain: (text: string) => void;
  readonly note: (line: string) => void;
  /** Resolves when all of it has left this process. */
  readonly flush: () => Promise<void>;
}

/** Colours only on a terminal; `NO_COLOR` and `CI` switch them off, `FORCE_COLOR` on. */
function wantsColor(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0';
  return isTerminal && env['TERM'] !== 'dumb' && !env['CI'];
}

/** Opens the output of one command on this process's own streams. */
export function openOutput({ env, json, quiet, places, remote }: OutputOptions): Output {
  // A reader that closed the pipe (`| head`) has seen enough. From another machine it is a broken link, and what was
  // asked for is still wanted.
  const onClosed = remote === undefined ? (): void => process.exit(0) : (): void => {};
  const out = openStream(1, onClosed);
  const error = openStream(2, onClosed);
  const errorColor = remote === 'color' || wantsColor(isatty(2), env);
  return {
    colors: createColors(!json && (remote === 'color' || wantsColor(isatty(1), env))),
    errorColors: createColors(errorColor),
    write: out.stream,
    writeLast: out.direct,
    complain: error.direct,
    note: (line) => {
      if (!quiet) error.direct(`${showText(errorColor ? line : stripAnsi(line), places)}\n`);
    },
    flush: async () => {
      await Promise.all([out.flush(), error.flush()]);
    },
  };
}

interface Stream {
  readonly stream: (text: string) => void;
  readonly direct: (text: string) => void;
  readonly flush: () => Promise<void>;
}

/**
 * Two ways to one descriptor. `stream` is Node's own: it never blocks, so that Ctrl-C is heard while a
 * slow reader is waited for. `direct` is a plain write, because opening that stream costs a tenth of a
 * Node start-up; it is for short last words, and falls back to the stream when the reader is slow.
 */
function openStream(fd: 1 | 2, onClosed: () => void): Stream {
  const onError = (error: unknown): void => {
    if (errnoOf(error) === 'EPIPE') onClosed();
    else if (errnoOf(error) !== 'EAGAIN') throw error;
  };
  let opened: NodeJS.WriteStream | undefined;
  const stream = (text: string | Uint8Array): void => {
    opened ??= (fd === 1 ? process.stdout : process.stderr).on('error', onError);
    opened.write(text);
  };
  const direct = (text: string): void => {
    if (opened) return stream(text);
    let rest = Buffer.from(text);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      onError(error);
      stream(rest);
    }
  };
  const flush = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!opened?.writableNeedDrain && !opened?.writableLength) return;
    opened.write('', () => resolve());
    await promise;
  };
  return { stream, direct, flush };
}
