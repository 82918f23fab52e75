import type { BigIntStats } from 'node:fs';
import type { RawPath, Status } from '../git/index.ts';
import type { IntendedModes } from './announced.ts';
import type { Entry, Skipped } from './types.ts';

/** A file as it will be stored; its bytes are dropped when all of them together would fill the memory. */
export interface CapturedFile extends Entry {
  readonly content: Buffer | undefined;
  /** How it looked when it was read. */
  readonly stat?: BigIntStats;
}

/** A path that is left out, and what tells its present state from another one. */
export interface SkippedFile extends Skipped {
  readonly raw: RawPath;
  readonly mark: string;
  /** Tracked and changed: a test saw what the tree does not hold. */
  readonly changed: boolean;
}

/** What differs from HEAD at one moment, read but not yet written. */
export interface Capture {
  readonly head: string | null;
  readonly branch: string | null;
  readonly files: readonly CapturedFile[];
  readonly deleted: readonly RawPath[];
  /** What the index holds otherwise than HEAD; mode `000000` is gone from it. */
  readonly staged: readonly (Entry & { readonly headMode: string; readonly headOid: string })[];
  /** Announced with `git add -N`: in the index, but without content. */
  readonly intended: readonly RawPath[];
  readonly intendedModes: IntendedModes;
  /** Held as they are on the disk, though the tree does not show it: they are what HEAD holds. */
  readonly raw: readonly RawPath[];
  readonly skipped: readonly SkippedFile[];
  readonly partial: boolean;
  readonly unmerged: boolean;
  /** Equal for equal work trees, index and HEAD. */
  readonly key: string;
}

export interface CaptureOptions {
  readonly maxFileBytes: number;
  /** Paths to hold as they are on the disk though git sees no difference, or ignores them. */
  readonly include?: readonly RawPath[];
  /** A look that was begun while other things were still being read. */
  readonly status?: Promise<Status> | undefined;
}
