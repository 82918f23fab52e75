import { mustGit } from '../git/index.ts';
import type { RawPath, Repo, Status, TrackedChange } from '../git/index.ts';
import { blobId } from './read-file.ts';

/** What `git add -N` has announced, by where the file is now. */
export interface Announced {
  readonly all: readonly RawPath[];
  /** Announced, and then removed from the disk: neither HEAD nor the disk has it. */
  readonly gone: ReadonlySet<RawPath>;
  /** Modes of those that are gone and no plain files: the disk does not show them any more. */
  readonly modes: IntendedModes;
}

/** By path: `100755` and `120000`; others are `100644`, or what the disk shows. */
export type IntendedModes = Readonly<Record<RawPath, string>>;

// `git add -N`, of a new file or of one that was taken out of the index before.
const isThere = ({ xy, unmerged }: TrackedChange): boolean => xy[1] === 'A' && !unmerged;

/** Taken out of the index and announced again, then removed from the disk: git gives it a mode that it is not in. */
export const isDroppedAndGone = ({ xy, unmerged }: TrackedChange): boolean => xy === 'DD' && !unmerged;

/**
 * The entries of the index that are only announced. `git status` shows a new one whose file is gone as a deleted
 * empty file of HEAD: where it shows such a file, a second process tells which HEAD does not have.
 */
export async function readAnnounced(repo: Repo, status: Status): Promise<Announced> {
  const empty = blobId(Buffer.alloc(0), repo.objectFormat);
  const maybe = status.tracked
    .filter(({ xy, headOid, indexOid }) => xy === '.D' && headOid === empty && indexOid === empty)
    .map((change) => change.path);
  const gone = new Set(await unknownTo(repo, status.head, maybe));
  const all = status.tracked.filter(
    (change) => isThere(change) || isDroppedAndGone(change) || gone.has(change.path),
  );
  const modes = status.tracked
    .filter((change) => gone.has(change.path) && change.indexMode !== '100644')
    .map((change) => [change.path, change.indexMode]);
  return { all: all.map((change) => change.path), gone, modes: Object.fromEntries(modes) };
}

async function unknownTo(
  repo: Repo,
  head: string | null,
  paths: readonly RawPath[],
): Promise<readonly RawPath[]> {
  if (head === null || paths.length === 0) return paths;
  const out = await mustGit(repo, 'reading what was announced', [
    'diff-index',
    '--cached',
    '--ita-visible-in-index',
    '--diff-filter=A',
    '--no-renames',
    '--name-only',
    '-z',
    head,
    '--',
  ]);
  const added = new Set(out.toString('latin1').split('\0'));
  return paths.filter((path) => added.has(path));
}
