import { DevenvError, shellQuote } from '../base/index.ts';
import type { Target } from './types.ts';
import {
  changedKey,
  notLetIn,
  openKeyFile,
  passphraseHint,
  revokedKey,
  unknownKey,
  type ShownKey,
} from './trust-errors.ts';

/** Whether a failure may be over at a next try: no way there now, no answer, a broken link. */
export function isPassing(error: unknown): error is DevenvError {
  return error instanceof DevenvError && ['unreachable', 'timeout', 'lost'].includes(error.code);
}

interface Rule {
  readonly when: RegExp;
  readonly tell: (host: string, log: string, destination: string) => DevenvError;
}

const keyIn = (log: string): ShownKey => ({
  type: /Server host key: (\S+) /.exec(log)?.[1] ?? /fingerprint for the (\S+) key/.exec(log)?.[1] ?? 'host',
  fingerprint:
    /Server host key: \S+ (SHA256:\S+)/.exec(log)?.[1] ??
    /sent by the remote host is\s+(SHA256:[^\s.]+)/.exec(log)?.[1],
});

/** In this order: the first that fits is the cause, later ones are consequences. */
const rules: readonly Rule[] = [
  {
    when: /REVOKED HOST KEY|host key .*(?:is )?revoked/i,
    tell: (host, log) => revokedKey(host, keyIn(log)),
  },
  {
    when: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/,
    tell: (host, log) => {
      const [, file, line] = /Offending (?:\S+ )?key in (.+):(\d+)/.exec(log) ?? [];
      const remove = /remove with:\s+(ssh-keygen .+)/.exec(log)?.[1]?.trim() ?? `ssh-keygen -R ${host}`;
      return changedKey(
        host,
        keyIn(log),
        file === undefined ? { remove } : { at: `${file}:${line}`, remove },
      );
    },
  },
  {
    when: /Host key verification failed|No \S+ host key is known|host key is not cached/,
    tell: (host, log) => unknownKey(host, keyIn(log), `ssh ${host} once by hand, or --accept-new-host-key`),
  },
  {
    when: /UNPROTECTED PRIVATE KEY FILE|bad permissions/,
    tell: (host, log) => openKeyFile(host, /Permissions \S+ for '([^']+)'/.exec(log)?.[1] ?? 'the key'),
  },
  {
    when: /Bad owner or permissions on|Bad configuration option|bad configuration options|Missing argument|keyword .* extra arguments|Can't open user config file/,
    tell: (host, log) =>
      new DevenvError(
        'config',
        `${host}: ssh does not accept its configuration: ${lineWith(log, /Bad owner|Bad configuration|Missing argument|extra arguments|Can't open/)}`,
        'mend that file; DEVENV_SSH_CONFIG names another one',
      ),
  },
  {
    when: /Permission denied|Too many authentication failures|No more authentication methods/,
    tell: (host, log) => tellAuth(host, log),
  },
  {
    when: /Could not resolve hostname|Name or service not known/,
    tell: (host, log, destination) => {
      // ssh takes `host:22` for a name.
      const withPort = /hostname ([^\s:]+:\d+)(?=:|$)/m.exec(log)?.[1];
      return new DevenvError(
        'unreachable',
        `${host}: no such host: ${lineWith(log, /Could not resolve|Name or service/)}`,
        withPort === undefined
          ? 'check the name (hosts in devenv.yaml, ~/.ssh/config) and this machine’s network'
          : `a port is written ssh://${/\S+@(?=\S+$)/.exec(destination)?.[0] ?? ''}${withPort}`,
      );
    },
  },
  {
    when: /Connection refused/,
    tell: (host, log) =>
      new DevenvError(
        'unreachable',
        `${host}: the box refuses the connection: ${lineWith(log, /refused/)}`,
        'is sshd running there, and the port right?',
      ),
  },
  {
    when: /No route to host|Network is unreachable|Host is down/,
    tell: (host, log) =>
      new DevenvError(
        'unreachable',
        `${host}: there is no way to the box: ${lineWith(log, /No route|unreachable|Host is down/)}`,
        'is it switched on, and this machine on the right network or VPN?',
      ),
  },
  {
    when: /timed out|Timeout, server .* not responding/,
    tell: (host) =>
      new DevenvError(
        'timeout',
        `${host}: no answer in time`,
        'a firewall may drop the connection, or the link is very slow; try again',
      ),
  },
  {
    when: /no matching (?:host key type|key exchange method|cipher|MAC)/i,
    tell: (host, log) =>
      new DevenvError(
        'unsupported',
        `${host}: ${lineWith(log, /no matching/i)}`,
        'one of the two sides is too old for the other; ssh -v tells which',
      ),
  },
  {
    when: /ControlPath.* too long|path .* too long for Unix domain socket/,
    tell: (host) =>
      new DevenvError(
        'config',
        `${host}: the path of the connection's socket is too long`,
        'set XDG_RUNTIME_DIR to a shorter directory',
      ),
  },
  {
    when: /Connection (?:closed|reset)|kex_exchange_identification|Broken pipe|client_loop/,
    tell: (host, log) =>
      new DevenvError(
        'unreachable',
        `${host}: the box closed the connection before anything ran: ${lineWith(log, /closed|reset|kex_exchange|Broken pipe|client_loop/)}`,
        'it may be starting up, or limit connections; try again',
      ),
  },
];

