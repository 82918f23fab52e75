import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { NodeSSH, type Config } from 'node-ssh';
import type { Client } from 'ssh2';
import type { SshSettings } from './ssh-settings.ts';

/** A connection to one machine. */
export interface Link {
  readonly client: Client;
  readonly settings: SshSettings;
  readonly isAlive: () => boolean;
  /** Calls once when the connection is over, for whatever reason; at once if it is already. Gives back how not to. */
  readonly onEnd: (listener: () => void) => () => void;
  /** Why it is over, as words that follow "the connection was lost"; empty when that is not known. */
  readonly why: () => string;
  /** Says goodbye and closes; resolves when it is closed. */
  readonly end: () => Promise<void>;
}

/** How a connection is watched. */
export interface LinkOptions {
  /** Seconds between two signs of life. */
  readonly keepaliveSec: number;
  /** Told of everything that goes wrong, from the first moment to the last. */
  readonly onError: (error: unknown) => void;
}

/** Signs of life that may stay without an answer. */
const missedMost = 3;

/** How long a closing connection may take. */
const goodbyeMs = 500;

/** Begins a TCP connection to a machine. */
export function dial({ hostname, port, family, bindAddress }: SshSettings): Socket {
  return connectTcp({
    host: hostname,
    port,
    noDelay: true,
    ...(family === undefined ? {} : { family }),
    ...(bindAddress === undefined ? {} : { localAddress: bindAddress }),
  });
}

/**
 * Begins to speak SSH over a stream. node-ssh takes any first error for the end of the attempt, even one of the
 * agent, and listens for none once it is connected, so that a reset would end the whole program: what happens is
 * heard from the client itself instead.
 */
export function startLink(
  sock: Duplex,
  settings: SshSettings,
  config: Config,
  { keepaliveSec, onError }: LinkOptions,
): Link {
  const ssh = new NodeSSH();
  const begun = ssh.connect({
    ...config,
    host: settings.hostname,
    username: settings.user,
    sock,
    keepaliveInterval: keepaliveSec * 1000,
    keepaliveCountMax: missedMost,
    // The caller counts the time itself, less the time that questions take.
    readyTimeout: 0,
  });
  const client = ssh.connection;
  if (!client) throw new Error('node-ssh did not begin to connect');
  let isOver = false;
  let why = '';
  client.setMaxListeners(0);
  client.on('error', (error: Error & { readonly level?: string }) => {
    // Without an agent there may be key files.
    if (error.level === 'agent') return;
    why ||= error.level === 'client-timeout' ? ` (no sign of life for ${keepaliveSec * missedMost} s)` : '';
    onError(error);
  });
  client.on('close', () => {
    isOver = true;
    onError(new Error('it said nothing more'));
  });
  // What it throws before there is a connection reaches nobody else.
  begun.catch((error: unknown) => isOfAgent(error) || onError(error));
  return {
    client,
    settings,
    isAlive: () => !isOver && !sock.destroyed,
    onEnd: (listener) => {
      if (isOver) listener();
      else client.once('close', listener);
      return () => client.off('close', listener);
    },
    why: () => why,
    end: () => (isOver ? Promise.resolve() : sayGoodbye(client, sock)),
  };
}

const isOfAgent = (error: unknown): boolean =>
  error instanceof Error && 'level' in error && error.level === 'agent';

function sayGoodbye(client: Client, sock: Duplex): Promise<void> {
  return new Promise((resolve) => {
    // A frozen link takes no goodbye: then it ends here alone.
    const impatient = setTimeout(() => {
      sock.destroy();
      resolve();
    }, goodbyeMs);
    client.once('close', () => {
      clearTimeout(impatient);
      resolve();
    });
    client.end();
    // Not yet connected: there is nobody to say goodbye to.
    if ('connecting' in sock && sock.connecting === true) sock.destroy();
  });
}
