import type { Duplex } from 'node:stream';
import { explainJump } from './node-ssh-failure.ts';
import type { Link } from './node-ssh-link.ts';
import { logIn, type LoginDeps } from './node-ssh-login.ts';
import type { SshSettings } from './ssh-settings.ts';

/**
 * Connects through all machines of a route, each with its own keys and known host key. Throws what keeps it from the
 * last one; nothing stays open then.
 */
export async function openRoute(
  route: readonly SshSettings[],
  given: Omit<LoginDeps, 'label' | 'through'>,
): Promise<Link> {
  const { target } = given;
  const links: Link[] = [];
  const endAll = async (): Promise<void> => {
    for (const link of links.toReversed()) await link.end();
  };
  try {
    for (const [index, settings] of route.entries()) {
      const before = links.at(-1);
      const isLast = index === route.length - 1;
      const label = isLast ? target.name : `${target.name}, on the way, ${settings.hostname}`;
      const through = before && (await reachThrough(before, settings, target.name));
      links.push(await logIn(settings, { ...given, label, ...(through ? { through } : {}) }));
    }
  } catch (error) {
    await endAll();
    throw error;
  }
  const last = links.at(-1);
  if (!last) throw new Error('a route of no machines');
  const why = (): string => links.map((link) => link.why()).find((words) => words !== '') ?? '';
  return { ...last, why, end: endAll };
}

function reachThrough(jump: Link, next: SshSettings, host: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(explainJump(host, jump.settings, next, error));
    const forget = jump.onEnd(() => fail(new Error('its connection was lost')));
    jump.client.forwardOut('127.0.0.1', 0, next.hostname, next.port, (error, channel) => {
      forget();
      if (error) fail(error);
      else resolve(channel);
    });
  });
}
