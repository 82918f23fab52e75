import type { Clock } from '../base/index.ts';
import type { Checkpoint } from '../checkpoint/index.ts';
import {
  decide,
  gatherFacts,
  judge,
  lookThroughGit,
  perform,
  startCheckpointer,
  treeOf,
  type CheckpointerAction,
  type CheckpointerState,
  type LockState,
  type RolledBack,
  type StepContext,
  type StepInput,
  type Watched,
} from '../checkpointer/index.ts';
import { reloadProject, type Project } from '../config/index.ts';
import type { Repo } from '../git/index.ts';
import { fileTime, touchedSince, type Verification, type VerifyEvents } from '../verify/index.ts';
import type { NightlyDeps, Surroundings } from './types.ts';

export interface JudgeInput {
  readonly repo: Repo;
  readonly lock: LockState;
  readonly around: Surroundings;
  readonly ignored: (path: string) => boolean;
  readonly events: VerifyEvents;
  readonly signal: AbortSignal;
}

/** What a night found out and did. */
export interface Judged {
  readonly verification: Verification | undefined;
  readonly decisions: readonly string[];
  /** The good checkpoint of this tree, or the one that was put back. */
  readonly checkpoint: { readonly tag: string; readonly created: boolean } | undefined;
  readonly undone: RolledBack | undefined;
}

/** A tree that keeps being edited is waited for this long; then it stays. */
const longestWaitMs = 5 * 60_000;
const changedTries = 3;

/**
 * One look of the checkpointer, with all suites and gates: it decides by the same rules (what passes is tagged, a
 * confirmed regression is put back, all else is kept), but does not ask.
 */
export async function judgeNight(deps: NightlyDeps, project: Project, input: JudgeInput): Promise<Judged> {
  const night = createNight(deps, project, input);
  const { ctx, done } = night;
  for (let n = 0; n < changedTries && !ctx.verified.last && !input.signal.aborted; n++) {
    await night.present.look();
    await judge(ctx);
  }
  await actWhenQuiet(night, deps.clock, input.signal);
  if (typeof input.lock === 'object')
    done.decisions.push(`kept: ${input.lock.holder} makes the checkpoints here and did not make way`);
  const back = done.undone && { tag: done.undone.to, created: false };
  return {
    verification: ctx.verified.last,
    decisions: done.decisions,
    checkpoint: back ?? done.checkpoint,
    undone: done.undone,
  };
}

/** What comes about, while it does. */
interface Done {
  readonly decisions: string[];
  checkpoint?: Judged['checkpoint'];
  undone?: RolledBack | undefined;
}

/** One look under way. */
interface Night {
  readonly ctx: StepContext;
  readonly present: ReturnType<typeof createPresent>;
  readonly done: Done;
  readonly state: () => CheckpointerState;
  /** Leaves the tree as it is, and says why. */
  readonly keep: (why: string) => void;
}

function createNight(deps: NightlyDeps, project: Project, input: JudgeInput): Night {
  const { checkpoint, nightly } = project.config;
  const settings = { ...checkpoint, onFailure: nightly.onFailure };
  let state = startCheckpointer(settings, deps.clock.monotonic(), input.lock);
  let good: Checkpoint | undefined;
  const done: Done = { decisions: [] };
  const present = createPresent(deps, project, input);
  const steps: StepInput = {
    repo: input.repo,
    around: noting(input.around, done),
    watched: present.watched,
    ignored: input.ignored,
    hint: () => {},
    configured: async () => (await reloadProject(project)) === undefined,
    events: input.events,
  };
  const keep = (why: string): void => {
    state = { ...state, confirmed: undefined, why };
    done.decisions.push(`kept: ${why}`);
  };
  const act = async (action: CheckpointerAction): Promise<void> => {
    // The tree is another one by now: this night judges it no more.
    if (action.kind === 'verify') return keep('the tree changed while it was judged');
    if (action.kind === 'confirm' && good?.tree === treeOf(action.tree))
      return keep(`${ctx.verified.last?.why ?? 'it fails'}; but this very tree passed as ${good.tag}`);
    return perform(ctx, action);
  };
  const ctx: StepContext = {
    deps,
    project,
    who: 'nightly',
    by: { suites: nightly.suites, gates: nightly.gates },
    input: steps,
    verified: { last: undefined },
    gather: async () => {
      const key = await present.look();
      if (key === undefined) return undefined;
      const found = await gatherFacts(deps, project, steps, key);
      good = found.good;
      return found.facts;
    },
    handle: async (event) => {
      const decided = decide(settings, state, event);
      state = decided.state;
      if (event.kind === 'tagged') done.checkpoint = { tag: event.tag, created: event.created };
      if (decided.decision) done.decisions.push(decided.decision.text);
      if (decided.action) await act(decided.action);
    },
    say: () => {},
    soon: () => {},
    signal: () => input.signal,
    good: () => good,
  };
  return { ctx, present, done, keep, state: () => state };
}

/** What is around, noting what was put back. Nobody is there to be asked. */
function noting(around: Surroundings, done: Done): StepInput['around'] {
  return {
    attended: () => Promise.resolve(false),
    ask: () => Promise.resolve(),
    tell: (text) => around.tell(text),
    rollBack: async (asked) => (done.undone = await around.rollBack(asked)),
    undo: async () => {
      await around.undo();
      done.undone = undefined;
    },
  };
}

/** A confirmed regression is put back as soon as nothing was edited for a while. */
async function actWhenQuiet(night: Night, clock: Clock, signal: AbortSignal): Promise<void> {
  const from = clock.monotonic();
  const { ctx } = night;
  for (;;) {
    const { confirmed, nextAt } = night.state();
    if (!confirmed || signal.aborted) return;
    const facts = await ctx.gather();
    // That git is in the middle of something was said already.
    if (!facts || facts.repoState !== 'clean') return;
    if (facts.at - from > longestWaitMs && facts.at < nextAt)
      return night.keep(`${confirmed.why}; the tree is being edited`);
    await clock.sleep(Math.max(0, nextAt - clock.monotonic()), signal);
    const now = await ctx.gather();
    if (now && !signal.aborted) await ctx.handle({ kind: 'tick', facts: now });
  }
}

/** The work tree as it is: nobody watches it here, so it is looked at anew each time. */
function createPresent(
  deps: NightlyDeps,
  project: Project,
  { repo, ignored }: Pick<JudgeInput, 'repo' | 'ignored'>,
): { readonly look: () => Promise<string | undefined>; readonly watched: () => Watched } {
  const lookAtTree = lookThroughGit(deps, project, repo, ignored);
  let key: string | undefined;
  let editedAt = -Infinity;
  const quietMs = project.config.checkpoint.quietMs;
  return {
    look: async () => {
      const found = await lookAtTree();
      key = found.present.tree === null ? undefined : found.key;
      const since = fileTime(repo) - BigInt(Math.round(quietMs)) * 1_000_000n;
      const edited = await touchedSince(repo, project, since, ignored);
      if (edited.length > 0) editedAt = deps.clock.monotonic();
      return key;
    },
    watched: () => ({ key, editedAt, testing: false, judged: undefined }),
  };
}
