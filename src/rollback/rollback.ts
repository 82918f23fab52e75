import { DevenvError, type Clock } from '../base/index.ts';
import { listUndoEntries, openEntries, readSaved, resolveCheckpoint } from '../checkpoint/index.ts';
import { openRepo, repoState, type Repo, type RepoState } from '../git/index.ts';
import { putBack, type PutBackResult } from './put-back.ts';
import { recover, unfinished, type Recovery } from './recover.ts';

export interface RollbackDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Restarts the project's services that run and says their names; called only when files changed. */
  readonly restart: () => Promise<readonly string[]>;
}

/** What of the project a rollback needs to know. */
export interface RollbackProject {
  readonly root: string;
  readonly config: { readonly checkpoint: { readonly maxFileBytes: number } };
}

export interface RollbackInput {
  /** A checkpoint as `resolveCheckpoint` takes it; nothing is the last good one. */
  readonly target?: string | undefined;
  readonly dryRun?: boolean;
  /** Go ahead although a great part of the tree would be deleted. */
  readonly yes?: boolean;
  /** Branch and HEAD go back too. */
  readonly head?: boolean;
  readonly reason: 'user' | 'checkpointer';
}

export interface RollbackOutcome extends PutBackResult {
  /** The tag (or undo ref) that was put back. */
  readonly to: string;
  readonly restarted: readonly string[];
  /** The files are back, but a service could not be restarted: why. */
  readonly restartError: string | undefined;
  /** One that had been killed was dealt with before. */
  readonly recovered: Recovery | undefined;
  /** One that had been killed is still there, since a dry run touches nothing. */
  readonly unfinished: Pick<Recovery, 'kind' | 'name'> | undefined;
}

/** Puts a checkpoint back. HEAD and branch stay unless `head`. Throws 'refused' where work could be lost; then nothing changed. */
export async function rollBack(
  deps: RollbackDeps,
  project: RollbackProject,
  input: RollbackInput,
): Promise<RollbackOutcome> {
  const repo = await openRepo({ cwd: project.root, env: deps.env });
  const dryRun = input.dryRun ?? false;
  if (!dryRun) refuseInTheMiddle(repo);
  const recovered = dryRun ? undefined : await recover(repo);
  refuseInTheMiddle(repo);
  const target = await resolveTarget(repo, input.target);
  const saved = await readSaved(repo, target.commit);
  const result = await putBack(repo, {
    saved,
    kind: 'rollback',
    target: target.name,
    reason: input.reason,
    movesHead: input.head ?? false,
    now: deps.clock.now(),
    maxFileBytes: project.config.checkpoint.maxFileBytes,
    dryRun,
    yes: input.yes ?? false,
  });
  return finishOutcome(deps, result, { to: target.name, recovered, unfinished: unfinished(repo) });
}

// Besides checkpoints: the state before any rollback or undo, as `undo/3` or by its whole ref.
async function resolveTarget(
  repo: Repo,
  name: string | undefined,
): Promise<{ readonly name: string; readonly commit: string }> {
  const n = /^(?:refs\/devenv\/)?undo\/(\d+)$/.exec(name ?? '')?.[1];
  const entry =
    n === undefined ? undefined : (await listUndoEntries(repo)).find((one) => one.n === Number(n));
  if (entry) return { name: entry.ref, commit: entry.commit };
  const { tag, commit } = await resolveCheckpoint(repo, name);
  return { name: tag, commit };
}

/** Takes the last rollback (or reset) that was not yet taken back, back: files, modes and staged state as they were. */
export async function undoLast(
  deps: RollbackDeps,
  project: RollbackProject,
  input: { readonly yes?: boolean; readonly dryRun?: boolean } = {},
): Promise<RollbackOutcome> {
  const repo = await openRepo({ cwd: project.root, env: deps.env });
  const dryRun = input.dryRun ?? false;
  refuseInTheMiddle(repo);
  const recovered = dryRun ? undefined : await recover(repo);
  // What was asked for was begun before: doing it twice would undo two steps.
  const begun = recovered && (givenUp(recovered) ?? finishedUndo(recovered));
  if (recovered && begun)
    return finishOutcome(deps, begun, { to: recovered.name, recovered, unfinished: undefined });
  const entry = openEntries(await listUndoEntries(repo)).at(-1);
  if (!entry)
    throw new DevenvError(
      'unknown-tag',
      'there is nothing to undo',
      'devenv undo takes back a rollback or a reset',
    );
  const result = await putBack(repo, {
    saved: await readSaved(repo, entry.commit),
    kind: 'undo',
    undoes: entry.n,
    target: entry.ref,
    reason: 'user',
    movesHead: entry.movedHead,
    now: deps.clock.now(),
    maxFileBytes: project.config.checkpoint.maxFileBytes,
    dryRun,
    yes: input.yes ?? false,
  });
  return finishOutcome(deps, result, { to: entry.ref, recovered, unfinished: unfinished(repo) });
}

// The rollback to take back was killed before it changed a file: it is taken back by forgetting it.
function givenUp({ kind, outcome, present }: Recovery): PutBackResult | undefined {
  if (kind !== 'rollback' || outcome !== 'nothing-done') return undefined;
  return { from: present, undo: null, written: [], deleted: [], kept: [], staged: false };
}

function finishedUndo(recovered: Recovery): PutBackResult | undefined {
  const { kind, outcome, undo, name, present, written, deleted, left } = recovered;
  if (kind !== 'undo' || undo === null) return undefined;
  if (outcome !== 'finished')
    throw new DevenvError(
      'refused',
      `the undo to ${name} was killed half way and HEAD moved since: it was given up`,
      `devenv rollback ${shortUndo(name)} brings back what it was to bring, devenv rollback ${shortUndo(undo)} what was before it`,
    );
  const kept = left.map((path) => ({ path, reason: 'edited since the undo was killed' }));
  return { from: present, undo, written, deleted, kept, staged: true };
}

function shortUndo(ref: string): string {
  return ref.replace('refs/devenv/', '');
}

async function finishOutcome(
  deps: RollbackDeps,
  result: PutBackResult,
  about: Pick<RollbackOutcome, 'to' | 'recovered' | 'unfinished'>,
): Promise<RollbackOutcome> {
  const outcome = { ...result, ...about, restarted: [], restartError: undefined };
  if (result.undo === null || result.written.length + result.deleted.length === 0) return outcome;
  try {
    return { ...outcome, restarted: await deps.restart() };
  } catch (error) {
    // The files are back; that a service did not come up again must not look as if they were not.
    return { ...outcome, restartError: error instanceof Error ? error.message : String(error) };
  }
}

const wayOut: Readonly<Record<Exclude<RepoState, 'clean'>, readonly [string, string]>> = {
  merging: ['a merge is in progress', 'finish it with git commit, or give it up with git merge --abort'],
  rebasing: ['a rebase is in progress', 'git rebase --continue or --abort'],
  'cherry-picking': ['a cherry-pick is in progress', 'git cherry-pick --continue or --abort'],
  reverting: ['a revert is in progress', 'git revert --continue or --abort'],
  bisecting: ['a bisect is in progress', 'git bisect reset'],
  unmerged: ['files are unmerged', 'resolve them and git add them'],
};

function refuseInTheMiddle(repo: Repo): void {
  const state = repoState(repo);
  if (state === 'clean') return;
  const [what, how] = wayOut[state];
  throw new DevenvError(
    'refused',
    `${what}: putting files back now would mix two states`,
    `${how}, then try again (devenv diff shows what would change)`,
  );
}
