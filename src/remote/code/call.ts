import type { Readable } from 'node:stream';
import { DevenvError, exitCodes, type Clock, type ErrorCode } from '../../base/index.ts';
import { boxScript, readNeed } from '../on-box.ts';
import type { Target, Transport } from '../types.ts';

/** A way to the devenv of a box. */
export interface BoxLine {
  readonly target: Target;
  readonly transport: Transport;
  /** The build that must be there. */
  readonly build: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told when a link broke and the box is asked. */
  readonly note: (line: string) => void;
  /** What the box says on standard error; without it that is shown only when it ends without an answer. */
  readonly onStderr?: (text: string) => void;
  /** Brings devenv to a box that has none; then the call is made again. */
  readonly install?: () => Promise<void>;
}

export interface CallOptions {
  /** What it reads. A stream is read once, so such a call is never repeated. */
  readonly stdin?: Buffer | Readable;
  /** What it prints, where that is more than a document of JSON. */
  readonly onStdout?: (chunk: Buffer) => void;
  /** As in `BoxCommand`. */
  readonly record?: string;
}

/** Calls devenv's own end on the box in one exec; returns what it printed. An error there is one here, with the box's name. */
export async function callBox(
  line: BoxLine,
  args: readonly string[],
  options: CallOptions = {},
): Promise<string> {
  const ended = await once(line, args, options);
  if (ended.code === 0) return ended.stdout;
  if (readNeed(ended.code, ended.stdout) !== undefined) {
    if (line.install && (options.stdin === undefined || Buffer.isBuffer(options.stdin))) {
      await line.install();
      const { install: _, onStderr: __, ...again } = line;
      return callBox(again, args, options);
    }
    throw new DevenvError(
      'version',
      `${line.target.name} has no devenv ${line.build}`,
      `devenv host bootstrap ${line.target.name} brings it there`,
    );
  }
  throw boxError(line.target.name, ended);
}

interface Ended {
  readonly code: number;
  /** What was printed; the end of it where a listener was given it. */
  readonly stdout: string;
  readonly stderr: string;
}

const mostKept = 65_536;

async function once(line: BoxLine, args: readonly string[], options: CallOptions): Promise<Ended> {
  const { stdin, onStdout, record } = options;
  let heard = '';
  let said = '';
  const { control, ...script } = boxScript({
    target: line.target,
    build: line.build,
    args: ['__code', ...args, '--json'],
    env: {},
    anywhere: true,
    ...(stdin === undefined ? {} : { readsInput: true }),
    ...(record === undefined ? {} : { record }),
  });
  const result = await line.transport.run({
    ...script,
    ...(stdin === undefined ? { control: control ?? false, repeatable: true } : { stdin }),
    ...(onStdout && {
      onStdout: (chunk: Buffer) => {
        if (heard.length < mostKept) heard += chunk.toString('latin1');
        onStdout(chunk);
      },
    }),
    onStderr: (chunk) => {
      said = (said + chunk.toString('utf8')).slice(-mostKept);
      line.onStderr?.(chunk.toString('utf8'));
    },
    signal: line.signal,
  });
  const stdout = onStdout ? Buffer.from(heard, 'latin1').toString('utf8') : result.stdout.toString('utf8');
  return { code: result.code, stdout, stderr: said };
}

/** The error that devenv told there, or what is known when it could not tell any. */
function boxError(host: string, { code, stdout, stderr }: Ended): DevenvError {
  const told = readError(stdout);
  if (told) return new DevenvError(told.code, `${host}: ${told.message}`, told.hint || undefined);
  const last = stderr.trim().split('\n').at(-1);
  const killed = code > 128;
  return new DevenvError(
    'failed',
    `${host}: devenv there ${killed ? 'was killed' : 'failed'} (status ${code})${last ? `: ${last}` : ''}`,
    killed ? 'nothing is lost: running it again finishes what was begun' : undefined,
  );
}

/** An error document that was printed, perhaps behind something else. */
export function readError(
  stdout: string,
): { readonly code: ErrorCode; readonly message: string; readonly hint: string } | undefined {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{"error":')) return undefined;
  try {
    const { error }: { error: { code: string; message: string; hint: string } } = JSON.parse(line);
    const code = Object.keys(exitCodes).find((known): known is ErrorCode => known === error.code);
    return code && { code, message: error.message, hint: error.hint };
  } catch {
    return undefined; // cut off
  }
}
