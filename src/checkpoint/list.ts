import { DevenvError, showName } from '../base/index.ts';
import {
  currentBranch,
  git,
  lastRefNames,
  listRefNames,
  mustGit,
  readRecords,
  readRef,
  settleImports,
} from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { isOfProject, isOfWorktree } from './origin.ts';
import { checkpointRefs, compareNames, encodeHost, hostRefs, stampLength } from './names.ts';
import { comparePulled } from './pulled.ts';
import { readKnown, type Listing } from './known.ts';
import { parseRow, rowEnd, rowFormat, type Draft } from './row.ts';
import type { Checkpoint } from './types.ts';

export interface ListOptions {
  readonly limit?: number;
  /** Those that were brought from this host. */
  readonly from?: string;
  /** Told the names of those that are left out, as their ref or commit is broken. */
  readonly onBroken?: (names: readonly string[]) => void;
}

/** Checkpoints, newest first; those whose commit is broken are left out. */
export async function listCheckpoints(repo: Repo, options: ListOptions = {}): Promise<readonly Checkpoint[]> {
  await settleImports(repo);
  if (options.from !== undefined) return listPulled(repo, options.from, options.limit);
  const { drafts: all, broken } = await readListing(repo);
  if (broken.length > 0) options.onBroken?.(broken);
  // One more, for the oldest of them is compared with the one before it.
  const asked = options.limit === undefined ? all : all.slice(0, options.limit + 1);
  return (await withFileCounts(repo, asked)).slice(0, options.limit);
}

/** What `host pull` brought from a box: its present first, then its checkpoints, newest first. */
async function listPulled(repo: Repo, host: string, limit?: number): Promise<readonly Checkpoint[]> {
  const found = await readCheckpoints(repo, [hostRefs + encodeHost(host)]);
  if (found.length === 0)
    throw new DevenvError(
      'unknown-host',
      `nothing was brought from ${showName(host)} yet`,
      `devenv host pull ${showName(host)} brings its checkpoints here`,
    );
  return (
    await withFileCounts(
      repo,
      found.toSorted((a, b) => comparePulled(b.tag, a.tag)),
    )
  ).slice(0, limit);
}

/** The names alone, newest first; no process where refs are files. */
export async function checkpointNames(repo: Repo): Promise<string[]> {
  const names = await listRefNames(repo, checkpointRefs);
  return names.map((name) => name.slice(checkpointRefs.length)).sort((a, b) => compareNames(b, a));
}

/** The newest name, without looking at all of them. */
export async function newestName(repo: Repo): Promise<string | undefined> {
  let newest: string | undefined;
  for (const ref of await lastRefNames(repo, checkpointRefs, stampLength)) {
    const name = ref.slice(checkpointRefs.length);
    if (newest === undefined || compareNames(name, newest) > 0) newest = name;
  }
  return newest;
}

/** All checkpoints, newest first. */
export async function readAll(repo: Repo): Promise<readonly Draft[]> {
  return (await readListing(repo)).drafts;
}

async function readListing(repo: Repo): Promise<Listing> {
  return (await readKnown(repo)) ?? { drafts: await readCheckpoints(repo, [checkpointRefs]), broken: [] };
}

/** What a person is told of broken ones. */
export function describeBroken(names: readonly string[]): string {
  const [first = ''] = names;
  const [who, are, them] =
    names.length === 1 ? [first, 'is', 'it'] : [`${first} and ${names.length - 1} more`, 'are', 'them'];
  return `${who} ${are} broken (a power cut?) and left out: devenv doctor --fix puts ${them} aside, or back where a tag still has ${them}`;
}

const mostLooked = 20;

/** Those of the newest that are newer than `tag` and whose ref is broken, so that nothing can go back to them. */
export async function brokenSince(repo: Repo, tag: string): Promise<readonly string[]> {
  const newer = (await checkpointNames(repo)).filter((name) => compareNames(name, tag) > 0);
  const looked = newer.slice(0, mostLooked);
  const commits = await Promise.all(looked.map((name) => readRef(repo, checkpointRefs + name)));
  return looked.filter((_, i) => commits[i] === undefined);
}

