import { DevenvError, type Clock } from '../base/index.ts';
import {
  brokenSince,
  describeBroken,
  listUndoEntries,
  readSaved,
  refuseBrokenSince,
  resolveCheckpoint,
  undoRefs,
  walkEntries,
  type SavedState,
  type StepKind,
  type UndoEntry,
} from '../checkpoint/index.ts';
import { countCommits, indexStamp, openRepo, readRef, readStatus, type Repo } from '../git/index.ts';
import { finishedBefore, givenUp, goneOn } from './begun.ts';
import { headTarget } from './head.ts';
import { refuseInTheMiddle } from './in-the-middle.ts';
import { pathsFromTop } from './paths.ts';
import type { Look } from './prepare.ts';
import { putBack, type PutBackResult } from './put-back.ts';
import { recover, unfinished, wayBack, type Recovery } from './recover.ts';

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
  /** Only these files and folders, as a person writes them in the folder `cwd`. */
  readonly paths?: readonly string[] | undefined;
  readonly cwd?: string;
  readonly reason: 'user' | 'checkpointer' | 'nightly';
}

export interface RollbackOutcome extends PutBackResult {
  readonly kind: StepKind;
  /** The tag (or undo ref) that was put back. */
  readonly to: string;
  /** The one command that brings back what was there before; null when nothing was done. */
  readonly back: string | null;
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
  if (input.paths?.length === 0)
    throw new DevenvError(
      'usage',
      'no path stands behind --',
      'name the files and folders that are to go back, or leave -- out to put everything back',
    );
  const repo = await openRepo({ cwd: project.root, env: deps.env });
  const dryRun = input.dryRun ?? false;
  if (!dryRun) refuseInTheMiddle(repo);
  const recovered = dryRun ? undefined : await recover(repo);
  refuseInTheMiddle(repo);
  const paths = input.paths ? pathsFromTop(repo, input.cwd ?? project.root, input.paths) : undefined;
  if (paths && input.head)
    throw new DevenvError(
      'usage',
      'a branch has no state of single paths: --head cannot go with them',
      'leave --head or the paths out',
    );
  const look = beginLook(repo);
  const target = await resolveTarget(repo, input.target, project.root);
  const begun =
    recovered && (await goneOn(repo, recovered, { target: target.name, paths, head: input.head ?? false }));
  if (begun)
    return finishOutcome(deps, begun, {
      kind: 'rollback',
      to: target.name,
      recovered,
      unfinished: undefined,
    });
  const saved = await readSaved(repo, target.commit);
  const result = await putBack(repo, {
    saved,
    kind: 'rollback',
    target: target.name,
    reason: input.reason,
    moveTo: input.head ? headTarget(saved) : undefined,
    paths,
    look,
    now: deps.clock.now(),
    maxFileBytes: project.config.checkpoint.maxFileBytes,
    dryRun,
    yes: input.yes ?? false,
  });
  const warnings = [...target.warnings, ...result.warnings];
  return finishOutcome(
    deps,
    { ...result, warnings },
    {
      kind: 'rollback',
      to: target.name,
      recovered,
      unfinished: unfinished(repo),
    },
  );
}

/** The look at the work tree takes longest: it begins before the rest is known. */
export function beginLook(repo: Repo): Look {
  const stamp = indexStamp(repo);
  const status = readStatus(repo);
  status.catch(() => {}); // told where it is awaited, if nothing else went wrong before
  return { status, stamp };
}

// Besides checkpoints: the state before any rollback or undo, as `undo/3` or by its whole ref; by name also one of
// another work tree, or of one that was removed.
async function resolveTarget(
  repo: Repo,
  name: string | undefined,
  root: string,
): Promise<{ readonly name: string; readonly commit: string; readonly warnings: readonly string[] }> {
  const n = /^(?:refs\/devenv\/)?undo\/(\d+)$/.exec(name ?? '')?.[1];
  const saved = n === undefined ? undefined : await readRef(repo, undoRefs + n);
  if (saved !== undefined) return { name: undoRefs + n, commit: saved, warnings: [] };
  const { tag, commit } = await resolveCheckpoint(repo, name, root);
  // Who names one has that one; who does not may think of one that is broken.
  const broken =
    name === undefined || name === 'last' || /^-\d+$/.test(name) ? await brokenSince(repo, tag) : [];
  return { name: tag, commit, warnings: broken.length === 0 ? [] : [describeBroken(broken)] };
}