function tellAuth(host: string, log: string): DevenvError {
  const asked = /Permission denied \(([^)]*)\)/.exec(log)?.[1];
  const [, misfit] = /private key (.+) contents do not match public/.exec(log) ?? [];
  if (misfit !== undefined)
    return notLetIn(
      host,
      asked,
      `${misfit} and ${misfit}.pub are not of one pair: ssh-keygen -y -f ${misfit} prints the public key that fits`,
    );
  // The box takes the key, and then this side cannot use it: nobody told it the pass phrase.
  const encrypted = /Server accepts key: /.test(log);
  return notLetIn(
    host,
    asked,
    encrypted
      ? passphraseHint
      : `is your public key in the box's ~/.ssh/authorized_keys, and the user right? ssh ${host} shows more`,
  );
}

function lineWith(log: string, what: RegExp): string {
  const line = log.split('\n').findLast((text) => what.test(text) && !text.startsWith('debug'));
  return (line ?? '').trim().replace(/^ssh: /, '');
}

/** A destination as people give it to ssh by hand, which knows nothing of DEVENV_SSH_CONFIG. */
export function byHand({ ssh }: Pick<Target, 'ssh'>, env: NodeJS.ProcessEnv): string {
  const config = env['DEVENV_SSH_CONFIG'];
  return config ? `-F ${shellQuote(config)} ${ssh}` : ssh;
}

/** Reads what an ssh client complained of before anything ran on the box. */
export function explainSsh(host: string, log: string, destination = host): DevenvError {
  const { code, message, hint } = explain(host, log, destination);
  // A name of devenv's own means nothing to ssh.
  return new DevenvError(
    code,
    message,
    hint?.replaceAll(`ssh ${host}`, () => `ssh ${destination}`),
  );
}

function explain(host: string, log: string, destination: string): DevenvError {
  const rule = rules.find(({ when }) => when.test(log));
  if (rule) return rule.tell(host, log, destination);
  const last = log
    .split('\n')
    .findLast((line) => line.trim() !== '' && !line.startsWith('debug'))
    ?.trim();
  return new DevenvError(
    'unreachable',
    `${host}: could not connect${last ? `: ${last}` : ''}`,
    `ssh ${host} by hand shows more`,
  );
}

/** The connection ended while something ran on the box: nobody knows whether it came to its end. */
export function lostError(host: string, why = ''): DevenvError {
  return new DevenvError(
    'lost',
    `${host}: the connection was lost${why}; whether the command came to its end there is not known`,
    `devenv status --host ${host} shows how things stand`,
  );
}
