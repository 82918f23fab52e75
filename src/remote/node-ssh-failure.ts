import { DevenvError, errnoOf, messageOf } from '../base/index.ts';
import { explainSsh } from './failure.ts';
import type { Link } from './node-ssh-link.ts';
import type { SshSettings } from './ssh-settings.ts';
import { notLetIn } from './trust-errors.ts';

/** What is known beside the error itself. */
export interface FailureContext {
  /** Why keys were not offered. */
  readonly passedOver?: readonly DevenvError[];
  /** What the box would have taken to let the user in. */
  readonly takes?: readonly string[];
}

/** The words of OpenSSH for an error of the network. */
const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  EHOSTDOWN: 'Host is down',
  ETIMEDOUT: 'Connection timed out',
  ECONNRESET: 'Connection reset',
  EPIPE: 'Broken pipe',
};

/** Turns what ssh2 complains of before anything ran on the box into the errors of a transport. */
export function explainNodeSsh(
  host: string,
  { hostname, port }: SshSettings,
  error: unknown,
  context: FailureContext = {},
): DevenvError {
  if (error instanceof DevenvError) return error;
  const message = messageOf(error);
  const level = levelOf(error);
  if (level === 'client-authentication' || /too many authentication failures/i.test(message))
    return context.passedOver?.[0] ?? notIn(host, context.takes);
  if (level === 'client-timeout') return explainSsh(host, 'Connection timed out');
  const errno = errnoOf(error) ?? '';
  if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN')
    return explainSsh(host, `Could not resolve hostname ${hostname}: ${errno}`);
  if (words[errno] !== undefined)
    return explainSsh(host, `connect to host ${hostname} port ${port}: ${words[errno]}`);
  if (/no matching/i.test(message))
    return new DevenvError(
      'unsupported',
      `${host}: the box and devenv's own ssh client have no method in common: ${message.replace(/^Handshake failed: /, '')}`,
      'it knows no post-quantum key exchange and no certificates: use OpenSSH for this host (apt-get install openssh-client)',
    );
  return new DevenvError(
    'unreachable',
    `${host}: the box closed the connection before anything ran: ${message}`,
    'it may be starting up, or limit connections; try again',
    error,
  );
}

/** A connection that stands lets no session be opened, or broke while it was opened: nothing was sent to run. */
export function explainNotOpened(host: string, link: Link, error: Error): DevenvError {
  const { hostname, port } = link.settings;
  if (!link.isAlive()) return explainSsh(host, `Connection closed by ${hostname} port ${port}`);
  return new DevenvError(
    'unsupported',
    `${host}: the box lets nothing run: ${error.message}`,
    'its sshd_config may forbid sessions (MaxSessions), or your key is restricted there',
    error,
  );
}

/** A machine on the way cannot reach the next one. */
export function explainJump(host: string, jump: SshSettings, next: SshSettings, error: unknown): DevenvError {
  return new DevenvError(
    'unreachable',
    `${host}: ${jump.hostname} cannot reach ${next.hostname}:${next.port}: ${messageOf(error).replace(/^\(SSH\) Channel open failure: /, '')}`,
    'is the next machine up, and may that one forward connections (AllowTcpForwarding)?',
    error,
  );
}

function notIn(host: string, takes: readonly string[] = []): DevenvError {
  return notLetIn(
    host,
    takes.join(',') || undefined,
    "is your public key in the box's ~/.ssh/authorized_keys, and the user right? Certificates, security keys and GSSAPI need OpenSSH",
  );
}

function levelOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'level' in error ? String(error.level) : undefined;
}
