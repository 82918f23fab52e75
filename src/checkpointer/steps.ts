import { DevenvError, showName } from '../base/index.ts';
import { createCheckpoint, lastGood, type Checkpoint } from '../checkpoint/index.ts';
import { diffCommits, displayPath, isSubmodule, repoState, submoduleMove, type Repo } from '../git/index.ts';
import {
  codeDifference,
  confirmRegression,
  describeUntold,
  lookAt,
  verify,
  type Present,
  type Verification,
} from '../verify/index.ts';
import { describeFiles, describeLines } from '../rollback/index.ts';
import { wasBroughtBack } from './brought-back.ts';
import { keyOf, marksOf, treeOf } from './key.ts';
import type { RolledBack, StepContext, StepInput } from './step-types.ts';
import type { CheckpointerAction, Facts } from './types.ts';

/** Whether the work tree is another one than a key says. */
async function isOther({ project, input }: StepContext, present: Present, key: string): Promise<boolean> {
  const now = await keyOf(present);
  if (marksOf(now) !== marksOf(key)) return true;
  const trees = { from: treeOf(key), to: treeOf(now) };
  return (await codeDifference(input.repo, project, trees, input.ignored)).length > 0;
}

/** All that a decision needs to know of the present, `key` being its tree. */
export async function gatherFacts(
  deps: StepContext['deps'],
  project: StepContext['project'],
  input: Pick<StepInput, 'repo' | 'around' | 'watched' | 'ignored'>,
  key: string,
): Promise<{ readonly facts: Facts; readonly good: Checkpoint | undefined }> {
  const { editedAt, testing } = input.watched();
  const good = await lastGood(input.repo, project.root);
  const broughtBack = await wasBroughtBack(input.repo, project, treeOf(key), input.ignored);
  const attended = await input.around.attended();
  const at = deps.clock.monotonic();
  return {
    facts: {
      tree: key,
      editedAt,
      testing,
      repoState: repoState(input.repo),
      at,
      broughtBack,
      good,
      attended,
    },
    good,
  };
}

/** Does what was decided; each concludes by an event of its own. */
export async function perform(ctx: StepContext, action: CheckpointerAction): Promise<void> {
  if (action.kind === 'verify') return judge(ctx);
  if (action.kind === 'tag') return tag(ctx, { ...action, reason: ctx.who });
  if (action.kind === 'confirm') return confirm(ctx, action.tree);
  if (action.kind === 'ask')
    return ctx.input.around.ask({ why: action.why, checkpoint: action.to, tree: treeOf(action.tree) });
  return reset(ctx, action);
}

/** Verifies the present tree; what the watcher has found out about it does not run again. */
export async function judge(ctx: StepContext): Promise<void> {
  const { deps, project, input } = ctx;
  const where = project.config.checkpoint.verifyIn;
  const { key: seen, judged } = input.watched();
  const present = await lookAt(deps, project, input.repo);
  if (seen === undefined || present.tree === null) return;
  const other = await isOther(ctx, present, seen);
  if (other) input.hint();
  if (other && where === 'place') return ctx.soon();
  // A scratch work tree is of what was just saved, whatever the watcher has seen.
  const key = other ? await keyOf(present) : seen;
  const known = judged?.key === key ? judged.found : undefined;
  // What failed in place may fail for what git ignores: it says nothing about the scratch work tree.
  const counts = where === 'place' ? ['passed', 'failed', 'flaky'] : ['passed'];
  // The tree that was tested is the tree that is kept.
  const before =
    known?.snapshot && known.snapshot.tree !== present.tree
      ? { repo: input.repo, snapshot: known.snapshot, tree: known.snapshot.tree }
      : present;
  const verification = await verify(deps, project, {
    ...ctx.by,
    reason: ctx.who,
    in: where,
    before,
    known: known?.suites.filter(({ verdict }) => counts.includes(verdict)) ?? [],
    // What the watcher has already run twice fails three times in a row after this.
    reruns: known && where === 'place' ? 1 : 2,
    rerunMany: true,
    signal: ctx.signal(),
    ignored: input.ignored,
    on: input.events,
  });
  ctx.verified.last = verification;
  if (verification.verdict === 'stale') input.hint();
  await conclude(ctx, key, verification);
}

async function conclude(ctx: StepContext, key: string, found: Verification): Promise<void> {
  const facts = await ctx.gather();
  if (!facts) return;
  // In a scratch work tree nobody saw what the tree does not hold; but it may be what makes the tests pass in place.
  const counts = found.untold.length > 0 && (found.in === 'place' || found.verdict === 'failed');
  await ctx.handle({
    kind: 'verified',
    facts,
    tree: key,
    verdict: found.verdict,
    why: found.why ?? found.verdict,
    suiteFailed: failedSuites(found).length > 0,
    untold: counts ? describeUntold(found.untold) : undefined,
  });
}

