import { DevenvError, showName } from '../base/index.ts';
import { git, isLocked, readRef, refFinder, settleImports, startImport } from '../git/index.ts';
import type { Repo, Status } from '../git/index.ts';
import { readLast, saveLast } from './cache.ts';
import { isOfProject, isOfWorktree, markWorktree, projectPath, worktreeId } from './origin.ts';
import type { LastWritten } from './cache.ts';
import { capture } from './capture.ts';
import type { Capture } from './capture.ts';
import { isOfLine, newestName } from './list.ts';
import { writeMessage } from './message.ts';
import { checkpointRefs, nextName, tagRefs } from './names.ts';
import { resolveCheckpoint } from './resolve.ts';
import { defaultMaxFileBytes, lackingOf, toSnapshot, trailersOf } from './snapshot.ts';
import type { Facts } from './snapshot.ts';
import type { Checkpoint, CheckpointVerdict, Skipped, Snapshot } from './types.ts';
import { emptyTree, writeCapture } from './write.ts';
import type { Written } from './write.ts';

export interface CreateInput {
  readonly verdict: CheckpointVerdict;
  readonly message?: string | undefined;
  /** Why it was made: `user`, `timer`, ... */
  readonly reason: string;
  readonly suites?: readonly string[];
  readonly session?: string | undefined;
  /** The project whose suites and gates say what is good. */
  readonly root?: string;
  /** The tree that was judged; without it the work tree as it is now is taken. */
  readonly snapshot?: Snapshot | undefined;
  /** Which checkpoints get a tag for people. */
  readonly tags: 'all' | 'good' | 'none';
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly maxFileBytes?: number;
  /** `readStatus` of this moment, when it was begun early to save time. */
  readonly status?: Promise<Status> | undefined;
}

export type Created = Checkpoint & {
  readonly created: boolean;
  /** Tracked files that changed and are in no checkpoint: the tree is not what the disk holds. */
  readonly lacking?: readonly string[];
};

const tries = 5;
const patienceMs = 20;

/**
 * Makes a checkpoint, unless the newest one already has this tree and nothing better is known of it now.
 * Throws a DevenvError when anything could not be written; then no ref moved.
 */
export async function createCheckpoint(repo: Repo, input: CreateInput): Promise<Created> {
  await settleImports(repo);
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, attempt * patienceMs));
    const done = input.snapshot
      ? await fromSnapshot(repo, input, input.snapshot)
      : await fromWorkTree(repo, input, attempt === 0);
    if (done) return done;
  }
  throw new DevenvError('environment', 'other commands made checkpoints all the time', 'try again');
}

interface Place {
  readonly newest: string | undefined;
  readonly newestCommit: string | undefined;
  readonly last: LastWritten | undefined;
  readonly name: string;
}

async function findPlace(repo: Repo, now: number): Promise<Place> {
  const newest = await newestName(repo);
  const isTag = await refFinder(repo, tagRefs);
  // The lock of a name that a killed git left is in nobody's way if that name is not asked for.
  const isTaken = (name: string): boolean =>
    name === newest ||
    isTag(tagRefs + name) ||
    isLocked(repo, tagRefs + name) ||
    isLocked(repo, checkpointRefs + name);
  const newestCommit = newest === undefined ? undefined : await readRef(repo, checkpointRefs + newest);
  return {
    // A broken one (emptied by a power cut) has its name, and nothing to compare with.
    newest: newestCommit === undefined ? undefined : newest,
    newestCommit,
    last: readLast(repo, 'checkpoint'),
    name: nextName(now, newest, isTaken),
  };
}

