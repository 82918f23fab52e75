import { DevenvError } from '../base/index.ts';
import { git, gitError, listRefNames, mustGit, readRef, waitForOwnRef } from '../git/index.ts';
import type { RawPath, Repo, Status } from '../git/index.ts';
import type { Capture } from './capture.ts';
import { capture } from './capture.ts';
import { worktreeId } from './cache.ts';
import { parseMessage } from './message.ts';
import { presentRefs, undoRefs } from './names.ts';
import { defaultMaxFileBytes, keepCapture, toSnapshot } from './snapshot.ts';
import type { Skipped, Snapshot } from './types.ts';

/** What changes the work tree: a rollback (or reset), taking one back, doing it again. */
export type StepKind = 'rollback' | 'undo' | 'redo';

/** The work tree as it was before a rollback, an undo or a redo changed it. */
export interface UndoEntry {
  readonly n: number;
  readonly ref: string;
  readonly commit: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** What was done right after it was saved. */
  readonly kind: StepKind;
  /** For an undo: the entry that it took back; for a redo: the undo that it took back. */
  readonly undoes: number | undefined;
  /** The name of what was put back. */
  readonly target: string;
  /** Its commit; undefined in entries of an older devenv. */
  readonly to: string | undefined;
  /** The branch was moved too. */
  readonly movedHead: boolean;
  /** Where the refs were that moved along; null: it did not exist. */
  readonly moved: Readonly<Record<string, string | null>>;
  /** Only these files and folders; undefined is all. */
  readonly paths: readonly RawPath[] | undefined;
  readonly reason: string;
}

/** What a commit of devenv's says of its tree, for putting it back. */
export interface SavedState {
  readonly commit: string;
  readonly tree: string;
  readonly head: string | null;
  readonly branch: string | null;
  /** The commit of the staged tree. */
  readonly staged: string;
  readonly intended: readonly RawPath[];
  readonly skipped: readonly Skipped[];
  readonly partial: boolean;
}

/** A snapshot of the present, with what was read for it. */
export interface SavedPresent {
  readonly snapshot: Snapshot;
  readonly capture: Capture;
}

export interface SavePresentInput {
  readonly now: number;
  readonly maxFileBytes?: number;
  readonly include: readonly RawPath[];
  readonly kind: StepKind;
  readonly undoes?: number | undefined;
  readonly target: string;
  /** The commit that will be put back. */
  readonly to?: string;
  readonly reason: string;
  /** Where the refs are that will move too; undefined when HEAD stays. */
  readonly moves?: Readonly<Record<string, string | null>> | undefined;
  readonly paths?: readonly RawPath[] | undefined;
  /** A look at the work tree that was begun while other things were still being read. */
  readonly status?: Promise<Status> | undefined;
}

/** Saves the present before it is changed; `claimUndoEntry` makes it something to go back to. */
export async function savePresent(repo: Repo, input: SavePresentInput): Promise<SavedPresent> {
  const found = await capture(repo, {
    maxFileBytes: input.maxFileBytes ?? defaultMaxFileBytes,
    include: input.include,
    status: input.status,
  });
  const more = {
    Kind: input.kind,
    Target: input.target,
    ...(input.to === undefined ? {} : { To: input.to }),
    ...(input.undoes === undefined ? {} : { Undoes: String(input.undoes) }),
    ...(input.moves === undefined ? {} : { 'Moved-Head': 'true', Moved: JSON.stringify(input.moves) }),
    ...(input.paths === undefined ? {} : { Paths: JSON.stringify(input.paths) }),
  };
  const subject = `devenv: before the ${input.kind} to ${input.target}`;
  const written = await keepCapture(repo, found, {
    ref: presentRefs + worktreeId(repo),
    subject,
    reason: input.reason,
    more,
    options: input,
  });
  return { snapshot: toSnapshot(found, written), capture: found };
}

/** The ref that the next undo entry will have. */
export async function nextUndoRef(repo: Repo): Promise<string> {
  const numbers = (await listRefNames(repo, undoRefs)).map((name) => Number(name.slice(undoRefs.length)));
  return undoRefs + (Math.max(0, ...numbers.filter(Number.isInteger)) + 1);
}

const claims = 20;

