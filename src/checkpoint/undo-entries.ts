import { DevenvError } from '../base/index.ts';
import { git, gitError, listRefNames, mustGit, readRef, waitForOwnRef } from '../git/index.ts';
import type { RawPath, Repo, Status } from '../git/index.ts';
import type { Capture } from './capture.ts';
import { capture } from './capture.ts';
import { isOfWorktree, worktreeId, type OfWorktree } from './origin.ts';
import { isAttributes } from './hold.ts';
import { parseMessage } from './message.ts';
import { presentRefs, undoRefs } from './names.ts';
import { allRaw, parsePaths } from './saved-state.ts';
import { defaultMaxFileBytes, keepCapture, toSnapshot } from './snapshot.ts';
import type { Snapshot } from './types.ts';

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
  /** How many files were changed, where that are not all that differ; undefined is all. */
  readonly files: number | undefined;
}

/** A snapshot of the present, with what was read for it. */
export interface SavedPresent {
  readonly snapshot: Snapshot;
  readonly capture: Capture;
  /** It is known that all clean files are on the disk as HEAD holds them. */
  readonly allRaw: boolean;
  /** The same once more, with what was found out since. */
  readonly knowing: (more: FoundOut) => Promise<SavedPresent>;
}

/** What planning finds out about a present that was saved. */
export interface FoundOut {
  /** These clean files are on the disk as HEAD holds them. */
  readonly raw: readonly RawPath[];
  /** How many files the step changes, where others differ too and are left. */
  readonly files?: number | undefined;
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
  /** Whether git may convert files on their way to the disk; where it may not, all clean ones are as HEAD holds them. */
  readonly converts?: Promise<boolean> | undefined;
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
    ...((await input.converts) === false && !found.files.some(isAttributes) ? { Raw: allRaw } : {}),
  };
  return keepPresent(repo, input, more, found);
}

// Kept by the same ref: only the last one counts.
async function keepPresent(
  repo: Repo,
  input: SavePresentInput,
  more: Readonly<Record<string, string>>,
  found: Capture,
): Promise<SavedPresent> {
  const subject = `devenv: before the ${input.kind} to ${input.target}`;
  const written = await keepCapture(repo, found, {
    ref: presentRefs + worktreeId(repo),
    subject,
    reason: input.reason,
    more,
    options: input,
  });
  const knowing = ({ raw, files }: FoundOut): Promise<SavedPresent> => {
    const counted = files === undefined ? {} : { Files: String(files) };
    return keepPresent(repo, input, { ...more, ...counted }, { ...found, raw: [...found.raw, ...raw] });
  };
  return { snapshot: toSnapshot(found, written), capture: found, allRaw: more['Raw'] === allRaw, knowing };
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

/** Throws 'environment' where a newer one than `n` is broken: what it saved would be passed over without a word. */
export async function refuseBrokenSince(repo: Repo, n: number): Promise<void> {
  for (const ref of await listRefNames(repo, undoRefs)) {
    const name = ref.slice(undoRefs.length);
    if (!(Number(name) > n) || (await readRef(repo, ref)) !== undefined) continue;
    throw new DevenvError(
      'environment',
      `undo/${name}${n === 0 ? '' : `, newer than undo/${n},`} is broken (a power cut?): it may be the last step`,
      `devenv doctor --fix puts it aside${n === 0 ? '' : '; devenv undo goes on with the one before it then'}`,
    );
  }
}

const format = '%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents)%00%01';

/** All undo entries of this work tree, oldest first. */
export async function listUndoEntries(repo: Repo): Promise<readonly UndoEntry[]> {
  const out = await mustGit(repo, 'reading what can be undone', [
    'for-each-ref',
    `--format=${format}`,
    undoRefs,
  ]);
  const isHere = isOfWorktree(repo);
  return out
    .toString('utf8')
    .split('\0\u0001\n')
    .flatMap((row) => parseEntry(row, isHere))
    .sort((a, b) => a.n - b.n);
}

function parseEntry(row: string, isHere: (one: OfWorktree) => boolean): UndoEntry[] {
  const [ref = '', commit = '', seconds = '', contents = ''] = row.split('\0');
  const n = Number(ref.slice(undoRefs.length));
  const { fields } = parseMessage(contents);
  const kind = (['rollback', 'undo', 'redo'] as const).find((one) => one === fields.get('Kind'));
  if (ref === '' || !Number.isInteger(n) || kind === undefined) return [];
  const at = new Date(Number(seconds) * 1000).toISOString();
  const worktree = fields.get('Worktree') ?? '';
  if (!isHere({ worktree, worktreeMark: fields.get('Worktree-Mark') ?? null, at })) return [];
  const undoes = fields.get('Undoes');
  const paths = fields.get('Paths');
  const files = fields.get('Files');
  return [
    {
      n,
      ref,
      commit,
      at,
      kind,
      undoes: undoes === undefined ? undefined : Number(undoes),
      target: fields.get('Target') ?? '',
      to: fields.get('To'),
      movedHead: fields.has('Moved-Head'),
      moved: parseMoved(fields.get('Moved')),
      paths: paths === undefined ? undefined : parsePaths(paths),
      reason: fields.get('Reason') ?? '',
      files: files === undefined ? undefined : Number(files),
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
