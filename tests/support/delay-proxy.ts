import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy that makes a link slow, frozen or broken. */
export interface DelayProxy {
  readonly port: number;
  /** One way, in ms; for what comes from now on. */
  setDelay(ms: number): void;
  /** Nothing passes any more, and nobody is told; from now on, or from the first piece of more than so many bytes. */
  freeze(largerThan?: number): void;
  thaw(): void;
  /** Present connections fall into a black hole: neither side ever hears of the other again. New ones are let in. */
  strand(): void;
  /** Ends every connection: `rst` without a word. New ones are let in. */
  cut(how?: 'fin' | 'rst'): void;
  /** New connections are refused from now on. */
  refuse(yes: boolean): void;
  readonly connections: () => number;
  /** Bytes that wait for `thaw`. */
  readonly heldBytes: () => number;
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
  let heldBytes = 0;
  let freezeAt: number | undefined;
  const stranded = new Set<Socket>();
  const pass = (from: Socket, to: Socket): void => {
    // What happens at one end is told to the other, unless the link is dead.
    const tell = (what: () => void): void => {
      const later = (): void => void (stranded.has(from) || stranded.has(to) || what());
      if (frozen) held.push(later);
      else if (delay === 0) later();
      else setTimeout(() => (frozen ? held.push(later) : later()), delay);
    };
    // One queue a direction: with equal delays a later piece never overtakes an earlier one.
    from.on('data', (chunk: Buffer) => {
      frozen ||= freezeAt !== undefined && chunk.length > freezeAt;
      if (frozen) heldBytes += chunk.length;
      tell(() => to.destroyed || to.write(chunk));
    });
    from.on('end', () => tell(() => to.destroyed || to.end()));
    from.on('error', () => {});
    from.on('close', () => tell(() => to.destroy()));
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
    box.on('close', () => client.destroyed && pairs.delete(pair));
    client.on('close', () => box.destroyed && pairs.delete(pair));
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
    freeze: (largerThan) => {
      freezeAt = largerThan;
      frozen = largerThan === undefined;
    },
    thaw: () => {
      frozen = false;
      freezeAt = undefined;
      heldBytes = 0;
      for (const write of held.splice(0)) write();
    },
    strand: () => {
      for (const socket of [...pairs].flat()) stranded.add(socket);
    },
    cut,
    refuse: (yes) => void (refusing = yes),
    connections: () => all,
    heldBytes: () => heldBytes,
    close: async () => {
      cut('rst');
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
