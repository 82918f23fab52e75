import type { Duplex } from 'node:stream';
import type { AuthHandlerMiddleware } from 'ssh2';
import { DevenvError } from '../base/index.ts';
import type { Ask } from './ask.ts';
import { chooseAlgorithms } from './node-ssh-algorithms.ts';
import { gatherOffers, type AuthStep } from './node-ssh-auth.ts';
import { explainNodeSsh } from './node-ssh-failure.ts';
import { dial, startLink, type Link } from './node-ssh-link.ts';
import { readTrust, type Trust } from './node-ssh-trust.ts';
import type { SshSettings } from './ssh-settings.ts';
import type { Target, TransportDeps } from './types.ts';

/** What a machine is reached with. */
export interface LoginDeps {
  /** The machine as the user knows it, for messages. */
  readonly label: string;
  readonly target: Target;
  readonly deps: TransportDeps;
  /** Asks a person, if there is one. */
  readonly ask: Ask | undefined;
  /** Nobody wants the connection any more. */
  readonly signal: AbortSignal;
  /** The way there, where it is not a connection of its own. */
  readonly through?: Duplex;
}

/** Time for the machine to answer and show its key, then for it to let the user in; questions do not count. */
const helloMs = 10_000;
const loginMs = 20_000;

type Verify = (isValid: boolean) => void;

/** An attempt to log in: what goes wrong first ends it. */
interface Attempt {
  readonly failed: Promise<never>;
  readonly fail: (error: unknown) => void;
  /** Gives the machine so much time from now on; undefined: as long as it takes. */
  readonly allow: (ms: number | undefined) => void;
  readonly ask: Ask | undefined;
  /** What the machine would have taken to let the user in. */
  takes: readonly string[];
  /** Nothing is waited for any more. */
  readonly done: () => void;
}

/** Connects and logs in. Throws what keeps it from that; nothing stays open then. */
export async function logIn(settings: SshSettings, given: LoginDeps): Promise<Link> {
  const { label, deps } = given;
  const attempt = beginAttempt(given.ask, given.signal);
  const { acceptNewHostKey: acceptNew, note } = deps;
  const trust = readTrust(settings.trust, { host: label, acceptNew, ask: attempt.ask, note });
  const { steps, passedOver } = await gatherOffers(settings, label, attempt.ask);
  attempt.allow(helloMs);
  const config = {
    algorithms: chooseAlgorithms(settings.algorithms, trust.knownTypes),
    hostVerifier: (key: Buffer, verify: Verify) => judge(trust, key, verify, attempt),
    authHandler: authHandler(steps, settings.user, attempt),
    ...agentFor(settings, given.target),
  };
  const link = startLink(given.through ?? dial(settings), settings, config, {
    keepaliveSec: given.target.keepaliveSec,
    onError: attempt.fail,
  });
  try {
    await Promise.race([attempt.failed, loggedIn(link, trust, attempt)]);
    return link;
  } catch (error) {
    await link.end();
    throw explainNodeSsh(label, settings, error, { passedOver, takes: attempt.takes });
  } finally {
    attempt.done();
  }
}

/** The agent itself goes along only where the user wants it to be used from the box. */
const agentFor = ({ agent }: SshSettings, { forwardAgent }: Target): { readonly agent?: string } =>
  forwardAgent && agent !== undefined ? { agent } : {};

function beginAttempt(ask: Ask | undefined, signal: AbortSignal): Attempt {
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const over = new AbortController();
  failed.catch(() => over.abort());
  const onAbort = (): void => fail(new DevenvError('interrupted', 'interrupted'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let timer: NodeJS.Timeout | undefined;
  let isDone = false;
  const allow = (ms: number | undefined): void => {
    clearTimeout(timer);
    if (ms !== undefined && !isDone)
      timer = setTimeout(() => fail(Object.assign(new Error('timeout'), { level: 'client-timeout' })), ms);
  };
  const patiently =
    (asks: Ask): Ask =>
    async (question, options) => {
      allow(undefined);
      try {
        return await asks(question, { ...options, signal: over.signal });
      } catch (error) {
        // Ctrl-C at the question.
        fail(error);
        throw error;
      } finally {
        allow(loginMs);
      }
    };
  const done = (): void => {
    isDone = true;
    allow(undefined);
    signal.removeEventListener('abort', onAbort);
  };
  return { failed, fail, allow, ask: ask && patiently(ask), takes: [], done };
}

/** Resolves when the machine has let the user in. */
function loggedIn({ client }: Link, trust: Trust, attempt: Attempt): Promise<void> {
  client.once('handshake', () => {
    attempt.allow(loginMs);
    // Only now has the machine proven that the key is its own.
    try {
      trust.remember();
    } catch (error) {
      attempt.fail(error);
    }
  });
  return new Promise((resolve) => client.once('ready', resolve));
}

/** At a renewal the answer must come at once, or what is sent meanwhile breaks the connection. */
function judge(trust: Trust, key: Buffer, verify: Verify, { fail }: Attempt): void {
  if (trust.isAccepted(key)) return verify(true);
  trust
    .check(key)
    .then(() => verify(true))
    .catch((error: unknown) => {
      fail(error);
      verify(false);
    });
}

/** Tries one way after the other, of those that the machine would take; first it is asked which these are. */
function authHandler(steps: readonly AuthStep[], username: string, attempt: Attempt): AuthHandlerMiddleware {
  const left = [...steps];
  return (methods, _partly, next) => {
    if (!methods) {
      next({ type: 'none', username });
      return;
    }
    attempt.takes = methods;
    const tryNext = async (): Promise<void> => {
      for (;;) {
        const at = left.findIndex(({ method }) => methods.includes(method));
        const [step] = at < 0 ? [] : left.splice(at, 1);
        if (!step)
          return attempt.fail(Object.assign(new Error('nothing left'), { level: 'client-authentication' }));
        const offer = await step.make();
        if (offer) return next(offer);
      }
    };
    void tryNext().catch(attempt.fail);
  };
}
