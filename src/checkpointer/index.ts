export { decide, isIdle, startCheckpointer } from './decide.ts';
export { keyOf, marksOf, treeOf } from './key.ts';
export { checkpointerFact, watchLock, type WatchLock } from './lock.ts';
export { gatherFacts, perform, tag } from './steps.ts';
export type { RolledBack, StepContext, StepInput, Watched } from './step-types.ts';
export type * from './types.ts';
