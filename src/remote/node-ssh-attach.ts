import { constants } from 'node:os';
import type { ClientChannel } from 'ssh2';
import { lendTerminal, standardStreams, terminalSize, type LentTerminal } from '../base/index.ts';
import { lostError } from './failure.ts';
import { explainNotOpened } from './node-ssh-failure.ts';
import type { Link } from './node-ssh-link.ts';
import type { SessionOptions, Sessions } from './node-ssh-sessions.ts';
import type { AttachResult } from './types.ts';

const noSize = { columns: 80, rows: 24 };

/** What a terminal of the box is shown with. */
export interface AttachDeps {
  readonly link: Link;
  readonly sessions: Sessions;
  /** The name of the host, for messages. */
  readonly host: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Shows a terminal of the box on this one, until the command ends there or the connection is lost. */
export async function attachTo(
  { link, sessions, host, env }: AttachDeps,
  command: string,
  options: SessionOptions,
): Promise<AttachResult> {
  const { columns: cols, rows } = terminalSize() ?? noSize;
  const opened = await sessions.open(command, {
    ...options,
    pty: { term: env['TERM'] ?? 'dumb', cols, rows },
  });
  if (opened.channel) return show(opened.channel, link);
  if (opened.sent) throw lostError(host, link.why());
  throw explainNotOpened(host, link, opened.error);
}

function show(channel: ClientChannel, link: Link): Promise<AttachResult> {
  const { promise, resolve } = Promise.withResolvers<AttachResult>();
  const terminal = lendTerminal();
  const { input, output } = terminal ?? { input: standardStreams().stdin, output: standardStreams().stdout };
  const leaves = createEscape();
  let code: number | undefined;
  let isOver = false;
  // The session and the connection may end both: the screen is put back once, before anything else is shown.
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    input.off('data', onKeys).pause();
    channel.unpipe(output);
    forget();
    terminal?.giveBack(code === undefined);
    resolve({ code });
  };
  const onKeys = (keys: Buffer): void => {
    if (!leaves(keys)) channel.write(keys);
    else {
      channel.close();
      end();
    }
  };
  channel.on('error', () => {});
  channel.on('exit', (status: number | null, signal?: string) => (code = statusOf(status, signal)));
  channel.once('close', end);
  const forget = link.onEnd(() => setImmediate(end));
  input.on('data', onKeys);
  channel.pipe(output, { end: false });
  channel.stderr.pipe(output, { end: false });
  followSize(channel, terminal);
  return promise;
}

function statusOf(status: number | null, signal: string | undefined): number {
  if (status !== null) return status;
  const known: Readonly<Record<string, number>> = constants.signals;
  return 128 + (known[signal ?? ''] ?? 0);
}

/** The size may have changed while the session was being opened. */
function followSize(channel: ClientChannel, terminal: LentTerminal | undefined): void {
  if (!terminal) return;
  const tell = (): void => {
    const { rows, columns } = terminal.size();
    channel.setWindow(rows, columns, 0, 0);
  };
  terminal.onResize(tell);
  tell();
}

/**
 * Whether keys typed one after the other ask to leave: `~.` at the beginning of a line, as with ssh. On a frozen link
 * no other key does anything. What is typed goes to the box meanwhile, so that nothing waits.
 */
export function createEscape(): (keys: Buffer) => boolean {
  let state: 'begin' | 'tilde' | 'inside' = 'begin';
  return (keys) => {
    for (const key of keys.toString('latin1')) {
      if (state === 'tilde' && key === '.') return true;
      if (key === '\r' || key === '\n') state = 'begin';
      else state = state === 'begin' && key === '~' ? 'tilde' : 'inside';
    }
    return false;
  };
}
