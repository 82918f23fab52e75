import type { SavedState } from '../checkpoint/index.ts';
import { displayPath, forbiddenPart, isSubmodule, rawDir, submoduleMove } from '../git/index.ts';
import type { DiffEntry, IndexUpdate, RawPath } from '../git/index.ts';

/** What a path holds: a mode and a blob, or nothing. */
export interface Held {
  readonly mode: string;
  readonly oid: string;
}

/** A file that will be written, or deleted when `after` is null. */
export interface Step {
  readonly path: RawPath;
  readonly before: Held | null;
  readonly after: Held | null;
  /** The blob is the file's very bytes; else it came from a commit and git's filters make the file of it. */
  readonly raw: boolean;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Differs, but is left as it is, and why. */
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
}

export interface PlanInput {
  /** From the present to what is put back. */
  readonly diff: readonly DiffEntry[];
  /** Paths that the target holds as raw bytes. */
  readonly raw: ReadonlySet<RawPath>;
  /** What one of the two could not hold: not to be touched. Display paths. */
  readonly uncovered: ReadonlyMap<string, string>;
  /** The target lacks files that it could not read, nobody knows which: so nothing is deleted on its word. */
  readonly partial: boolean;
}

/** Decides for each path that differs what is to be done. Pure. */
export function planRollback(input: PlanInput): Plan {
  const steps: Step[] = [];
  const kept: { path: string; reason: string }[] = [];
  for (const entry of input.diff) {
    const why = reasonToKeep(entry, input);
    if (why === undefined) steps.push(toStep(entry, input.raw));
    else kept.push({ path: displayPath(entry.path), reason: why });
  }
  return { steps, kept };
}

function reasonToKeep(entry: DiffEntry, input: PlanInput): string | undefined {
  if (isSubmodule(entry)) {
    const move = submoduleMove(entry);
    return `a submodule${move === undefined ? '' : `: ${move}`}`;
  }
  // No git writes these, but a repository that was fetched may hold anything.
  if (forbiddenPart(entry.path) !== undefined) return 'a name that git does not allow';
  const why = whyUncovered(entry.path, input.uncovered);
  if (why !== undefined) return why;
  if (entry.newMode === '000000' && input.partial)
    return 'the checkpoint is partial: it may be that it could not read this file';
  return undefined;
}

/** The reason why a state could not hold a path, or a folder that it is in; `uncovered` as in `PlanInput`. */
export function whyUncovered(file: RawPath, uncovered: ReadonlyMap<string, string>): string | undefined {
  const within = [file, ...foldersOf(file)].map(displayPath);
  return within.map((part) => uncovered.get(part)).find((why) => why !== undefined);
}

/** The folders that a path is in, from the innermost. */
export function foldersOf(file: RawPath): readonly RawPath[] {
  const folders: RawPath[] = [];
  for (let dir = rawDir(file); dir !== ''; dir = rawDir(dir)) folders.push(dir);
  return folders;
}

function toStep(entry: DiffEntry, raw: ReadonlySet<RawPath>): Step {
  const held = (mode: string, oid: string): Held | null => (mode === '000000' ? null : { mode, oid });
  return {
    path: entry.path,
    before: held(entry.oldMode, entry.oldOid),
    after: held(entry.newMode, entry.newOid),
    raw: raw.has(entry.path) || entry.newMode === '120000',
  };
}

/** What was announced in a state. */
type Intended = Pick<SavedState, 'intended' | 'intendedModes'>;

export interface IndexInput {
  /** What the index holds now otherwise than HEAD. */
  readonly present: readonly {
    readonly path: RawPath;
    readonly mode: string;
    readonly oid: string;
    readonly headMode: string;
    readonly headOid: string;
  }[];
  /** What the target had staged: from its HEAD to its staged tree. */
  readonly target: readonly DiffEntry[];
  readonly announcedNow: Intended;
  readonly announcedThen: Intended;
}

/** Which entries of the index must change so that the same is staged as then. Empty when it already is. Pure. */
export function planIndex(input: IndexInput): readonly IndexUpdate[] {
  const now = new Map(input.present.map((entry) => [entry.path, entry]));
  const then = new Map(input.target.map((entry) => [entry.path, entry]));
  const updates: IndexUpdate[] = [];
  for (const [path, entry] of then) {
    const have = now.get(path) ?? { mode: entry.oldMode, oid: entry.oldOid };
    if (have.mode !== entry.newMode || have.oid !== entry.newOid)
      updates.push({ path, mode: entry.newMode, oid: entry.newOid });
  }
  for (const [path, entry] of now) {
    if (!then.has(path)) updates.push({ path, mode: entry.headMode, oid: entry.headOid });
  }
  const changed = new Set(updates.map((update) => update.path));
  return [...updates, ...planIntents(input, changed)];
}

// git announces no entry a second time: one of another kind is taken out first.
function planIntents(
  { announcedNow: now, announcedThen: wanted }: Pick<IndexInput, 'announcedNow' | 'announcedThen'>,
  changed: ReadonlySet<RawPath>,
): readonly IndexUpdate[] {
  const modeIn = (side: Intended, path: RawPath): string => side.intendedModes[path] ?? '100644';
  const paths = new Set(wanted.intended);
  const stays = (path: RawPath): boolean => paths.has(path) && modeIn(now, path) === modeIn(wanted, path);
  const standing = now.intended.filter((path) => !changed.has(path));
  const have = new Set(standing.filter(stays));
  return [
    ...standing.filter((path) => !stays(path)).map((path) => ({ path, mode: '000000', oid: '' })),
    ...wanted.intended
      .filter((path) => !have.has(path))
      .map((path) => ({ path, mode: modeIn(wanted, path), oid: '', intent: true })),
  ];
}

/** Whether so much would be deleted that a person must say so. */
export function deletesMuch(deleted: number, files: number): boolean {
  return deleted > 20 && deleted > files * 0.1;
}
