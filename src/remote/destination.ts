import { DevenvError } from '../base/index.ts';

/** Where an ssh connection goes, as it was written: a name for the configuration, not yet an address. */
export interface Destination {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

/** Reads `host`, `user@host` and `ssh://user@host:port`; `withPort` also `host:port`, as ProxyJump has it. */
export function parseDestination(text: string, withPort = false): Destination {
  const uri = /^ssh:\/\/([^/]*)\/?$/.exec(text)?.[1];
  const rest = uri ?? text;
  const at = rest.lastIndexOf('@');
  const user = at < 0 ? undefined : rest.slice(0, at);
  const place = rest.slice(at + 1);
  const [, inBrackets, plain, port] =
    uri !== undefined || withPort ? (/^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(place) ?? []) : [];
  const host = inBrackets ?? plain ?? (uri === undefined && !withPort ? place : '');
  const number = port === undefined ? undefined : Number(port);
  if (host === '' || host.startsWith('-') || user === '' || number === 0 || (number ?? 1) > 65_535)
    throw new DevenvError(
      'usage',
      `not a host: ${JSON.stringify(text)}`,
      'user@host, or ssh://user@host:port',
    );
  return { host, user, port: number };
}
