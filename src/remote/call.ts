import { DevenvError } from '../base/index.ts';
import { lostError } from './failure.ts';
import { createUnframer } from './frame.ts';
import type { ScriptResult, ScriptRun, Target } from './types.ts';

/** How one exec of a framed script ended. */
export interface Ended {
  /** Its status and output, when the script told its end. */
  readonly result: ScriptResult | undefined;
  /** The script said that it began. */
  readonly began: boolean;
  /** What ssh and rc files said on standard error before the script began. */
  readonly before: string;
  readonly stopped: Stopped | undefined;
}

/** Why this side ended a call before its end. */
export type Stopped = 'timeout' | 'interrupted';

/** Takes what comes from the box, and gives on what of it is the script's own. */
export interface Reading {
  readonly stdout: (chunk: Buffer) => void;
  readonly stderr: (chunk: Buffer) => void;
  /** Both streams have told their end: nothing of the script's own can come any more. */
  readonly complete: () => boolean;
  /** Nothing more comes; `failed` is what went wrong on this side. */
  readonly end: (stopped: Stopped | undefined, failed?: string) => Ended;
}

/** Reads both streams of the script framed with `nonce`. */
export function readFramed(nonce: string, script: ScriptRun): Reading {
  const out = createUnframer(nonce);
  const err = createUnframer(nonce);
  const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const giveOut = script.onStdout ?? ((chunk: Buffer) => kept.stdout.push(chunk));
  const giveErr = script.onStderr ?? ((chunk: Buffer) => kept.stderr.push(chunk));
  const give = (to: (chunk: Buffer) => unknown, chunk: Buffer): void => {
    if (chunk.length > 0) to(chunk);
  };
  return {
    stdout: (chunk) => give(giveOut, out.push(chunk)),
    stderr: (chunk) => give(giveErr, err.push(chunk)),
    complete: () => out.code() !== undefined && err.code() !== undefined,
    end: (stopped, failed = '') => {
      give(giveOut, out.rest());
      give(giveErr, err.rest());
      const code = out.code();
      const result =
        code === undefined
          ? undefined
          : {
              code,
              stdout: Buffer.concat(kept.stdout),
              stderr: Buffer.concat(kept.stderr).toString('utf8'),
            };
      return { result, began: out.began(), before: `${err.before()}${failed}`, stopped };
    },
  };
}

/** Where a script reads from, and how its call is ended early. */
export interface CallEnds {
  readonly stdin: NodeJS.WritableStream | null;
  /** Ends the call on this side. */
  readonly end: () => void;
}

/** Feeds standard input, and ends the call when its time is over or the user asks. */
export function supervise(
  { stdin, end }: CallEnds,
  script: ScriptRun,
): { readonly done: () => void; readonly why: () => Stopped | undefined } {
  let why: Stopped | undefined;
  const stop = (reason: Stopped): void => {
    why ??= reason;
    end();
  };
  const onAbort = (): void => {
    if (script.control) stdin?.write('INT\n');
    else stop('interrupted');
  };
  // EPIPE: the other side did not want the rest; its status tells the story.
  stdin?.on('error', () => {});
  const source = script.stdin;
  if (Buffer.isBuffer(source)) stdin?.end(source);
  else if (source && stdin) source.pipe(stdin);
  else if (!script.control) stdin?.end();
  const timer =
    script.timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), script.timeoutMs);
  if (script.signal?.aborted) onAbort();
  else script.signal?.addEventListener('abort', onAbort, { once: true });
  return {
    done: () => {
      clearTimeout(timer);
      script.signal?.removeEventListener('abort', onAbort);
      if (source && stdin && !Buffer.isBuffer(source)) source.unpipe(stdin);
    },
    why: () => why,
  };
}

/** The error of a call that this side ended before the script began or came to its end; undefined for others. */
export function stoppedError(target: Target, script: ScriptRun, ended: Ended): DevenvError | undefined {
  if (ended.stopped === 'interrupted') return new DevenvError('interrupted', 'interrupted');
  if (ended.stopped !== 'timeout') return undefined;
  return ended.began
    ? lostError(target.name, ' (no answer in time)')
    : new DevenvError('timeout', `${target.name}: no answer in ${(script.timeoutMs ?? 0) / 1000} s`);
}

/**
 * Calls `attempt`, and once more where that does no harm: what never began when a kept connection turned out to be
 * dead, and what began if it may run twice.
 */
export async function repeatOnce(
  script: ScriptRun,
  kept: boolean,
  attempt: () => Promise<ScriptResult>,
): Promise<ScriptResult> {
  try {
    return await attempt();
  } catch (error) {
    if (!mayRepeat(error, script, kept)) throw error;
    return attempt();
  }
}

function mayRepeat(error: unknown, script: ScriptRun, kept: boolean): boolean {
  const isReadOnce = script.stdin !== undefined && !Buffer.isBuffer(script.stdin);
  if (!(error instanceof DevenvError) || isReadOnce) return false;
  if (error.code === 'lost') return script.repeatable === true;
  return kept && error.code === 'unreachable';
}
