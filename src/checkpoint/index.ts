export * from './types.ts';
export { snapshot } from './snapshot.ts';
export type { SnapshotOptions } from './snapshot.ts';
export { createCheckpoint } from './create.ts';
export type { CreateInput, Created } from './create.ts';
export { listCheckpoints, lastGood, resolveCheckpoint, checkpointNames } from './list.ts';
export { filterCheckpoints, readMoment } from './filter.ts';
export type { CheckpointFilter } from './filter.ts';
export { exportBranch } from './export.ts';
export { promote } from './promote.ts';
export type { Promoted } from './promote.ts';
export {
  claimUndoEntry,
  dropUndoEntry,
  listUndoEntries,
  nextUndoRef,
  openEntries,
  readSaved,
  savePresent,
} from './undo-entries.ts';
export type { SavedPresent, SavedState, SavePresentInput, UndoEntry } from './undo-entries.ts';
export { blobId, readDiskFile, sameStat } from './read-file.ts';
export type { DiskFile } from './read-file.ts';
export type { Capture } from './capture.ts';
