import { DevenvError, messageOf, plural, self } from '../base/index.ts';
import { createCheckpoint, lastGood, type Checkpoint } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import { git, repoState, type Repo } from '../git/index.ts';
import { describeLines, needsRecovery, unfinished } from '../rollback/index.ts';
import {
  checkpointGates,
  codeDifference,
  confirmRegression,
  describeUntold,
  lookAt,
  verify,
  type Present,
  type Verification,
  type VerifyEvents,
} from '../verify/index.ts';
import {
  decide,
  startCheckpointer,
  type CheckpointerAction,
  type CheckpointerEvent,
  type CheckpointerState,
  type Decision,
  type Facts,
} from './checkpointer.ts';
import { keyOf, marksOf, treeOf } from './key.ts';
import type { RolledBack, Surroundings, WatchDeps } from './types.ts';

/** What the watcher tells the checkpointer, asked anew at every step. */
interface Watched {
  /** The tree as it was last found; undefined before the first look. */
  readonly key: string | undefined;
  readonly editedAt: number;
  readonly testing: boolean;
  /** The watcher's last whole verdict, with the key of its tree. */
  readonly judged: { readonly key: string; readonly found: Verification } | undefined;
}

export interface TimerInput {
  readonly repo: Repo;
  readonly around: Surroundings;
  readonly watched: () => Watched;
  readonly ignored: (path: string) => boolean;
  /** The tree is another one than the watcher believes, or will be: it should look. */
  readonly hint: () => void;
  readonly events: VerifyEvents;
  readonly changed: (told: {
    readonly decision?: Decision;
    readonly checkpoint?: Checkpoint;
    readonly busy: boolean;
  }) => void;
}

