export * from './types.ts';
export { snapshot, treeNow, defaultMaxFileBytes } from './snapshot.ts';
export type { SnapshotOptions } from './snapshot.ts';
export { createCheckpoint } from './create.ts';
export type { CreateInput, Created } from './create.ts';
export { listCheckpoints, lastGood, resolveCheckpoint } from './list.ts';
