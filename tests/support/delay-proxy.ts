import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy that makes a link slow, frozen or broken. */
export interface DelayProxy {
  readonly port: number;
  /** One way, in ms; for what comes from now on. */
  setDelay(ms: number): void;
  /** Nothing passes any more, and nobody is told. */
  freeze(): void;
  thaw(): void;
  /** Ends every connection: `rst` without a word. New ones are let in. */
  cut(how?: 'fin' | 'rst'): void;
  /** New connections are refused from now on. */
  refuse(yes: boolean): void;
  readonly connections: () => number;
  close(): Promise<void>;
}

/** Starts one in front of 127.0.0.1:target. */
export async function startDelayProxy(target: number, delayMs: number): Promise<DelayProxy> {
  let delay = delayMs;
  let frozen = false;
  let refusing = false;
  const held: (() => void)[] = [];
  const pairs = new Set<readonly [Socket, Socket]>();
  let all = 0;
  const pass = (from: Socket, to: Socket): void => {
    // One queue a direction: with equal delays a later piece never overtakes an earlier one.
    const send = (chunk: Buffer): void => {
      const write = (): void => void (to.destroyed || to.write(chunk));
      if (frozen) held.push(write);
      else if (delay === 0) write();
      else setTimeout(() => (frozen ? held.push(write) : write()), delay);
    };
    from.on('data', send);
    from.on('end', () => setTimeout(() => to.destroyed || to.end(), delay));
    from.on('error', () => to.destroy());
    from.on('close', () => setTimeout(() => to.destroy(), delay));
  };
  const server = createServer((client) => {
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    all += 1;
    const box = connect(target, '127.0.0.1');
    client.setNoDelay(true);
    box.setNoDelay(true);
    const pair = [client, box] as const;
    pairs.add(pair);
    client.on('close', () => pairs.delete(pair));
    pass(client, box);
    pass(box, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (how: 'fin' | 'rst' = 'fin'): void => {
    for (const [client, box] of pairs) {
      if (how === 'rst') client.resetAndDestroy();
      else client.destroy();
      box.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    setDelay: (ms) => void (delay = ms),
    freeze: () => void (frozen = true),
    thaw: () => {
      frozen = false;
      for (const write of held.splice(0)) write();
    },
    cut,
    refuse: (yes) => void (refusing = yes),
    connections: () => all,
    close: async () => {
      cut('rst');
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
