export * from './types.ts';
export { snapshot } from './snapshot.ts';
export type { SnapshotOptions } from './snapshot.ts';
export { createCheckpoint } from './create.ts';
export type { CreateInput, Created } from './create.ts';
export {
  brokenSince,
  checkpointNames,
  describeBroken,
  lastAndGood,
  lastGood,
  listCheckpoints,
  newestName,
} from './list.ts';
export { resolveCheckpoint } from './resolve.ts';
export { isPulled } from './pulled.ts';
export { checkpointRefs, encodeHost, hostRefs, pushedRefs, receivedRefs, undoRefs } from './names.ts';
export { holdState, isAttributes } from './hold.ts';
export { updateRefs } from './prune.ts';
export { refuseHome } from './home.ts';
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
  refuseBrokenSince,
  savePresent,
} from './undo-entries.ts';
export { readSaved } from './saved-state.ts';
export type { SavedState } from './saved-state.ts';
export type { SavedPresent, SavePresentInput, StepKind, UndoEntry } from './undo-entries.ts';
export { stepStates, walkEntries } from './undo-walk.ts';
export type { StepState, UndoWalk } from './undo-walk.ts';
export { prune, trashDays } from './prune.ts';
export type { PruneInput, Pruned } from './prune.ts';
export { listTrash, pinCheckpoint, pinnedNames, restoreTrashed, unpinCheckpoint } from './keep.ts';
export type { Trashed } from './inventory.ts';
export { findBrokenRefs, quarantineRefs, restoreFromTags } from './health.ts';
export type { BrokenRef } from './health.ts';
export { findLitter } from './litter.ts';
export { blobId, readDiskFile, sameStat } from './read-file.ts';
export type { DiskFile } from './read-file.ts';
export type { Capture, CapturedFile } from './capture.ts';
export { isOfProject, isOfWorktree, worktreeId } from './origin.ts';
