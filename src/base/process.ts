import { spawn, type StdioOptions } from 'node:child_process';
import type { Writable } from 'node:stream';
import { errnoOf } from './errors.ts';

/** What a finished process left. `ok` is true only for exit status 0. */
export interface RunResult {
  readonly ok: boolean;
  /** Exit status; null when a signal ended it or it could not be started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it did not simply run to its end: first cause wins. */
  readonly reason?: 'missing' | 'not-started' | 'timeout' | 'stopped';
}

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the process (not merged); default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Buffer;
  /** Writes the standard input piece by piece; the pipe is ended after it resolves. */
  readonly feed?: (stdin: Writable) => Promise<void>;
  /** Told what it writes to its standard output as it comes. */
  readonly onOutput?: (chunk: Buffer) => void;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** `inherit` gives the process this terminal (editors, `tmux attach`). */
  readonly stdio?: 'pipe' | 'inherit';
}

/** As RunResult, with the standard output as bytes. */
export interface RunBytesResult extends Omit<RunResult, 'stdout'> {
  readonly stdout: Buffer;
}

/** How long a program that was told to end has for it. */
const graceMs = 2000;

/**
 * Runs a short program (tmux, git) and collects its output. Never throws on a non-zero exit.
 * It is node:child_process itself, because loading execa costs half a Node start-up and these
 * calls are on the path of every command; what runs long or must be ended as a tree uses `supervise`.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { stdout, ...rest } = await runBytes(argv, options);
  return { ...rest, stdout: stdout.toString('utf8') };
}

/** As `run`, for programs whose output is not text (git objects, names of any bytes). */
export function runBytes(argv: readonly string[], options: RunOptions = {}): Promise<RunBytesResult> {
  return new Promise((resolve) => {
    const [file = '', ...args] = argv;
    let reason: RunResult['reason'];
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio: stdioOf(options) });
    let giveUp: NodeJS.Timeout | undefined;
    const stop = (why: 'timeout' | 'stopped'): void => {
      reason ??= why;
      child.kill('SIGTERM');
      // It may not listen, or have left a child behind that keeps its output open.
      giveUp ??= setTimeout(() => {
        child.kill('SIGKILL');
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, graceMs);
    };
    const timer =
      options.timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), options.timeoutMs);
    const onAbort = (): void => stop('stopped');
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(timer);
      clearTimeout(giveUp);
      options.signal?.removeEventListener('abort', onAbort);
      const base = {
        ok: code === 0 && reason === undefined,
        code,
        signal,
        stdout: Buffer.concat(out),
        stderr: Buffer.concat(err).toString('utf8'),
      };
      resolve(reason === undefined ? base : { ...base, reason });
    };
    child.stdout?.on('data', (chunk: Buffer) => {
      out.push(chunk);
      options.onOutput?.(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (error) => {
      // A missing program and a missing working directory both show as ENOENT.
      reason ??= errnoOf(error) === 'ENOENT' ? 'missing' : 'not-started';
      err.push(Buffer.from(error.message));
      finish(null, null);
    });
    child.on('close', finish);
    if (options.signal?.aborted) onAbort();
    else options.signal?.addEventListener('abort', onAbort, { once: true });
    feedStdin(child.stdin, options, (error) => err.push(Buffer.from(String(error))));
  });
}

// Nothing to say needs no pipe, which costs a socket and two streams each time.
function stdioOf({ stdio, input, feed }: RunOptions): StdioOptions {
  if (stdio === 'inherit') return 'inherit';
  return input === undefined && feed === undefined ? ['ignore', 'pipe', 'pipe'] : 'pipe';
}

function feedStdin(stdin: Writable | null, options: RunOptions, onError: (error: unknown) => void): void {
  if (!stdin) return;
  // EPIPE only says that the program did not want the rest; its exit status tells the story.
  stdin.on('error', () => {});
  if (!options.feed) {
    stdin.end(options.input);
    return;
  }
  options.feed(stdin).then(
    () => stdin.end(),
    (error: unknown) => {
      onError(error);
      stdin.destroy();
    },
  );
}

/**
 * Runs a program that has this terminal to itself (a pager, a difftool), fed with `input` if there is any.
 * Ctrl-C is for that program meanwhile, as with git. Returns its exit status, 127 when it could not be started.
 */
export async function runOnTerminal(
  argv: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly input?: string },
): Promise<number> {
  const [file = '', ...args] = argv;
  const signals = ['SIGINT', 'SIGQUIT'] as const;
  const others = signals.map((signal) => [signal, process.listeners(signal)] as const);
  const ignore = (): void => {};
  for (const signal of signals) process.removeAllListeners(signal).on(signal, ignore);
  try {
    return await new Promise((resolve) => {
      const stdin = options.input === undefined ? 'inherit' : 'pipe';
      const child = spawn(file, args, {
        cwd: options.cwd,
        env: options.env,
        stdio: [stdin, 'inherit', 'inherit'],
      });
      child.on('error', () => resolve(127));
      child.on('close', (code) => resolve(code ?? 1));
      // EPIPE: the reader has seen enough.
      child.stdin?.on('error', () => {}).end(options.input);
    });
  } finally {
    for (const [signal, listeners] of others) {
      process.off(signal, ignore);
      for (const listener of listeners) process.on(signal, listener);
    }
  }
}
