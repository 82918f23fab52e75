import { messageOf, self } from '../base/index.ts';
import { lastGood, type Checkpoint } from '../checkpoint/index.ts';
import {
  checkpointerFact,
  decide,
  gatherFacts,
  isIdle,
  perform,
  startCheckpointer,
  tag,
  type CheckpointerEvent,
  type Decision,
  type Facts,
  type StepContext,
} from '../checkpointer/index.ts';
import type { Project } from '../config/index.ts';
import { repoState } from '../git/index.ts';
import { describeUnfinished, needsRecovery, unfinished } from '../rollback/index.ts';
import { checkpointGates, verify } from '../verify/index.ts';
import type { Timer, TimerInput, TimerView } from './timer-types.ts';
import type { WatchDeps } from './types.ts';

/** While it waits, what it has told of the time is compared with the clock this often. */
const longestNapMs = 60_000;
const retryMs = 1000;

/**
 * Makes the timed checkpointer of a work tree: `decide` says what to do, this does it. It counts in monotonic
 * time; the clock on the wall, which may be set at any moment, is only told to people.
 */
export function createTimer(deps: WatchDeps, project: Project, input: TimerInput): Timer {
  const settings = project.config.checkpoint;
  const { repo, lock } = input;
  const { clock } = deps;
  let state = startCheckpointer(settings, clock.monotonic(), lock.state());
  let working: Promise<void> | undefined;
  let job = new AbortController();
  let nap = new AbortController();
  let good: Checkpoint | undefined;
  let toldAt = 0;
  /** The tree that somebody was asked about, and may still be. */
  let asked: string | undefined;

  const view = (): TimerView => ({
    nextAt: isIdle(state) ? undefined : clock.now() + state.nextAt - clock.monotonic(),
    why: state.why,
  });

  const publish = (decision?: Decision, checkpoint?: Checkpoint): void => {
    toldAt = clock.now() - clock.monotonic();
    // Another one tells here what it does.
    if (typeof state.lock !== 'object')
      deps.store.setValue(project.id, checkpointerFact, { ...view(), pid: self.pid });
    if (decision) record(decision, checkpoint);
    input.changed({
      busy: working !== undefined,
      ...(decision ? { decision } : {}),
      ...(checkpoint ? { checkpoint } : {}),
    });
  };

  const record = (decision: Decision, checkpoint: Checkpoint | undefined): void => {
    const { key: tree } = input.watched();
    deps.store.addEvent(project.id, 'checkpointer', {
      ...decision,
      tree,
      tag: checkpoint?.tag ?? good?.tag,
    });
    deps.log.info({ decision: decision.kind, tree }, decision.text);
  };

  const gather = async (forTick = false): Promise<Facts | undefined> => {
    const { key, editedAt, testing } = input.watched();
    if (key === undefined) return undefined;
    const base = { tree: key, editedAt, testing, repoState: repoState(repo) };
    // A look that has nothing to decide starts no process for the rest. A verdict needs all of it, whatever the
    // watcher does meanwhile.
    const waits = testing && settings.verifyIn === 'place';
    if (forTick && (key === state.settled || waits || isIdle(state)))
      return { ...base, at: clock.monotonic(), broughtBack: false, good: undefined, attended: false };
    const found = await gatherFacts(deps, project, input, key);
    good = found.good;
    return found.facts;
  };

  const handle = async (event: CheckpointerEvent, checkpoint?: Checkpoint): Promise<void> => {
    const decided = decide(settings, state, event);
    state = decided.state;
    publish(decided.decision, checkpoint);
    if (decided.action?.kind === 'ask') asked = decided.action.tree;
    // About another tree by now, or put right by hand.
    else if (asked !== undefined && state.settled !== asked) {
      asked = undefined;
      input.around
        .withdraw()
        .catch((error: unknown) => deps.log.warn({ error: messageOf(error) }, 'a question stayed open'));
    }
    if (decided.action) await perform(ctx, decided.action);
  };

  const ctx: StepContext = {
    deps,
    project,
    who: 'timer',
    by: checkpointGates(project),
    input,
    verified: { last: undefined },
    gather,
    handle,
    say: (why) => {
      state = { ...state, why };
      publish();
    },
    soon: () => (state = { ...state, nextAt: clock.monotonic() + retryMs }),
    signal: () => job.signal,
    good: () => good,
  };

  /** One thing at a time; what goes wrong is told, and tried again at the next look. */
  const work = async (task: () => Promise<void>): Promise<void> => {
    await working;
    job = new AbortController();
    working = task().catch((error: unknown) => {
      state = { ...state, nextAt: clock.monotonic() + settings.everyMs, why: messageOf(error) };
      deps.log.error({ error: messageOf(error) }, 'the checkpointer could not do its work');
    });
    input.changed({ busy: true });
    await working;
    working = undefined;
    publish();
  };

  const tick = async (): Promise<void> => {
    if (!(await input.configured())) return;
    if (typeof state.lock === 'object')
      await handle({ kind: 'lock', at: clock.monotonic(), lock: lock.retry() });
    const half = needsRecovery(repo) && !isIdle(state) ? unfinished(repo) : undefined;
    if (half) {
      const why = `kept: ${describeUnfinished(half)}`;
      const told = state.why === why;
      state = { ...state, nextAt: clock.monotonic() + settings.everyMs, why };
      return told ? undefined : publish({ kind: 'kept', text: why });
    }
    const facts = await gather(true);
    if (facts) await handle({ kind: 'tick', facts });
    else ctx.soon();
  };

  const checkpointNow = async (): Promise<void> => {
    const found = await verify(deps, project, {
      ...checkpointGates(project),
      reason: 'checkpoint',
      in: settings.verifyIn,
      signal: job.signal,
      ignored: input.ignored,
      on: input.events,
    });
    ctx.verified.last = found;
    const { verdict, why } = found;
    if (verdict === 'stale') input.hint();
    if (verdict === 'passed' || verdict === 'flaky') return tag(ctx, { reason: 'user', verdict });
    publish({ kind: 'kept', text: `no checkpoint: ${[verdict, why].filter(Boolean).join(', ')}` });
  };

  return {
    state: view,
    checkpointNow: () => work(checkpointNow),
    interrupt: async () => {
      // What runs in a work tree of its own may go on: else an edit now and then would leave all without a verdict.
      if (settings.verifyIn === 'worktree') return;
      job.abort();
      await working;
    },
    pause: (paused) => {
      if (paused) job.abort();
      void handle({ kind: paused ? 'paused' : 'resumed', at: clock.monotonic() });
      nap.abort();
    },
    yieldTo: async (holder) => {
      job.abort();
      await working;
      lock.release();
      await handle({ kind: 'lock', at: clock.monotonic(), lock: { holder } });
      nap.abort();
    },
    run: async (signal) => {
      signal.addEventListener('abort', () => job.abort(), { once: true });
      publish(undefined, await lastGood(repo, project.root));
      while (!signal.aborted) {
        nap = new AbortController();
        const ms = Math.min(Math.max(state.nextAt - clock.monotonic(), 50), longestNapMs);
        await clock.sleep(ms, AbortSignal.any([signal, nap.signal]));
        // The clock was set, or the machine slept: what was said of the next look is wrong by now, and what is
        // known of edits may be.
        if (Math.abs(clock.now() - clock.monotonic() - toldAt) > retryMs) {
          await handle({ kind: 'woke', at: clock.monotonic() });
          input.hint();
        }
        if (!signal.aborted && clock.monotonic() >= state.nextAt) await work(tick);
      }
      await working;
      if (typeof state.lock !== 'object')
        deps.store.setValue(project.id, checkpointerFact, { why: 'devenv watch is not running' });
    },
  };
}
