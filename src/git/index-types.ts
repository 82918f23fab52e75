import type { RawPath } from './names.ts';

/**
 * What the index shall hold at a path; mode `000000` takes it out, `intent` announces it (`git add -N`): with the kind
 * that the disk shows, or this one where it shows none.
 */
export interface IndexUpdate {
  readonly path: RawPath;
  readonly mode: string;
  readonly oid: string;
  readonly intent?: boolean;
}

/** Commits of the state that is left, and of the one that is put back. */
export interface Moment {
  readonly from: string;
  readonly to: string;
  /** The files that are written or deleted: what a sparse checkout keeps off the disk is hidden no more once it lies there. */
  readonly files: readonly RawPath[];
}
