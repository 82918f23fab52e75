import { errnoOf, quickHash } from '../base/index.ts';

const addresses = ['0.0.0.0', '::', '127.0.0.1', '::1'] as const;

/**
 * Whether a server could listen on this port, whatever address it would choose: a listener on only
 * one of them (say, ::1) makes it taken. Also false for ports this user may not use.
 */
export async function isPortFree(port: number): Promise<boolean> {
  const { createServer } = await import('node:net');
  const canListen = (host: string): Promise<boolean> =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', (error) => {
        // A machine without that address (no IPv6): nothing can hold the port there.
        resolve(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'].includes(errnoOf(error) ?? ''));
      });
      server.listen({ host, port, exclusive: true, ipv6Only: host.includes(':') }, () =>
        server.close(() => resolve(true)),
      );
    });
  // One after the other: the wildcard address collides with every other one of its family.
  for (const host of addresses) if (!(await canListen(host))) return false;
  return true;
}

/** The first free port from `from` on. Undefined when there is none up to 65535. */
export async function findFreePort(
  from: number,
  taken: ReadonlySet<number> = new Set(),
): Promise<number | undefined> {
  for (let port = Math.max(1, from); port <= 65_535; port++) {
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  return undefined;
}

/** `auto` ports lie below the range from which Linux takes the ports of outgoing connections (32768 on). */
const first = 20_000;
const last = 29_999;

/** Where the search for a window's `auto` port starts: always the same for the same project and window. */
export function preferredPort(projectId: string, window: string): number {
  return first + (Number.parseInt(quickHash(`${projectId}\0${window}`).slice(-8), 16) % (last - first + 1));
}

/** What `allotPort` chooses by. */
export interface AllotInput {
  readonly projectId: string;
  readonly window: string;
  /** The number it had before: kept when it can be used. */
  readonly remembered?: number | undefined;
  /** Numbers that other windows of the project have. */
  readonly taken: ReadonlySet<number>;
  /** Whether this port is in use by this very window (a running session): then it is kept. */
  readonly isOurs?: (port: number) => boolean | Promise<boolean>;
}

/**
 * A number for `port: auto`: the remembered one, else the preferred one, else the next free one.
 * The caller remembers it. Undefined only when no port at all is free.
 */
export async function allotPort(input: AllotInput): Promise<number | undefined> {
  for (const port of [input.remembered, preferredPort(input.projectId, input.window)]) {
    if (port === undefined || input.taken.has(port)) continue;
    if ((await isPortFree(port)) || (await input.isOurs?.(port))) return port;
  }
  const from = preferredPort(input.projectId, input.window) + 1;
  return (await findFreePort(from, input.taken)) ?? findFreePort(first, input.taken);
}
