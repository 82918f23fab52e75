export * from './types.ts';
export { snapshot } from './snapshot.ts';
export type { SnapshotOptions } from './snapshot.ts';
export { createCheckpoint } from './create.ts';
export type { CreateInput, Created } from './create.ts';
export { listCheckpoints, lastGood, resolveCheckpoint, checkpointNames } from './list.ts';
export {
  claimUndoEntry,
  dropUndoEntry,
  listUndoEntries,
  nextUndoRef,
  readSaved,
  savePresent,
} from './undo-entries.ts';
export type { SavedPresent, SavedState, SavePresentInput, StepKind, UndoEntry } from './undo-entries.ts';
export { stepStates, walkEntries } from './undo-walk.ts';
export type { StepState, UndoWalk } from './undo-walk.ts';
export { blobId, readDiskFile, sameStat } from './read-file.ts';
export type { DiskFile } from './read-file.ts';
export type { Capture, CapturedFile } from './capture.ts';
