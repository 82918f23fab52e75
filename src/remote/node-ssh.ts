import { DevenvError } from '../base/index.ts';
import { createAsk } from './ask.ts';
import { repeatOnce, stoppedError } from './call.ts';
import { explainSsh, lostError } from './failure.ts';
import { frame, frameless } from './frame.ts';
import { attachTo } from './node-ssh-attach.ts';
import { execFramed, type NodeSshEnded } from './node-ssh-exec.ts';
import { createForwards } from './node-ssh-forward.ts';
import { explainNotOpened } from './node-ssh-failure.ts';
import type { Link } from './node-ssh-link.ts';
import { openRoute } from './node-ssh-route.ts';
import { createSessions, type SessionOptions, type Sessions } from './node-ssh-sessions.ts';
import { resolveRoute } from './ssh-route.ts';
import type { ScriptResult, ScriptRun, Target, Transport, TransportDeps } from './types.ts';

interface Connection {
  readonly link: Link;
  readonly sessions: Sessions;
}

/**
 * A client of devenv's own, for machines without OpenSSH: it knows the host as OpenSSH does (known_hosts), takes from
 * the ssh configuration what it can honour, and refuses a host that needs more.
 */
export function createNodeSsh(target: Target, deps: TransportDeps): Transport {
  const keeper = createKeeper(target, deps);
  const forwards = createForwards(target, () => keeper.connect());
  const optionsOf = ({ link }: Connection): SessionOptions => ({
    env: { ...link.settings.env },
    ...(target.forwardAgent && link.settings.agent !== undefined ? { agentForward: true } : {}),
  });

  const attempt = async (script: ScriptRun): Promise<ScriptResult> => {
    const connection = await keeper.connect(script.signal);
    const framed = frame(script.script, script.vars);
    const ended = await execFramed(connection, framed, script, optionsOf(connection));
    if (ended.result) return ended.result;
    if (ended.stopped === 'timeout') keeper.drop(connection);
    throw stoppedError(target, script, ended) ?? broken(target, connection, ended);
  };

  return {
    kind: 'node-ssh',
    run: (script) => repeatOnce(script, keeper.isConnected(), () => attempt(script)),
    attach: async ({ script, vars }) => {
      const connection = await keeper.connect();
      const shown = { ...connection, host: target.name, env: deps.env };
      return attachTo(shown, frameless(script, vars), optionsOf(connection));
    },
    forward: forwards.add,
    close: async () => {
      await forwards.close();
      await keeper.close();
    },
  };
}

/** The error of a call that this side did not end. */
function broken(target: Target, { link }: Connection, ended: NodeSshEnded): DevenvError {
  if (ended.sent && (ended.began || !link.isAlive())) return lostError(target.name, link.why());
  // A login shell that runs nothing has said why.
  if (!ended.error) return explainSsh(target.name, ended.before);
  return explainNotOpened(target.name, link, ended.error);
}

interface Keeper {
  /** The connection; made with the first call, and again when it was lost. Throws `interrupted` on abort. */
  readonly connect: (signal?: AbortSignal) => Promise<Connection>;
  readonly isConnected: () => boolean;
  /** Something is wrong with it: the next call makes a new one; this one ends when nothing uses it any more. */
  readonly drop: (connection: Connection) => void;
  readonly close: () => Promise<void>;
}

function createKeeper(target: Target, deps: TransportDeps): Keeper {
  const ask = deps.interactive ? createAsk() : undefined;
  const all = new Set<Connection>();
  let current: Connection | undefined;
  let coming: Promise<Connection> | undefined;
  let closing = new AbortController();

  const open = async (): Promise<Connection> => {
    const route = await resolveRoute(target, deps.env);
    const link = await openRoute(route, { target, deps, ask, signal: closing.signal });
    const sessions = createSessions(link, () => {
      if (current !== connection) void link.end();
    });
    const connection = { link, sessions };
    current = connection;
    all.add(connection);
    link.onEnd(() => {
      all.delete(connection);
      if (current === connection) current = undefined;
    });
    return connection;
  };
  return {
    connect: (signal) => {
      if (current?.link.isAlive()) return Promise.resolve(current);
      coming ??= open().finally(() => (coming = undefined));
      return unlessAborted(coming, signal);
    },
    isConnected: () => current !== undefined,
    drop: (connection) => {
      if (current === connection) current = undefined;
      if (connection.sessions.count() === 0) void connection.link.end();
    },
    close: async () => {
      closing.abort();
      await coming?.catch(() => {});
      closing = new AbortController();
      current = undefined;
      await Promise.all(Array.from(all, ({ link }) => link.end()));
    },
  };
}

/** Ctrl-C does not wait for a box that does not answer. */
function unlessAborted<T>(coming: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return coming;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new DevenvError('interrupted', 'interrupted'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    coming.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
