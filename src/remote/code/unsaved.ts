import type { Clock } from '../../base/index.ts';
import { readSaved, snapshot, type SavedState, type Snapshot } from '../../checkpoint/index.ts';
import { knownCommits, leavingCommits, mustGit, readRef, type Repo } from '../../git/index.ts';
import { compareWithState } from '../../rollback/index.ts';
import { isSame, receivedNames, stateFacts } from './facts.ts';
import type { StateFacts, Unsaved } from './types.ts';

const mostNamed = 20;

interface Looking {
  readonly clock: Clock;
  readonly maxFileBytes: number;
  /** A commit that the other side has too. */
  readonly known: string | null;
  /** A state that it has too: the one that is about to be put in place. */
  readonly coming?: string;
}

/** The present, and what of it is only here. */
export interface Found {
  readonly unsaved: Unsaved | null;
  readonly present: Snapshot;
  readonly facts: StateFacts;
}

/**
 * What of the present would be lost if only the other side's memory were left: it is neither what was received (now,
 * the time before, or a moment before a kill), nor a commit that the other side has, without a change.
 */
export async function findUnsaved(repo: Repo, looking: Looking): Promise<Found> {
  const { clock, maxFileBytes, known, coming } = looking;
  const present = await snapshot(repo, { now: clock.now(), maxFileBytes, purpose: 'look' });
  const facts = await stateFacts(repo, present);
  const found = (unsaved: Unsaved | null): Found => ({ unsaved, present, facts });
  if (present.files.length === 0 && (present.head === null || present.head === known)) return found(null);
  const received = await readReceived(repo);
  const others = coming === undefined ? [] : [await readSaved(repo, coming)];
  const near = [...received, ...others].filter(
    ({ head, branch }) => head === present.head && branch === present.branch,
  );
  for (const saved of near) if (isSame(facts, await stateFacts(repo, saved))) return found(null);
  // What could not be put in place (a submodule, a large file) is no difference: only this tells.
  for (const saved of near) {
    const { files, staged } = await compareWithState(repo, clock, { saved, maxFileBytes });
    if (files.length === 0 && !staged) return found(null);
  }
  const [last] = received;
  return found(
    last
      ? await unsavedSince(repo, looking, { last, present })
      : await unsavedSinceHead(repo, present, known),
  );
}

async function unsavedSince(
  repo: Repo,
  { clock, maxFileBytes }: Looking,
  { last, present }: { readonly last: SavedState; readonly present: Snapshot },
): Promise<Unsaved> {
  const { head, branch } = present;
  const { files, staged } = await compareWithState(repo, clock, { saved: last, maxFileBytes });
  return {
    files: files.slice(0, mostNamed),
    count: files.length,
    staged: staged && last.head === head,
    commits: head === null || head === last.head ? [] : await newCommits(repo, head, last.head),
    branch: branch === last.branch ? null : (branch ?? '(detached)'),
  };
}

/** What was received, the newest first; one of which the objects are gone counts no more. */
async function readReceived(repo: Repo): Promise<readonly SavedState[]> {
  const { last, next, previous } = receivedNames(repo);
  const commits = await Promise.all([last, next, previous].map((name) => readRef(repo, name)));
  const named = [...new Set(commits.filter((commit) => commit !== undefined))];
  const there = await knownCommits(repo, named);
  return Promise.all(named.filter((commit) => there.has(commit)).map((commit) => readSaved(repo, commit)));
}

async function unsavedSinceHead(
  repo: Repo,
  { files, head }: Snapshot,
  known: string | null,
): Promise<Unsaved> {
  const commits = head === null || head === known ? [] : await newCommits(repo, head, head);
  return { files: files.slice(0, mostNamed), count: files.length, staged: false, commits, branch: null };
}

// `since` null or the same: all that can be said is where HEAD is.
async function newCommits(repo: Repo, head: string, since: string | null): Promise<readonly string[]> {
  if (since !== null && since !== head) return (await leavingCommits(repo, head, since)).slice(0, mostNamed);
  const out = await mustGit(repo, 'reading commits', [
    'log',
    '-1',
    '--no-show-signature',
    '--format=%h %s',
    head,
  ]);
  return [out.toString('utf8').trim()];
}