/** undefined: somebody else made one at the same moment. */
async function fromWorkTree(repo: Repo, asked: CreateInput, first: boolean): Promise<Created | undefined> {
  const maxFileBytes = asked.maxFileBytes ?? defaultMaxFileBytes;
  const reading = capture(repo, { maxFileBytes, status: first ? asked.status : undefined });
  // Looked up while git looks at the work tree; who takes the name meanwhile is noticed when the ref is made.
  const [found, place] = await Promise.all([reading, findPlace(repo, asked.now)]);
  const lacking = lackingOf(found.skipped);
  const input = asJudged(asked, lacking);
  const { last, newestCommit } = place;
  const before = last?.checkpoint && last.commit === newestCommit ? last : undefined;
  if (before?.checkpoint && before.key === found.key && !(await isBetter(repo, input, before.checkpoint)))
    return asBefore(before.checkpoint, found.skipped, lacking);
  const naming = { input, name: place.name, files: countChanged(found, place.newest, before) };
  const written = await writeCapture(repo, found, {
    ref: checkpointRefs + place.name,
    tag: wantsTag(input) ? tagRefs + place.name : undefined,
    unless: newestCommit,
    message: (tree) => messageOf(repo, naming, found, tree),
    seconds: Math.floor(input.now / 1000),
    maxFileBytes,
  });
  if (written.outcome === 'taken') return undefined;
  const same = written.outcome === 'same' ? await resolveCheckpoint(repo, place.newest) : undefined;
  if (same && (await isWorthOne(repo, input, same, found.staged.length > 0 ? written.staged : undefined)))
    return fromSnapshot(repo, input, toSnapshot(found, written));
  const checkpoint = same ?? describe(repo, naming, found, written);
  remember(repo, found, written, checkpoint);
  return same ? asBefore(same, found.skipped, lacking) : { ...checkpoint, created: true };
}

/** The checkpoint that has this tree already; what was good of it is not of files that changed and are not in it. */
function asBefore(known: Checkpoint, skipped: readonly Skipped[], lacking: readonly string[]): Created {
  const verdict = known.verdict === 'passed' && lacking.length > 0 ? 'unverified' : known.verdict;
  const now = skipped.map(({ path, reason }) => ({ path, reason }));
  return { ...known, verdict, skipped: now, lacking, created: false };
}

/** Whether a tree that the newest checkpoint has too is worth another one: more is known of it, or other work is staged. */
async function isWorthOne(
  repo: Repo,
  input: CreateInput,
  known: Checkpoint,
  staged: string | undefined,
): Promise<boolean> {
  return (
    (await isBetter(repo, input, known)) || (staged !== undefined && (await stagesMore(repo, known, staged)))
  );
}

// The files would come back, but not which of them a person had picked for the next commit.
async function stagesMore(repo: Repo, known: Checkpoint, staged: string): Promise<boolean> {
  const then = `${known.commit}^${known.head === null ? 1 : 2}^{tree}`;
  const head = (await readRef(repo, 'HEAD')) === undefined ? [] : ['HEAD^{tree}'];
  const out = await git(repo, ['rev-parse', `${staged}^{tree}`, then, ...head]);
  const [now, ...others] = out.stdout.toString('latin1').trim().split('\n');
  return out.ok && now !== undefined && !others.includes(now);
}

// Something better known of the same tree is worth a checkpoint of its own; what is not known is not. That it passes
// in another project of the repository is other knowledge, and what is good on another branch is not found on this one.
async function isBetter(repo: Repo, { verdict, root }: CreateInput, known: Checkpoint): Promise<boolean> {
  if (verdict === 'unverified') return false;
  if (verdict !== known.verdict || !isOfProject(repo, root)(known)) return true;
  return verdict === 'passed' && (!isOfWorktree(repo)(known) || !(await isOfLine(repo, known)));
}

// The tests saw a file that this tree lacks: nobody knows whether the tree as it is kept would pass.
function asJudged(input: CreateInput, lacking: readonly string[]): CreateInput {
  if (input.verdict !== 'passed' || lacking.length === 0) return input;
  const more = lacking.length > 1 ? ` and ${lacking.length - 1} more` : '';
  const reason = `${input.reason} (passed, but ${showName(lacking[0] ?? '')}${more} changed and is not in it)`;
  return { ...input, verdict: 'unverified', reason };
}

function wantsTag(input: CreateInput): boolean {
  return input.tags === 'all' || (input.tags === 'good' && input.verdict === 'passed');
}

