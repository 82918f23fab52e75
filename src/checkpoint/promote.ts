import { DevenvError } from '../base/index.ts';
import {
  commitAsUser,
  currentBranch,
  diffCommits,
  displayPath,
  git,
  hiddenFromGit,
  indexUpdatesTo,
  mustGit,
  readRef,
  repoState,
  updateIndex,
  shownPath,
  type IsHidden,
  type RawPath,
  type Repo,
} from '../git/index.ts';
import { resolveCheckpoint } from './resolve.ts';
import type { Checkpoint } from './types.ts';
import { claimUndoEntry, dropUndoEntry, nextUndoRef, savePresent } from './undo-entries.ts';
import { emptyTree } from './write.ts';

export interface PromoteInput {
  /** A checkpoint as `resolveCheckpoint` takes it; nothing is the last good one. */
  readonly target?: string | undefined;
  /** The project for which that is asked. */
  readonly root?: string;
  /** Instead of the checkpoint's own. */
  readonly message?: string | undefined;
  /** false: without the hooks that may refuse a commit. */
  readonly verify: boolean;
  readonly now: number;
  readonly maxFileBytes: number;
}

export interface Promoted {
  readonly tag: string;
  readonly commit: string;
  readonly parent: string | null;
  readonly branch: string;
  readonly message: string;
  /** The ref that takes it back. */
  readonly undo: string;
  /** What git and the user's hooks said. */
  readonly output: string;
  /** Paths of which the commit holds what its parent holds, because the user hid them from git. */
  readonly left: readonly string[];
}

/**
 * Makes a normal commit of a checkpoint, on the branch that is checked out. The work tree stays as it is; the
 * index then holds the new commit, and what was staged is in the undo entry. Edits of files that the user hid from
 * git are left out. Throws 'refused' where the commit
 * would take back what others committed; when git or a hook says no, nothing has changed.
 */
export async function promote(repo: Repo, env: NodeJS.ProcessEnv, input: PromoteInput): Promise<Promoted> {
  const chosen = await resolveCheckpoint(repo, input.target, input.root);
  const present = { head: (await readRef(repo, 'HEAD')) ?? null, branch: await currentBranch(repo) };
  const { branch, message } = checkPromotion(chosen, { ...present, state: repoState(repo) }, input.message);
  const base = await treeOf(repo, present.head);
  const isHidden = await hiddenFromGit(repo);
  const left = await findLeft(repo, chosen, base, isHidden);
  const saved = await saveFor(repo, chosen, input, { head: present.head, branch });
  let made: { readonly commit: string; readonly output: string };
  try {
    made = await commitOn(repo, env, present.head, {
      tree: chosen.tree,
      message,
      verify: input.verify,
      base,
      isHidden,
    });
  } catch (error) {
    await dropUndoEntry(repo, saved.undo, saved.present);
    throw error;
  }
  await followIndex(repo, made.commit, left);
  const { tag } = chosen;
  const about = { branch, message, undo: saved.undo, left: left.map(displayPath) };
  return { tag, ...made, parent: present.head, ...about };
}

/** Whether this checkpoint can be a commit here, and with which message. Pure. Throws 'refused' or 'usage'. */
export function checkPromotion(
  chosen: Pick<Checkpoint, 'tag' | 'head' | 'partial' | 'message'>,
  present: { readonly head: string | null; readonly branch: string | null; readonly state: string },
  given: string | undefined,
): { readonly branch: string; readonly message: string } {
  const { tag, head } = chosen;
  if (present.state !== 'clean')
    throw refused(`git is in the middle of something (${present.state})`, 'finish it or give it up first');
  if (present.branch === null)
    throw refused('HEAD is detached: no branch would hold the commit', 'git switch -c NAME first');
  if (head !== present.head)
    throw refused(
      `${tag} was made on ${head?.slice(0, 10) ?? 'no commit'}, but ${present.branch} is at ${present.head?.slice(0, 10) ?? 'no commit'}: its commit would take back what came between`,
      head === null
        ? `devenv checkpoints --export NAME makes a branch of it`
        : `git switch -c NAME ${head.slice(0, 10)} and promote it there, or devenv checkpoints --export NAME`,
    );
  if (chosen.partial)
    throw refused(
      `${tag} is partial: it lacks files that could not be read`,
      'make a new checkpoint, or commit by hand',
    );
  const message = given?.trim() || chosen.message.trim();
  if (message === '')
    throw new DevenvError('usage', `${tag} has no message of its own`, 'say one with -m "..."');
  return { branch: present.branch, message };
}

