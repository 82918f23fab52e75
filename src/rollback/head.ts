import { DevenvError, plural } from '../base/index.ts';
import type { SavedState, Snapshot, UndoEntry } from '../checkpoint/index.ts';
import {
  checkedOutElsewhere,
  leavingCommits,
  pointHead,
  pushedCommits,
  readRef,
  refsInTheWay,
  setRef,
} from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import type { HeadMove } from './journal.ts';

/** Refs with the commits they are at; null: there is none of that name. */
export type Positions = Readonly<Record<string, string | null>>;

/** Where branch and HEAD shall be. */
export interface HeadTarget {
  /** null: HEAD is detached. */
  readonly branch: string | null;
  readonly head: string | null;
  readonly refs: Positions;
}

const refOf = (branch: string): string => `refs/heads/${branch}`;

/** Where a saved state had branch and HEAD; for an undo or redo also where it found the refs that moved along. */
export function headTarget(saved: SavedState, taken?: UndoEntry): HeadTarget {
  const own = saved.branch === null ? {} : { [refOf(saved.branch)]: saved.head };
  if (saved.head === null && taken === undefined)
    throw new DevenvError(
      'refused',
      'there was no commit yet at that time: HEAD cannot go back there',
      'leave --head out',
    );
  return { branch: saved.branch, head: saved.head, refs: { ...taken?.moved, ...own } };
}

/** Where the refs of a target are now. */
export async function readPositions(repo: Repo, target: HeadTarget): Promise<Positions> {
  const found: Record<string, string | null> = {};
  for (const ref of Object.keys(target.refs)) found[ref] = (await readRef(repo, ref)) ?? null;
  return found;
}

/** How branch and HEAD get to where they shall be; null when they are there. Pure. */
export function planHead(
  present: Pick<Snapshot, 'branch' | 'head'>,
  now: Positions,
  target: HeadTarget,
): HeadMove | null {
  const refs = Object.entries(target.refs)
    .map(([ref, to]) => ({ ref, from: now[ref] ?? null, to }))
    .filter(({ from, to }) => from !== to)
    // What goes makes room: git has no `feat` beside `feat/x`.
    .toSorted((a, b) => Number(a.to !== null) - Number(b.to !== null));
  const from = nameOf(present);
  const to = nameOf(target);
  return refs.length === 0 && from === to ? null : { refs, from, to, commit: target.head };
}

function nameOf(at: Pick<Snapshot, 'branch' | 'head'>): string {
  return at.branch === null ? (at.head ?? '') : refOf(at.branch);
}

/** Throws 'refused' when a branch that would move, or be checked out, is another work tree's. */
export async function refuseElsewhere(repo: Repo, move: HeadMove): Promise<void> {
  const refs = [...move.refs.map(({ ref }) => ref), ...(move.to === move.from ? [] : [move.to])];
  const branches = refs.filter((ref) => ref.startsWith('refs/heads/')).map((ref) => ref.slice(11));
  if (branches.length === 0) return;
  const found = await checkedOutElsewhere(repo, branches);
  if (!found) return;
  throw new DevenvError(
    'refused',
    `branch ${found.branch} is checked out in another work tree: ${found.at}`,
    `switch to another branch there (git -C ${found.at} switch ...), or leave the branch alone (without --head)`,
  );
}

/** Throws 'refused' when there is no room for the name of a branch that would come back. */
export async function refuseCrowded(repo: Repo, move: HeadMove): Promise<void> {
  const going = new Set(move.refs.filter(({ to }) => to === null).map(({ ref }) => ref));
  for (const { ref } of move.refs.filter(({ from, to }) => from === null && to !== null)) {
    const other = (await refsInTheWay(repo, ref)).find((one) => !going.has(one))?.slice('refs/heads/'.length);
    if (other === undefined) continue;
    throw new DevenvError(
      'refused',
      `git has no room for branch ${ref.slice('refs/heads/'.length)} beside branch ${other}`,
      `git branch -m ${other} OTHER makes room; or leave the branch alone (without --head)`,
    );
  }
}