/** What some patterns of `for-each-ref` name, newest first. */
export async function readCheckpoints(repo: Repo, patterns: readonly string[]): Promise<Draft[]> {
  const found: Draft[] = [];
  await readRecords(
    repo,
    'reading the checkpoints',
    ['for-each-ref', `--format=${rowFormat}`, ...patterns],
    rowEnd,
    (row) => found.push(...parseRow(row)),
  );
  // git gives them by name, so nearly as they are wanted.
  return found.reverse().sort((a, b) => compareNames(b.tag, a.tag));
}

// The count is in the commit where it was cheap to know; else it is asked for here, all in one process.
async function withFileCounts(repo: Repo, drafts: readonly Draft[]): Promise<Checkpoint[]> {
  const pairs = new Map<string, string>();
  drafts.forEach((draft, i) => {
    const before = drafts[i + 1]?.tree;
    if (draft.filesChanged === undefined && before !== undefined)
      pairs.set(draft.tag, `${before} ${draft.tree}`);
  });
  const counts = await countDifferences(repo, [...new Set(pairs.values())]);
  return drafts.map((draft) =>
    isCounted(draft) ? draft : { ...draft, filesChanged: counts.get(pairs.get(draft.tag) ?? '') ?? 0 },
  );
}

const isCounted = (draft: Draft): draft is Checkpoint => draft.filesChanged !== undefined;

async function countDifferences(repo: Repo, pairs: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  if (pairs.length === 0) return counts;
  const out = await mustGit(
    repo,
    'counting changed files',
    ['diff-tree', '--stdin', '-r', '--name-only', '--no-renames', '-z'],
    { input: `${pairs.join('\n')}\n` },
  );
  let pair = '';
  // A header is the two ids and a line break; then names, each ended by a NUL.
  for (const part of out.toString('latin1').split('\0')) {
    const header = /^((?:[0-9a-f]{40,64} [0-9a-f]{40,64}\n)+)/.exec(part)?.[1];
    if (header !== undefined) pair = header.trimEnd().split('\n').at(-1) ?? '';
    if (part.length > (header?.length ?? 0)) counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return counts;
}

const mostAsked = 20;

/**
 * The newest checkpoint whose verdict is passed, of this work tree and of the line of work that is
 * checked out: taken on this branch, or (also with HEAD detached) on a commit that HEAD holds. What another project of
 * the same repository judged (`root` is that of this one) says nothing of it. undefined when there is none.
 */
export async function lastGood(repo: Repo, root?: string): Promise<Checkpoint | undefined> {
  return (await lastAndGood(repo, root)).good;
}

/** The same with the name of the newest of this work tree, whatever is known of it. */
export async function lastAndGood(
  repo: Repo,
  root?: string,
): Promise<{ readonly last: string | undefined; readonly good: Checkpoint | undefined }> {
  if ((await checkpointNames(repo)).length === 0) return { last: undefined, good: undefined };
  const isOurs = isOfProject(repo, root);
  const here = (await readAll(repo)).filter(isOfWorktree(repo));
  const last = here[0]?.tag;
  const good = here.filter((draft) => draft.verdict === 'passed' && isOurs(draft));
  for (const draft of good.slice(0, mostAsked))
    if (await isOfLine(repo, draft))
      return { last, good: { ...draft, filesChanged: draft.filesChanged ?? 0 } };
  return { last, good: undefined };
}

/** Whether it was taken on the branch that is checked out, or on a commit that HEAD holds. */
export async function isOfLine(repo: Repo, one: Pick<Checkpoint, 'branch' | 'head'>): Promise<boolean> {
  const branch = await currentBranch(repo);
  if (branch !== null && one.branch === branch) return true;
  return one.head === ((await readRef(repo, 'HEAD')) ?? null) || isAncestor(repo, one.head);
}

async function isAncestor(repo: Repo, commit: string | null): Promise<boolean> {
  return commit !== null && (await git(repo, ['merge-base', '--is-ancestor', commit, 'HEAD'])).ok;
}
