import { connect, type Socket } from 'node:net';
import { errnoOf, messageOf } from '../../base/index.ts';
import type { Probe } from './types.ts';

/** Ready when something accepts a connection. */
export const tcp: Probe<'tcp'> = async (config, { limitMs }) => {
  const result = await dial(config.host, config.port, limitMs);
  if ('problem' in result) return { ok: false, detail: result.problem };
  result.socket.destroy();
  return { ok: true, detail: `port ${config.port} accepts connections` };
};

type Dialled = { readonly socket: Socket } | { readonly problem: string };

/** Connects; `localhost` is tried in both families, since servers choose one without telling. */
export async function dial(host: string, port: number, limitMs: number): Promise<Dialled> {
  const hosts = host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
  const results = await Promise.all(hosts.map((one) => dialOne(one, port, limitMs)));
  const open = results.filter((r) => 'socket' in r);
  for (const extra of open.slice(1)) extra.socket.destroy();
  return open[0] ?? results[0] ?? { problem: `no address for ${host}` };
}

function dialOne(host: string, port: number, limitMs: number): Promise<Dialled> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const fail = (problem: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ problem });
    };
    const timer = setTimeout(() => fail(`port ${port} does not answer`), limitMs);
    socket.on('error', (error) =>
      fail(
        errnoOf(error) === 'ECONNREFUSED'
          ? `nothing listens on port ${port}`
          : `port ${port}: ${messageOf(error)}`,
      ),
    );
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve({ socket });
    });
  });
}
