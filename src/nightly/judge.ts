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
  type CheckpointerEvent,
  type CheckpointerState,
  type Facts,
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
  const { checkpoint, nightly } = project.config;
  const settings = { ...checkpoint, onFailure: nightly.onFailure };
  const { clock } = deps;
  const began = clock.monotonic();
  const decisions: string[] = [];
  const done: { checkpoint?: Judged['checkpoint']; undone?: RolledBack | undefined } = {};
  let state: CheckpointerState = startCheckpointer(settings, began, input.lock);
  let good: Checkpoint | undefined;
  const present = createPresent(deps, project, input);

  const around: StepInput['around'] = {
    attended: () => Promise.resolve(false),
    ask: () => Promise.resolve(),
    tell: (text) => input.around.tell(text),
    rollBack: async (asked) => (done.undone = await input.around.rollBack(asked)),
    undo: async () => {
      await input.around.undo();
      done.undone = undefined;
    },
  };
  const gather = async (): Promise<Facts | undefined> => {
    const key = await present.look();
    if (key === undefined) return undefined;
    const found = await gatherFacts(deps, project, { ...input, around, watched: present.watched }, key);
    good = found.good;
    return found.facts;
  };
  const handle = async (event: CheckpointerEvent): Promise<void> => {
    const decided = decide(settings, state, event);
    state = decided.state;
    if (event.kind === 'tagged') done.checkpoint = { tag: event.tag, created: event.created };
    if (decided.decision) decisions.push(decided.decision.text);
    if (decided.action) await act(decided.action);
  };
  const kept = (why: string): void => {
    state = { ...state, confirmed: undefined, why };
    decisions.push(`kept: ${why}`);
  };
  const act = async (action: CheckpointerAction): Promise<void> => {
    // The tree is another one by now: this night judges it no more.
    if (action.kind === 'verify') return kept('the tree changed while it was judged');
    if (action.kind === 'confirm' && good?.tree === treeOf(action.tree))
      return kept(`${ctx.verified.last?.why ?? 'it fails'}; but this very tree passed as ${good.tag}`);
    return perform(ctx, action);
  };
  const ctx: StepContext = {
    deps,
    project,
    who: 'nightly',
    by: { suites: nightly.suites, gates: nightly.gates },
    input: {
      repo: input.repo,
      around,
      watched: present.watched,
      ignored: input.ignored,
      hint: () => {},
      configured: async () => (await reloadProject(project)) === undefined,
      events: input.events,
    },
    verified: { last: undefined },
    gather,
    handle,
    say: () => {},
    soon: () => {},
    signal: () => input.signal,
    good: () => good,
  };

  for (let n = 0; n < changedTries && !ctx.verified.last && !input.signal.aborted; n++) {
    await present.look();
    await judge(ctx);
  }
  const waitsFrom = clock.monotonic();
  while (state.confirmed && !input.signal.aborted) {
    const facts = await gather();
    if (!facts) break;
    if (facts.repoState !== 'clean') break; // said already
    if (clock.monotonic() - waitsFrom > longestWaitMs && facts.at < state.nextAt) {
      kept(`${state.confirmed.why}; the tree is being edited`);
      break;
    }
    await clock.sleep(Math.max(0, state.nextAt - clock.monotonic()), input.signal);
    const now = await gather();
    if (now && !input.signal.aborted) await handle({ kind: 'tick', facts: now });
  }
  if (typeof input.lock === 'object')
    decisions.push(`kept: ${input.lock.holder} makes the checkpoints here and did not make way`);
  const back = done.undone && good ? { tag: done.undone.to, created: false } : undefined;
  return {
    verification: ctx.verified.last,
    decisions,
    checkpoint: back ?? done.checkpoint,
    undone: done.undone,
  };
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