/** The step that an undo (or redo) takes back, and what came after it. */
export interface StepBack {
  readonly entry: UndoEntry;
  /** Commits that HEAD has and that were not there right after the step. */
  readonly commits: number;
}

export interface UndoInput {
  /** Does again what the last undo took back. */
  readonly redo?: boolean;
  /** Told before anything changes. */
  readonly before?: (step: StepBack) => void;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/**
 * Takes the last rollback (or reset) that was not yet taken back, back: files, modes and staged state as they were.
 * With `redo` the other way: what the last undo took away comes again. Each step can be walked both ways.
 */
export async function undoLast(
  deps: RollbackDeps,
  project: RollbackProject,
  input: UndoInput = {},
): Promise<RollbackOutcome> {
  const repo = await openRepo({ cwd: project.root, env: deps.env });
  const dryRun = input.dryRun ?? false;
  const kind = input.redo ? 'redo' : 'undo';
  refuseInTheMiddle(repo);
  const recovered = dryRun ? undefined : await recover(repo);
  // What was asked for was begun before: doing it twice would go two steps.
  const begun = recovered && (givenUp(recovered, kind) ?? finishedBefore(recovered, kind));
  if (recovered && begun)
    return finishOutcome(deps, begun, { kind, to: recovered.name, recovered, unfinished: undefined });
  const look = beginLook(repo);
  const entry = await nextStep(repo, kind);
  const saved = await readSaved(repo, entry.commit);
  if (input.before) input.before({ entry, commits: await commitsSince(repo, entry, saved) });
  const result = await putBack(repo, {
    saved,
    kind,
    undoes: entry.n,
    put: entry.to,
    target: entry.ref,
    reason: 'user',
    moveTo: entry.movedHead ? headTarget(saved, entry) : undefined,
    // Of a rollback of some paths only those are taken back: other files may have been edited since.
    paths: entry.paths,
    look,
    now: deps.clock.now(),
    maxFileBytes: project.config.checkpoint.maxFileBytes,
    dryRun,
    yes: input.yes ?? false,
  });
  return finishOutcome(deps, result, { kind, to: entry.ref, recovered, unfinished: unfinished(repo) });
}

async function commitsSince(repo: Repo, entry: UndoEntry, before: SavedState): Promise<number> {
  try {
    const then =
      entry.movedHead && entry.to !== undefined ? (await readSaved(repo, entry.to)).head : before.head;
    const now = await readRef(repo, 'HEAD');
    return now === undefined || now === then ? 0 : await countCommits(repo, now, then);
  } catch {
    return 0; // what it put back is gone: a remark less
  }
}

async function nextStep(repo: Repo, kind: 'undo' | 'redo'): Promise<UndoEntry> {
  const entry = walkEntries(await listUndoEntries(repo))[kind].at(-1);
  await refuseBrokenSince(repo, entry?.n ?? 0);
  if (entry) return entry;
  throw new DevenvError(
    'unknown-tag',
    `there is nothing to ${kind}`,
    kind === 'undo'
      ? 'devenv undo takes back a rollback or a reset'
      : 'devenv undo --redo does again what devenv undo took back; see devenv undo --list',
  );
}

/** Restarts services where files changed, and adds what a person needs to know. */
export async function finishOutcome(
  deps: RollbackDeps,
  result: PutBackResult,
  about: Pick<RollbackOutcome, 'kind' | 'to' | 'recovered' | 'unfinished'>,
): Promise<RollbackOutcome> {
  const back = result.undo === null ? null : wayBack(about.kind);
  const warnings = [...(about.recovered?.warnings ?? []), ...result.warnings];
  const outcome = { ...result, ...about, warnings, back, restarted: [], restartError: undefined };
  if (result.undo === null || result.written.length + result.deleted.length === 0) return outcome;
  try {
    return { ...outcome, restarted: await deps.restart() };
  } catch (error) {
    // The files are back; that a service did not come up again must not look as if they were not.
    return { ...outcome, restartError: error instanceof Error ? error.message : String(error) };
  }
}
