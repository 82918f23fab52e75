export { decide, isIdle, startCheckpointer } from './decide.ts';
export { treeOf } from './key.ts';
export { checkpointerFact, nightHolder, watchLock, type WatchLock } from './lock.ts';
export { lookThroughGit, type Look, type Looked } from './look.ts';
export { gatherFacts, judge, perform, tag } from './steps.ts';
export type { RolledBack, StepContext, StepInput, Watched } from './step-types.ts';
export type * from './types.ts';
