import type { Writable } from 'node:stream';
import { endProcesses, listProcesses, withDescendants, hasMark } from './processes.ts';
import { randomId, systemClock } from './world.ts';

/** How a supervised command ended. */
export interface SuperviseResult {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason?: 'timeout' | 'stopped' | 'not-started';
  readonly durationMs: number;
  /** The last 64 kB of its output, both streams in order. */
  readonly tail: string;
}

export interface SuperviseOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** From the first signal (SIGTERM) to SIGKILL. Default 5 s. */
  readonly graceMs?: number;
  readonly onOutput?: (chunk: string) => void;
  /** Standard input; without it there is none. */
  readonly input?: string;
  /** Also writes all output here. */
  readonly tee?: Writable;
}

const tailLimit = 64 * 1024;

/**
 * Runs a shell command that may take long, in a process group of its own, and, when it is stopped
 * or times out, ends its whole tree: children that left the group or lost their parent are known
 * by a mark in their environment. Resolves only when none of it is left. Never throws on failure.
 */
export async function supervise(command: string, options: SuperviseOptions): Promise<SuperviseResult> {
  const { execa } = await import('execa');
  const started = systemClock.monotonic();
  const id = randomId(8);
  let reason: SuperviseResult['reason'];
  let tail = '';
  const child = execa('/bin/sh', ['-c', command], {
    cwd: options.cwd,
    env: { ...options.env, DEVENV_RUN_ID: id },
    extendEnv: false,
    detached: true,
    cleanup: true,
    reject: false,
    buffer: false,
    all: true,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  child.all.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-tailLimit);
    options.onOutput?.(chunk);
    options.tee?.write(chunk);
  });

  const tree = async () => {
    const all = await listProcesses();
    const members = new Set(
      all.filter((p) => p.pgid === child.pid || hasMark(p.pid, `DEVENV_RUN_ID=${id}`)).map((p) => p.pid),
    );
    return withDescendants(all, members);
  };
  let ending: Promise<unknown> | undefined;
  const closed = new AbortController();
  const sweep = (): void => {
    ending ??= endProcesses(systemClock, tree, {
      signal: 'SIGTERM',
      graceMs: options.graceMs ?? 5000,
    }).then(letGo);
  };
  // What hid from the search (`env -i setsid ...`) may hold the pipes open for ever: they are let go.
  const letGo = async (): Promise<void> => {
    const { stdout, stderr } = child.nodeChildProcess;
    await systemClock.sleep(500, closed.signal);
    stdout?.destroy();
    stderr?.destroy();
  };
  // What the command left behind (a server started with `&`) would hold ports and files of the next run,
  // and the pipes of this one: the result below comes only when they are closed.
  child.nodeChildProcess.once('exit', sweep);
  const end = (why: 'timeout' | 'stopped'): void => {
    reason ??= why;
    sweep();
  };
  const timer =
    options.timeoutMs === undefined ? undefined : setTimeout(() => end('timeout'), options.timeoutMs);
  const onAbort = (): void => end('stopped');
  if (options.signal?.aborted) onAbort();
  else options.signal?.addEventListener('abort', onAbort, { once: true });

  const result = await child;
  closed.abort();
  clearTimeout(timer);
  options.signal?.removeEventListener('abort', onAbort);
  await ending;
  if (result.exitCode === undefined && result.signal === undefined) reason ??= 'not-started';
  const ended = {
    code: result.exitCode ?? null,
    signal: result.signal ?? null,
    durationMs: systemClock.monotonic() - started,
    tail,
  };
  return reason === undefined ? ended : { ...ended, reason };
}