/**
 * Keeps a saved present as `refs/devenv/undo/<n>`, under the next number when another work tree came first.
 * `before` is told each ref before it is tried. Done already is fine. Returns the ref.
 */
export async function claimUndoEntry(
  repo: Repo,
  wanted: { readonly undo: string; readonly present: string },
  before: (ref: string) => void,
): Promise<string> {
  const { present } = wanted;
  let { undo } = wanted;
  let stderr = '';
  for (let attempt = 0; attempt < claims; attempt++) {
    const there = await readRef(repo, undo);
    if (there === present) return undo;
    if (there !== undefined) undo = await nextUndoRef(repo);
    before(undo);
    const result = await git(repo, ['update-ref', undo, present, '0'.repeat(present.length)]);
    if (result.ok) return undo;
    stderr = result.stderr;
    // Somebody holds the lock of this very ref: either it comes into being, or the lock goes.
    if ((await readRef(repo, undo)) === undefined) await waitForOwnRef(repo, undo);
  }
  throw gitError('keeping what can be undone', stderr);
}

/** Takes an entry away again, because what it was made for did not happen; one that is not ours stays. */
export async function dropUndoEntry(repo: Repo, ref: string, commit: string): Promise<void> {
  if ((await readRef(repo, ref)) !== commit) return;
  await mustGit(repo, 'taking a rollback back', ['update-ref', '-d', ref, commit]);
}

const format = '%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents)%00%01';

/** All undo entries of this work tree, oldest first. */
export async function listUndoEntries(repo: Repo): Promise<readonly UndoEntry[]> {
  const out = await mustGit(repo, 'reading what can be undone', [
    'for-each-ref',
    `--format=${format}`,
    undoRefs,
  ]);
  const mine = worktreeId(repo);
  return out
    .toString('utf8')
    .split('\0\u0001\n')
    .flatMap((row) => parseEntry(row, mine))
    .sort((a, b) => a.n - b.n);
}

function parseEntry(row: string, worktree: string): UndoEntry[] {
  const [ref = '', commit = '', seconds = '', contents = ''] = row.split('\0');
  const n = Number(ref.slice(undoRefs.length));
  const { fields } = parseMessage(contents);
  const kind = (['rollback', 'undo', 'redo'] as const).find((one) => one === fields.get('Kind'));
  if (ref === '' || !Number.isInteger(n) || kind === undefined || fields.get('Worktree') !== worktree)
    return [];
  const undoes = fields.get('Undoes');
  const paths = fields.get('Paths');
  return [
    {
      n,
      ref,
      commit,
      at: new Date(Number(seconds) * 1000).toISOString(),
      kind,
      undoes: undoes === undefined ? undefined : Number(undoes),
      target: fields.get('Target') ?? '',
      to: fields.get('To'),
      movedHead: fields.has('Moved-Head'),
      moved: parseMoved(fields.get('Moved')),
      paths: paths === undefined ? undefined : parsePaths(paths),
      reason: fields.get('Reason') ?? '',
    },
  ];
}

function parseMoved(text: string | undefined): Record<string, string | null> {
  const value: unknown = JSON.parse(text ?? '{}');
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([ref, oid]: [string, unknown]) => [
      ref,
      typeof oid === 'string' ? oid : null,
    ]),
  );
}

/** Reads what a commit made by devenv says of itself. */
export async function readSaved(repo: Repo, commit: string): Promise<SavedState> {
  const out = await mustGit(repo, 'reading a checkpoint', [
    'log',
    '-1',
    '--no-show-signature',
    '--format=%H%x00%T%x00%P%x00%B',
    commit,
    '--',
  ]);
  const [id = '', tree = '', parents = '', text = ''] = out.toString('utf8').split('\0');
  const [first = '', second] = parents.split(' ');
  const { fields, skipped, partial } = parseMessage(text);
  if (!fields.has('Tree')) throw new DevenvError('unknown-tag', `${commit} was not made by devenv`);
  const head = fields.get('Head');
  const unborn = head === undefined || head === 'none';
  return {
    commit: id,
    tree,
    head: unborn ? null : first,
    branch: fields.get('Branch') ?? null,
    staged: second ?? first,
    intended: parsePaths(fields.get('Intent')),
    skipped,
    partial,
  };
}

function parsePaths(text: string | undefined): RawPath[] {
  if (text === undefined) return [];
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.map(String) : [];
}
