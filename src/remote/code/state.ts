import type { Clock } from '../../base/index.ts';
import { readSaved, receivedRefs, snapshot, worktreeId, type SavedState } from '../../checkpoint/index.ts';
import {
  currentBranch,
  git,
  knownCommits,
  leavingCommits,
  mustGit,
  readRef,
  type Repo,
} from '../../git/index.ts';
import { compareWithState, settleBefore } from '../../rollback/index.ts';
import { absoluteDir, lookAtPlace } from './place.ts';
import type { BoxState, LineEnds, PlaceOnBox, StateFacts, Unsaved } from './types.ts';

/** What the box side works with. */
export interface BoxDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** `checkpoint.max_file` of the project in that folder. */
  readonly maxFileBytes: (root: string) => Promise<number>;
}

/** The refs that say what was received in this work tree, the newest first. */
export const receivedNames = (repo: Repo): Readonly<Record<'last' | 'next' | 'previous', string>> => {
  const base = `${receivedRefs}${worktreeId(repo)}`;
  return { last: `${base}/last`, next: `${base}/next`, previous: `${base}/previous` };
};

const mostBases = 200;
const mostNamed = 20;

/** How a folder of this box stands, before something is sent to it. What was killed in it is finished first. */
export async function boxState(deps: BoxDeps, input: PlaceOnBox): Promise<BoxState> {
  const place = await lookAtPlace(absoluteDir(input.dir, deps.env), deps.env);
  const { repo } = place;
  const about = { dir: place.dir, kind: place.kind, holds: place.holds };
  if (!repo || place.kind !== 'repo')
    return {
      ...about,
      objectFormat: repo?.objectFormat ?? 'sha1',
      head: null,
      clean: true,
      last: null,
      present: null,
      unsaved: null,
      bases: repo ? await readBases(repo) : [],
      lineEnds: { autocrlf: '', eol: '' },
    };
  await settleBefore(repo);
  const maxFileBytes = await deps.maxFileBytes(repo.root);
  const last = await readRef(repo, receivedNames(repo).last);
  const unsaved = await findUnsaved(repo, { clock: deps.clock, maxFileBytes, known: null });
  const present = await snapshot(repo, { now: deps.clock.now(), maxFileBytes, purpose: 'look' });
  return {
    ...about,
    objectFormat: repo.objectFormat,
    head: present.head,
    clean: present.files.length === 0,
    last: last === undefined ? null : await stateFacts(repo, await readSaved(repo, last)),
    present: await stateFacts(repo, present),
    unsaved,
    bases: await readBases(repo),
    lineEnds: await readLineEnds(repo),
  };
}

/** The trees of a saved state, to compare it with one elsewhere. */
export async function stateFacts(
  repo: Repo,
  saved: Pick<SavedState, 'commit' | 'tree' | 'staged' | 'head' | 'branch'>,
): Promise<StateFacts> {
  const { commit, tree, head, branch } = saved;
  const out = await mustGit(repo, 'reading what is staged', ['rev-parse', `${saved.staged}^{tree}`]);
  return { commit, tree, staged: out.toString('latin1').trim(), head, branch };
}

/** Nothing differs from HEAD: neither staged, nor changed, nor new. */
async function isClean(repo: Repo, clock: Clock, maxFileBytes: number): Promise<boolean> {
  const { files } = await snapshot(repo, { now: clock.now(), maxFileBytes, purpose: 'look' });
  return files.length === 0;
}

async function readBases(repo: Repo): Promise<readonly string[]> {
  const args = [
    'for-each-ref',
    '--format=%(objectname)',
    '--sort=-committerdate',
    `--count=${mostBases}`,
    receivedRefs,
    'refs/heads',
    'refs/remotes',
  ];
  const out = await mustGit(repo, 'reading the branches', args);
  const head = await readRef(repo, 'HEAD');
  return [
    ...new Set([
      ...out.toString('latin1').split('\n').filter(Boolean),
      ...(head === undefined ? [] : [head]),
    ]),
  ];
}

/** How git converts line ends in a repository, whoever set it. */
export async function readLineEnds(repo: Repo): Promise<LineEnds> {
  const result = await git(repo, ['config', '--get-regexp', String.raw`^core\.(autocrlf|eol)$`]);
  const found = new Map(
    [...result.stdout.toString('utf8').matchAll(/^core\.(\S+) (.*)$/gm)].map(
      ([, name = '', value = '']): [string, string] => [name, value.trim()],
    ),
  );
  return { autocrlf: found.get('autocrlf') ?? '', eol: found.get('eol') ?? '' };
}

interface Looking {
  readonly clock: Clock;
  readonly maxFileBytes: number;
  /** A commit that the other side has too. */
  readonly known: string | null;
  /** A state that it has too: the one that is about to be put in place. */
  readonly coming?: string;
}

/**
 * What of the present would be lost if only the other side's memory were left: it is neither what was received (now,
 * the time before, or a moment before a kill), nor a commit that the other side has, without a change. null: nothing.
 */
export async function findUnsaved(repo: Repo, looking: Looking): Promise<Unsaved | null> {
  const head = (await readRef(repo, 'HEAD')) ?? null;
  const branch = await currentBranch(repo);
  const received = await readReceived(repo);
  const compare = (saved: SavedState): ReturnType<typeof compareWithState> =>
    compareWithState(repo, looking.clock, { saved, maxFileBytes: looking.maxFileBytes });
  const coming = looking.coming === undefined ? [] : [await readSaved(repo, looking.coming)];
  for (const saved of [...received, ...coming]) {
    if (saved.head !== head || saved.branch !== branch) continue;
    const { files, staged } = await compare(saved);
    if (files.length === 0 && !staged) return null;
  }
  const clean = await isClean(repo, looking.clock, looking.maxFileBytes);
  if (clean && (head === null || head === looking.known)) return null;
  const [last] = received;
  const moved = branch === (last?.branch ?? branch) ? null : (branch ?? '(detached)');
  if (!last) return unsavedSinceHead(repo, looking, head);
  const { files, staged } = await compare(last);
  return {
    files: files.slice(0, mostNamed),
    count: files.length,
    staged: staged && last.head === head,
    commits: head === null || head === last.head ? [] : await newCommits(repo, head, last.head),
    branch: moved,
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
  { clock, maxFileBytes, known }: Looking,
  head: string | null,
): Promise<Unsaved> {
  const { files } = await snapshot(repo, { now: clock.now(), maxFileBytes, purpose: 'look' });
  const own = head === null || head === known ? [] : await newCommits(repo, head, head);
  return { files: files.slice(0, mostNamed), count: files.length, staged: false, commits: own, branch: null };
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