async function fromSnapshot(repo: Repo, asked: CreateInput, snap: Snapshot): Promise<Created | undefined> {
  const input = asJudged(asked, snap.lacking ?? []);
  const place = await findPlace(repo, input.now);
  const newest = place.newest === undefined ? undefined : await resolveCheckpoint(repo, place.newest);
  const staged = snap.staged === snap.head ? undefined : snap.staged;
  if (newest?.tree === snap.tree && !(await isWorthOne(repo, input, newest, staged)))
    return asBefore(newest, snap.skipped, snap.lacking ?? []);
  const files = newest === undefined ? snap.files.length : newest.tree === snap.tree ? 0 : undefined;
  const naming = { input, name: place.name, files };
  const ref = checkpointRefs + place.name;
  const text = Buffer.from(messageOf(repo, naming, snap, snap.tree));
  const parents = snap.head === null ? `from ${snap.staged}\n` : `from ${snap.head}\nmerge ${snap.staged}\n`;
  const root = snap.tree === emptyTree[repo.objectFormat] ? 'deleteall\n' : `M 040000 ${snap.tree} ""\n`;
  const tag = wantsTag(input) ? tagRefs + place.name : undefined;
  const who = `committer devenv <devenv@localhost> ${Math.floor(input.now / 1000)} +0000`;
  const stream = startImport(repo);
  try {
    await stream.write(
      `commit ${ref}\nmark :1\n${who}\ndata ${text.length}\n${text.toString('latin1')}\n${parents}${root}\nget-mark :1\n`,
    );
    const commit = await stream.line();
    if (tag !== undefined) await stream.write(`reset ${tag}\nfrom :1\n\n`);
    const { moved } = await stream.finish({ ref, tag, commit });
    if (!moved) return undefined;
    return { ...describe(repo, naming, snap, { ...snap, commit }), created: true };
  } catch (error) {
    await stream.abort();
    throw error;
  }
}

/** What a checkpoint is called and why it is made. */
interface Naming {
  readonly input: CreateInput;
  readonly name: string;
  readonly files: number | undefined;
}

function messageOf(repo: Repo, { input, name, files }: Naming, found: Facts, tree: string): string {
  const facts = trailersOf(repo, found, tree, input.reason);
  const { verdict, session, suites = [], root } = input;
  const more = { ...facts.more, ...(root === undefined ? {} : { Project: projectPath(repo, root) }) };
  return writeMessage(input.message?.trim() || name, { ...facts, verdict, suites, session, files, more });
}

function describe(
  repo: Repo,
  naming: Naming,
  found: Facts,
  written: Pick<Written, 'tree' | 'commit'>,
): Checkpoint {
  const { input } = naming;
  return {
    tag: naming.name,
    commit: written.commit,
    tree: written.tree,
    verdict: input.verdict,
    at: new Date(Math.floor(input.now / 1000) * 1000).toISOString(),
    branch: found.branch,
    head: found.head,
    message: input.message?.trim() ?? '',
    filesChanged: naming.files ?? 0,
    reason: input.reason,
    suites: input.suites ?? [],
    session: input.session ?? null,
    worktree: worktreeId(repo),
    worktreeMark: markWorktree(repo),
    project: input.root === undefined ? null : projectPath(repo, input.root),
    partial: found.partial,
    skipped: found.skipped.map(({ path, reason }) => ({ path, reason })),
  };
}

const rememberMost = 2000;

function changesOf(found: Capture): Record<string, string> {
  const entries = [
    ...found.files.map((file): [string, string] => [file.path, `${file.mode} ${file.oid}`]),
    ...found.deleted.map((name): [string, string] => [name, '']),
  ];
  return Object.fromEntries(entries);
}

function remember(repo: Repo, found: Capture, written: Written, checkpoint: Checkpoint): void {
  const small = found.files.length + found.deleted.length <= rememberMost;
  const last: LastWritten = {
    key: found.key,
    tree: checkpoint.tree,
    commit: checkpoint.commit,
    staged: written.staged,
    ref: checkpointRefs + checkpoint.tag,
    checkpoint,
    head: found.head,
  };
  saveLast(repo, 'checkpoint', small ? { ...last, changes: changesOf(found) } : last);
}

// Both differ from the same commit by known paths: then the difference needs no look at the trees.
function countChanged(
  found: Capture,
  newest: string | undefined,
  before: LastWritten | undefined,
): number | undefined {
  if (newest === undefined) return found.files.length + found.deleted.length;
  if (before?.changes === undefined || before.head !== found.head) return undefined;
  const now = changesOf(found);
  const then = before.changes;
  return new Set([...Object.keys(now), ...Object.keys(then)].filter((name) => now[name] !== then[name])).size;
}
