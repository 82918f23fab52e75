import { messageOf, systemClock } from '../base/index.ts';
import type { ClientChannel, ExecOptions } from 'ssh2';
import type { Link } from './node-ssh-link.ts';

/** sshd lets ten sessions into one connection unless told otherwise; some are left to others. */
const mostAtOnce = 8;

/** How often a session is asked for that is refused although no other is open. */
const triesAlone = 4;

/** With what a command is started; the agent may be used from there (the types leave that out). */
export type SessionOptions = ExecOptions & { readonly agentForward?: boolean };

/** A command that was started, or why it was not. */
export type Opened =
  | { readonly channel: ClientChannel }
  | {
      readonly channel: undefined;
      readonly error: Error;
      /** The command was sent all the same: it may run. */
      readonly sent: boolean;
    };

/** Runs commands over one connection, so many at once; the others wait their turn. */
export interface Sessions {
  readonly open: (command: string, options: SessionOptions) => Promise<Opened>;
  /** How many run or are about to. */
  readonly count: () => number;
}

/** Opens sessions on a connection. One that lets in fewer at once is found out and spared. */
export function createSessions(link: Link, onIdle: () => void): Sessions {
  let most = mostAtOnce;
  let count = 0;
  const isFull = (): boolean => count >= most && link.isAlive();
  const waiting: (() => void)[] = [];
  const leave = (): void => {
    count -= 1;
    waiting.shift()?.();
    if (count === 0) onIdle();
  };
  link.onEnd(() => waiting.splice(0).forEach((go) => go()));
  const open = async (command: string, options: SessionOptions, tries = 1): Promise<Opened> => {
    while (isFull()) await new Promise<void>((go) => waiting.push(go));
    count += 1;
    const opened = await start(link, command, options);
    if (opened.channel) {
      // The session is over; a connection that breaks closes all of them.
      opened.channel.once('close', leave);
      return opened;
    }
    leave();
    // As ssh: a box that does not take the agent runs the command without it.
    if (/agent forwarding/.test(opened.error.message))
      return open(command, { ...options, agentForward: false }, tries);
    if (!link.isAlive() || tries >= triesAlone || !/open failure/.test(opened.error.message)) return opened;
    if (count > 0) {
      most = Math.min(most, count);
      return open(command, options, tries);
    }
    // A session that has just ended may still count there.
    await systemClock.sleep(50);
    return open(command, options, tries + 1);
  };
  return { open: (command, options) => open(command, options), count: () => count };
}

function start({ client }: Link, command: string, options: SessionOptions): Promise<Opened> {
  return new Promise((resolve) => {
    try {
      client.exec(command, options, (error, channel) =>
        resolve(
          // The session stood, and its command was on the way; "no" may also mean that the link broke then.
          error ? { channel: undefined, error, sent: error.message === 'Unable to exec' } : { channel },
        ),
      );
    } catch (error) {
      resolve({ channel: undefined, error: new Error(messageOf(error), { cause: error }), sent: false });
    }
  });
}