/** What a person must know before the next push, one line for each branch that loses pushed commits. */
export async function warnPushed(repo: Repo, move: HeadMove): Promise<string[]> {
  const warnings: string[] = [];
  for (const { ref, from, to } of move.refs) {
    const pushed = from === null ? undefined : await pushedCommits(repo, from, to);
    if (!pushed) continue;
    const branch = ref.slice('refs/heads/'.length);
    const held = pushed.remotes.length === 0 ? 'a remote has' : `${pushed.remotes.join(', ')} has`;
    const [were, them] = pushed.count === 1 ? ['was', 'it'] : ['were', 'them'];
    warnings.push(
      `${plural(pushed.count, 'commit')} that ${branch} loses ${were} pushed (${held} ${them}): git pull brings ${them} back, and to take ${them} from the remote too you need git push --force-with-lease`,
    );
  }
  return warnings;
}

/** Commits that a branch loses, newest first, and where it was. */
export interface Leaving {
  readonly branch: string;
  readonly from: string;
  readonly commits: readonly string[];
}

/** Which commits leave which branch when HEAD and branches move so. */
export async function readLeaving(repo: Repo, move: HeadMove): Promise<readonly Leaving[]> {
  const all: Leaving[] = [];
  for (const { ref, from, to } of move.refs) {
    const commits = from === null ? [] : await leavingCommits(repo, from, to ?? move.commit);
    if (from !== null && commits.length > 0)
      all.push({ branch: ref.slice('refs/heads/'.length), from, commits });
  }
  return all;
}

const mostNamed = 5;

/** Says it, one line for each branch; `undo` null: it only would be so. Pure. */
export function describeLeaving(
  leaving: readonly Leaving[],
  { undo, present }: { readonly undo: string | null; readonly present: string | null },
): string[] {
  return leaving.map(({ branch, from, commits }) => {
    const [leave, them] = commits.length === 1 ? ['leaves', 'it'] : ['leave', 'them'];
    const more = commits.length > mostNamed ? ` and ${commits.length - mostNamed} more` : '';
    const names = `${commits.slice(0, mostNamed).join(', ')}${more}`;
    const count = plural(commits.length, 'commit');
    if (undo === null) return `${count} would leave ${branch}: ${names}; devenv would keep ${them}`;
    const keeper = from === present ? undo : keeperOf(undo, branch);
    return `${count} ${leave} ${branch}: ${names}; ${keeper} keeps ${them}`;
  });
}

// What a branch held that HEAD is not on; the commit of the undo entry itself holds HEAD's.
const keeperOf = (undo: string, branch: string): string => `${undo.replace('/undo/', '/heads/')}/${branch}`;

/**
 * Moves branches and HEAD, each with a line in its reflog; done already is fine. What a branch held that HEAD is
 * not on is kept first, since no other ref need have it.
 */
export async function moveHead(
  repo: Repo,
  move: HeadMove,
  about: { readonly name: string; readonly undo: string; readonly present: string | null },
): Promise<void> {
  const doing = 'moving the branch';
  const log = `devenv: back to ${about.name}`;
  for (const { ref, from, to } of move.refs) {
    if (from !== null && from !== about.present && (await readRef(repo, ref)) === from) {
      const keep = keeperOf(about.undo, ref.slice('refs/heads/'.length));
      await setRef(repo, { ref: keep, from: null, to: from, doing });
    }
    await setRef(repo, { ref, from, to, doing, log });
  }
  await pointHead(repo, { from: move.from, to: move.to, log });
}

/** Takes `moveHead` back, as far as it came. */
export async function moveHeadBack(repo: Repo, move: HeadMove, name: string): Promise<void> {
  const log = `devenv: gave up going back to ${name}`;
  await pointHead(repo, { from: move.to, to: move.from, log }).catch(() => {});
  for (const { ref, from, to } of move.refs.toReversed())
    if (((await readRef(repo, ref)) ?? null) === to)
      await setRef(repo, { ref, from: to, to: from, doing: 'moving the branch back', log });
}