/** Keeps the tree that was verified; `tree` is its key. */
export async function tag(
  ctx: StepContext,
  input: {
    readonly reason: 'timer' | 'nightly' | 'user';
    readonly verdict: 'passed' | 'flaky';
    readonly tree?: string;
  },
): Promise<void> {
  const { deps, project } = ctx;
  const settings = project.config.checkpoint;
  const found = ctx.verified.last;
  const made = await createCheckpoint(ctx.input.repo, {
    verdict: input.verdict,
    reason: input.reason,
    suites: found?.suites.map((suite) => `${suite.name}=${suite.verdict}`) ?? [],
    snapshot: found?.snapshot,
    session: deps.env['DEVENV_SESSION_ID'],
    root: project.root,
    tags: settings.tags,
    maxFileBytes: settings.maxFileBytes,
    now: deps.clock.now(),
  });
  await ctx.handle(
    {
      kind: 'tagged',
      at: deps.clock.monotonic(),
      tree: input.tree ?? made.tree,
      tag: made.verdict === 'passed' ? made.tag : `${made.tag}, ${made.verdict}`,
      created: made.created,
    },
    made,
  );
}

/** Is it this edit? Runs what failed in the tree of that key on the last good checkpoint. */
async function confirm(ctx: StepContext, key: string): Promise<void> {
  const good = ctx.good();
  const found = ctx.verified.last;
  if (!good || !found) return;
  ctx.say(`runs what failed on ${good.tag}`);
  const regression =
    (await outOfReach(ctx.input.repo, good, found)) ??
    (await confirmRegression(ctx.deps, ctx.project, {
      repo: ctx.input.repo,
      good,
      failed: failedSuites(found),
      present: found.in === 'place' ? (found.snapshot ?? null) : null,
      signal: ctx.signal(),
    }));
  const facts = await ctx.gather();
  if (!facts || ctx.signal().aborted) return;
  await ctx.handle({
    kind: 'confirmed',
    facts,
    tree: key,
    on: good.tag,
    confirmed: regression.confirmed,
    why: `${describeFailed(found)}; ${regression.why}`,
  });
}

/** No rollback moves a submodule: where one differs, the tests may fail for it, and all else would go in vain. */
async function outOfReach(
  repo: Repo,
  good: Checkpoint,
  { snapshot }: Verification,
): Promise<{ readonly confirmed: false; readonly why: string } | undefined> {
  if (!snapshot) return undefined;
  const [diff = []] = await diffCommits(repo, [{ from: snapshot.commit, to: good.commit }]);
  const one = diff.find(isSubmodule);
  if (one === undefined) return undefined;
  const [name, move] = [showName(displayPath(one.path)), submoduleMove(one)];
  const why = `the submodule ${name} differs from ${good.tag}, and no reset puts that back`;
  return { confirmed: false, why: move === undefined ? why : `${why}: ${move}` };
}

/** Puts a good checkpoint back in the place of the tree of a key, and of no other. */
async function reset(
  ctx: StepContext,
  { tree: key, to, why }: { readonly tree: string; readonly to: string; readonly why: string },
): Promise<void> {
  const { deps, project, input } = ctx;
  // The last look may be a moment old; an edit made since is not to be taken away.
  const present = await lookAt(deps, project, input.repo);
  if ((await isOther(ctx, present, key)) || input.watched().key !== key) return input.hint();
  if (!(await input.configured())) return;
  const at = (): number => deps.clock.monotonic();
  try {
    const reason = ctx.who === 'nightly' ? 'nightly' : 'checkpointer';
    const done = await input.around.rollBack({ target: to, reason });
    if (done.undo === null) {
      const text = `${why}; but nothing of ${done.to} can be put back: devenv rollback says what is left`;
      return await ctx.handle({ kind: 'refused', at: at(), tree: key, why: text });
    }
    const trees = { from: treeOf(key), to: `${done.from}^{tree}` };
    const [edited] = await codeDifference(input.repo, project, trees, input.ignored);
    if (edited !== undefined) {
      await input.around.undo();
      const text = `${why}; but ${edited} was edited in this very moment, so all is as it was`;
      return await ctx.handle({ kind: 'refused', at: at(), tree: key, why: text });
    }
    const text = describeReset(done, why);
    deps.store.addEvent(project.id, 'reset', { from: key, to: done.to, undo: done.undo, text });
    await ctx.handle({ kind: 'reset', at: at(), from: key, tree: ctx.good()?.tree ?? '', text });
    await input.around.tell(`devenv: ${text}`);
  } catch (error) {
    if (!(error instanceof DevenvError)) throw error;
    await ctx.handle({ kind: 'refused', at: at(), tree: key, why: `${why}; no reset: ${error.message}` });
  } finally {
    input.hint();
  }
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

function describeReset(
  done: Pick<RolledBack, 'to' | 'written' | 'deleted' | 'putAway'>,
  why: string,
): string {
  const lines = describeLines(done.putAway);
  return `reset to ${done.to}: ${describeFiles(done)}${lines && `, ${lines} put away`}, since ${why}. devenv undo takes this back`;
}
