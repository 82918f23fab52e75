import { createServer, type Server, type Socket } from 'node:net';
import { DevenvError, errnoOf, messageOf } from '../base/index.ts';
import type { Link } from './node-ssh-link.ts';
import type { Forward, Target, Transport } from './types.ts';

/** The ports of the box that can be reached here. */
export interface Forwards {
  readonly add: Transport['forward'];
  readonly close: () => Promise<void>;
}

/** Forwards ports over whatever connection `connect` gives at the time: a lost one is made again at the next use. */
export function createForwards(target: Target, connect: () => Promise<{ readonly link: Link }>): Forwards {
  const open = new Map<string, () => Promise<void>>();
  return {
    add: async (wanted) => {
      const name = `${wanted.localPort}:${wanted.remotePort}`;
      if (!open.has(name)) {
        await connect();
        open.set(name, await listen(wanted, target, connect));
      }
      return {
        cancel: async () => {
          const end = open.get(name);
          open.delete(name);
          await end?.();
        },
      };
    },
    close: async () => {
      const ends = Array.from(open.values());
      open.clear();
      await Promise.all(ends.map((end) => end()));
    },
  };
}

async function listen(
  { localPort, remotePort }: Forward,
  target: Target,
  connect: () => Promise<{ readonly link: Link }>,
): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    connect().then(
      ({ link }) => join(socket, link, remotePort),
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(localPort, '127.0.0.1', resolve);
  }).catch((error: unknown) => {
    throw new DevenvError(
      'environment',
      `${target.name}: port ${localPort} could not be forwarded: ${errnoOf(error) ?? messageOf(error)}`,
      'is it taken here?',
    );
  });
  return () => shut(server, sockets);
}

function join(socket: Socket, { client }: Link, remotePort: number): void {
  try {
    client.forwardOut('127.0.0.1', socket.remotePort ?? 0, '127.0.0.1', remotePort, (error, channel) => {
      // Nobody listens there: as for any closed port, the connection ends.
      if (error) {
        socket.destroy();
        return;
      }
      channel.on('error', () => socket.destroy());
      channel.on('close', () => socket.destroy());
      socket.on('close', () => channel.close());
      socket.pipe(channel).pipe(socket);
    });
  } catch {
    socket.destroy();
  }
}

function shut(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}