function refused(message: string, hint: string): DevenvError {
  return new DevenvError('refused', message, hint);
}

async function treeOf(repo: Repo, head: string | null): Promise<string> {
  if (head === null) return emptyTree[repo.objectFormat];
  const tree = await mustGit(repo, 'reading HEAD', ['rev-parse', `${head}^{tree}`]);
  return tree.toString('latin1').trim();
}

/** What of the checkpoint is not committed. Throws when that leaves nothing. */
async function findLeft(
  repo: Repo,
  chosen: Checkpoint,
  base: string,
  isHidden: IsHidden,
): Promise<readonly RawPath[]> {
  const [changes = []] = await diffCommits(repo, [{ from: base, to: chosen.tree, trees: true }]);
  const left = changes.map(({ path }) => path).filter((path) => isHidden(path));
  if (left.length < changes.length || (base === emptyTree[repo.objectFormat] && left.length === 0))
    return left;
  const apart =
    left.length === 0 ? '' : `, apart from what is hidden from git: ${left.map(shownPath).join(', ')}`;
  throw new DevenvError('failed', `nothing to commit: ${chosen.tag} holds what HEAD holds${apart}`);
}

async function saveFor(
  repo: Repo,
  chosen: Checkpoint,
  { now, maxFileBytes }: PromoteInput,
  { head, branch }: { readonly head: string | null; readonly branch: string },
): Promise<{ readonly undo: string; readonly present: string }> {
  const { snapshot } = await savePresent(repo, {
    now,
    maxFileBytes,
    include: [],
    kind: 'rollback',
    target: `the commit of ${chosen.tag}`,
    reason: 'user',
    moves: { [`refs/heads/${branch}`]: head },
  });
  if (snapshot.unmerged)
    throw refused('files are unmerged: the staged state cannot be replaced', 'resolve them and git add them');
  if (snapshot.head !== head) throw refused('HEAD moved meanwhile', 'try again');
  const wanted = { undo: await nextUndoRef(repo), present: snapshot.commit };
  return { undo: await claimUndoEntry(repo, wanted, () => {}), present: snapshot.commit };
}

async function commitOn(
  repo: Repo,
  env: NodeJS.ProcessEnv,
  head: string | null,
  input: Parameters<typeof commitAsUser>[2],
): Promise<{ readonly commit: string; readonly output: string }> {
  const { ok, output } = await commitAsUser(repo, env, input);
  const commit = await readRef(repo, 'HEAD');
  if (!ok || commit === undefined || commit === head)
    throw new DevenvError(
      'failed',
      `git made no commit: ${output || 'it ended without a word'}`,
      'nothing was changed; --no-verify skips the hooks that may refuse',
    );
  const parent = await git(repo, ['rev-parse', '--verify', '--quiet', `${commit}^1`]);
  if ((parent.stdout.toString('latin1').trim() || null) === head) return { commit, output };
  // Somebody committed in this very moment: ours would take theirs back.
  await mustGit(repo, 'taking the commit back', ['update-ref', 'HEAD', `${commit}^1`, commit]);
  throw refused('another commit was made meanwhile', 'nothing was changed; look at it, then try again');
}

// As after any commit, the index holds what was committed; what is on the disk shows as not staged. What was left
// out stays in it as it was: taken out, a file would be hidden no more.
async function followIndex(repo: Repo, commit: string, left: readonly RawPath[]): Promise<void> {
  const kept = new Set(left);
  try {
    const updates = await indexUpdatesTo(repo, commit);
    await updateIndex(
      repo,
      updates.filter(({ path }) => !kept.has(path)),
    );
  } catch (error) {
    throw new DevenvError(
      'environment',
      `committed as ${commit.slice(0, 10)}, but the index could not follow: git status shows the commit backwards`,
      'git reset (without --hard) makes it follow; no file is touched',
      error,
    );
  }
}
