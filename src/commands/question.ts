import type { Project } from '../config/index.ts';
import {
  closeMenu,
  isIdle,
  showMenu,
  showMessage,
  type OwnSession,
  type SessionDeps,
} from '../session/index.ts';
import type { Question, Surroundings } from '../watch/index.ts';
import { regressionMenu } from './ask.ts';
import type { CommandContext } from './context.ts';

/** Does something with the session as it is by then, if there is one. */
type InSession = (action: (session: OwnSession) => Promise<void>) => Promise<void>;

/** So often it is looked whether the person has stopped typing, and for so long. */
const lookMs = 1000;
const longestMs = 10 * 60_000;

/**
 * Puts the question after a regression: a menu, as soon as nobody types in the client, or the next key of a command
 * would be its answer. Where there is none to be seen, and while it waits, one line says what there is to be done.
 */
export function askInMenus(
  ctx: Pick<CommandContext, 'env' | 'signal'>,
  project: Project,
  deps: SessionDeps,
  inSession: InSession,
): Pick<Surroundings, 'ask' | 'withdraw'> {
  let waiting = new AbortController();
  const say = (session: OwnSession, { why }: Question): Promise<void> =>
    showMessage(
      deps,
      session,
      `devenv: the tests fail; devenv rollback puts the last good state back (${why})`,
    );
  const open = (question: Question): Promise<void> =>
    inSession(async (session) => {
      if (!(await showMenu(deps, session, regressionMenu(ctx, project, session, question))))
        await say(session, question);
    });
  const openWhenIdle = async (question: Question, signal: AbortSignal): Promise<void> => {
    const until = deps.clock.monotonic() + longestMs;
    while (!signal.aborted && deps.clock.monotonic() < until) {
      await deps.clock.sleep(lookMs, signal);
      const found = { idle: false };
      await inSession(async (session) => void (found.idle = await isIdle(deps, session)));
      if (found.idle && !signal.aborted) return open(question);
    }
  };
  return {
    ask: async (question) => {
      waiting.abort();
      waiting = new AbortController();
      const signal = AbortSignal.any([waiting.signal, ctx.signal]);
      await inSession(async (session) => {
        if (await isIdle(deps, session)) return open(question);
        await closeMenu(deps, session);
        await say(session, question);
        // Not waited for: the next look must not have to. The line has told it; without tmux nobody is there to be asked.
        openWhenIdle(question, signal).catch(() => {});
      });
    },
    withdraw: async () => {
      waiting.abort();
      await inSession((session) => closeMenu(deps, session));
    },
  };
}