/** The timed checkpointer at work. */
export interface Timer {
  readonly state: () => CheckpointerState;
  /** Verifies and makes a checkpoint now, because the user asked. */
  readonly checkpointNow: () => Promise<void>;
  /** Ends what it is doing, since the tree is another one; resolves when it has. */
  readonly interrupt: () => Promise<void>;
  /** Runs until the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Makes the timed checkpointer of a work tree: `decide` says what to do, this does it. */
export function createTimer(deps: WatchDeps, project: Project, input: TimerInput): Timer {
  const settings = project.config.checkpoint;
  const { repo, around } = input;
  let state = startCheckpointer(settings, deps.clock.now());
  let working: Promise<void> | undefined;
  let job = new AbortController();
  let verification: Verification | undefined;
  let good: Checkpoint | undefined;

  const publish = (decision?: Decision, checkpoint?: Checkpoint): void => {
    deps.store.setValue(project.id, 'checkpointer', { nextAt: state.nextAt, why: state.why, pid: self.pid });
    if (decision) {
      const { key: tree } = input.watched();
      deps.store.addEvent(project.id, 'checkpointer', {
        ...decision,
        tree,
        tag: checkpoint?.tag ?? good?.tag,
      });
      deps.log.info({ decision: decision.kind, tree }, decision.text);
    }
    input.changed({
      busy: working !== undefined,
      ...(decision ? { decision } : {}),
      ...(checkpoint ? { checkpoint } : {}),
    });
  };

  const gather = async (): Promise<Facts | undefined> => {
    const { key, editedAt, testing } = input.watched();
    if (key === undefined) return undefined;
    const base = { at: deps.clock.now(), tree: key, editedAt, testing, repoState: repoState(repo) };
    // Nothing to decide: no process is started for the rest.
    if (key === state.settled || testing)
      return { ...base, broughtBack: false, good: undefined, attended: false };
    good = await lastGood(repo);
    return { ...base, broughtBack: await wasPutAway(key), good, attended: await around.attended() };
  };

  const handle = async (event: CheckpointerEvent): Promise<void> => {
    const decided = decide(settings, state, event);
    state = decided.state;
    publish(decided.decision);
    if (decided.action) await perform(decided.action);
  };

  const perform = async (action: CheckpointerAction): Promise<void> => {
    if (action.kind === 'verify') return judge();
    if (action.kind === 'tag') return tag('timer', action.verdict);
    if (action.kind === 'confirm') return confirm();
    if (action.kind === 'ask') return around.ask({ why: action.why, checkpoint: good?.tag ?? '' });
    return reset(action.why);
  };

  /** Whether a rollback or reset has put this code away before: then it is here because the user wants it. */
  const wasPutAway = async (key: string): Promise<boolean> => {
    const to = treeOf(key);
    const trees = await putAway(repo);
    if (trees.includes(to)) return true;
    for (const from of trees.slice(0, comparedAtMost))
      if ((await codeDifference(repo, project, { from, to }, input.ignored)).length === 0) return true;
    return false;
  };

  /** Whether the work tree is another one than a key says. */
  const isOther = async (present: Present, key: string): Promise<boolean> => {
    const now = await keyOf(present);
    if (marksOf(now) !== marksOf(key)) return true;
    const trees = { from: treeOf(key), to: treeOf(now) };
    return (await codeDifference(repo, project, trees, input.ignored)).length > 0;
  };

  const judge = async (): Promise<void> => {
    const { key, judged } = input.watched();
    const known = judged?.key === key ? judged?.found : undefined;
    const present = await lookAt(deps, project, repo);
    if (key === undefined || present.tree === null) return;
    if (await isOther(present, key)) {
      input.hint();
      state = { ...state, nextAt: deps.clock.now() + 1000 };
      return;
    }
    // The tree that was tested is the tree that is kept.
    const before =
      known?.snapshot && known.snapshot.tree !== present.tree
        ? { repo, snapshot: known.snapshot, tree: known.snapshot.tree }
        : present;
    verification = await verify(deps, project, {
      ...checkpointGates(project),
      reason: 'timer',
      before,
      known: known?.suites.filter(({ verdict }) => ['passed', 'failed', 'flaky'].includes(verdict)) ?? [],
      // What the watcher has already run twice fails three times in a row after this.
      reruns: known ? 1 : 2,
      signal: job.signal,
      ignored: input.ignored,
      on: input.events,
    });
    const facts = await gather();
    if (!facts) return;
    await handle({
      kind: 'verified',
      facts,
      tree: key,
      verdict: verification.verdict,
      why: verification.why ?? verification.verdict,
      suiteFailed: failedSuites(verification).length > 0,
      untold: verification.untold.length > 0 ? describeUntold(verification.untold) : undefined,
    });
  };

  const tag = async (reason: 'timer' | 'user', verdict: 'passed' | 'flaky'): Promise<void> => {
    const { key } = input.watched();
    const made = await createCheckpoint(repo, {
      verdict,
      reason,
      suites: verification?.suites.map((suite) => `${suite.name}=${suite.verdict}`) ?? [],
      snapshot: verification?.snapshot,
      session: deps.env['DEVENV_SESSION_ID'],
      tags: settings.tags,
      maxFileBytes: settings.maxFileBytes,
      now: deps.clock.now(),
    });
    const decided = decide(settings, state, {
      kind: 'tagged',
      at: deps.clock.now(),
      tree: key ?? made.tree,
      tag: made.verdict === verdict ? made.tag : `${made.tag}, ${made.verdict}`,
      created: made.created,
    });
    state = decided.state;
    publish(decided.decision, made);
  };

  const confirm = async (): Promise<void> => {
    const { key } = input.watched();
    if (!good || !verification || key === undefined) return;
    state = { ...state, why: `runs what failed on ${good.tag}` };
    publish();
    const found = await confirmRegression(deps, project, {
      repo,
      good,
      failed: failedSuites(verification),
      signal: job.signal,
    });
    const facts = await gather();
    if (!facts || job.signal.aborted) return;
    await handle({
      kind: 'confirmed',
      facts,
      tree: key,
      confirmed: found.confirmed,
      why: `${describeFailed(verification)}; ${found.why}`,
    });
  };

  const reset = async (why: string): Promise<void> => {
    const { key } = input.watched();
    if (!good || key === undefined) return;
    // The last look may be a moment old; an edit made since is not to be taken away.
    const present = await lookAt(deps, project, repo);
    if ((await isOther(present, key)) || input.watched().key !== key) return input.hint();
    try {
      const done = await around.rollBack({ target: good.tag, reason: 'checkpointer' });
      const text = describeReset(done, why);
      deps.store.addEvent(project.id, 'reset', { from: key, to: done.to, undo: done.undo, text });
      await handle({ kind: 'reset', at: deps.clock.now(), tree: good.tree, text });
      await around.tell(`devenv: ${text}`);
    } catch (error) {
      if (!(error instanceof DevenvError)) throw error;
      await handle({
        kind: 'refused',
        at: deps.clock.now(),
        tree: key,
        why: `${why}; no reset: ${error.message}`,
      });
    } finally {
      input.hint();
    }
  };

  /** One thing at a time; what goes wrong is told, and tried again at the next look. */
  const work = async (task: () => Promise<void>): Promise<void> => {
    await working;
    job = new AbortController();
    working = task().catch((error: unknown) => {
      state = { ...state, nextAt: deps.clock.now() + settings.everyMs, why: messageOf(error) };
      deps.log.error({ error: messageOf(error) }, 'the checkpointer could not do its work');
    });
    input.changed({ busy: true });
    await working;
    working = undefined;
    publish();
  };

  const tick = async (): Promise<void> => {
    const half = needsRecovery(repo) ? unfinished(repo) : undefined;
    if (half) {
      const why = `kept: the ${half.kind} to ${half.name} was killed half way (devenv rollback finishes it, devenv undo takes it back)`;
      const told = state.why === why;
      state = { ...state, nextAt: deps.clock.now() + settings.everyMs, why };
      return told ? undefined : publish({ kind: 'kept', text: why });
    }
    const facts = await gather();
    if (facts) await handle({ kind: 'tick', facts });
    else state = { ...state, nextAt: deps.clock.now() + 1000 };
  };

  return {
    state: () => state,
    checkpointNow: () =>
      work(async () => {
        verification = await verify(deps, project, {
          ...checkpointGates(project),
          reason: 'checkpoint',
          signal: job.signal,
          ignored: input.ignored,
          on: input.events,
        });
        const { verdict, why } = verification;
        if (verdict === 'passed' || verdict === 'flaky') return tag('user', verdict);
        publish({ kind: 'kept', text: `no checkpoint: ${verdict}${why === undefined ? '' : `, ${why}`}` });
      }),
    interrupt: async () => {
      job.abort();
      await working;
    },
    run: async (signal) => {
      signal.addEventListener('abort', () => job.abort(), { once: true });
      publish(undefined, await lastGood(repo));
      while (!signal.aborted) {
        await deps.clock.sleep(Math.min(Math.max(state.nextAt - deps.clock.now(), 50), 2 ** 30), signal);
        if (!signal.aborted && deps.clock.now() >= state.nextAt) await work(tick);
      }
      await working;
      deps.store.setValue(project.id, 'checkpointer', { why: 'devenv watch is not running' });
    },
  };
}

const failedSuites = (found: Verification) => found.suites.filter((suite) => suite.verdict === 'failed');

/** `unit fails (adds two numbers and 3 more)`. */
function describeFailed(found: Verification): string {
  const [first] = failedSuites(found);
  const [failure] = first?.failures ?? [];
  if (!first) return found.why ?? 'failed';
  if (!failure || failure.name === first.name) return `${first.name} fails`;
  const more = first.failed > 1 ? ` and ${first.failed - 1} more` : '';
  return `${first.name} fails (${failure.name}${more})`;
}

/** With reports in the tree, equal code may be in trees that differ: so many are compared, newest first. */
const comparedAtMost = 20;

/** The trees that rollbacks and resets have put away, newest first. */
async function putAway(repo: Repo): Promise<readonly string[]> {
  const format = ['--sort=-committerdate', '--format=%(tree)'];
  const result = await git(repo, ['for-each-ref', ...format, 'refs/devenv/undo/']);
  return result.stdout.toString('latin1').split('\n').filter(Boolean);
}

function describeReset(
  done: Pick<RolledBack, 'to' | 'written' | 'deleted' | 'putAway'>,
  why: string,
): string {
  const files = [...done.written, ...done.deleted];
  const names = files.length <= 3 ? files.join(', ') : plural(files.length, 'file');
  const lines = describeLines(done.putAway);
  return `reset to ${done.to}: ${names} put back${lines && `, ${lines} put away`}, since ${why}. devenv undo takes this back`;
}
