export { rollBack, undoLast } from './rollback.ts';
export type {
  RollbackDeps,
  RollbackInput,
  RollbackOutcome,
  RollbackProject,
  StepBack,
  UndoInput,
} from './rollback.ts';
export { describeFiles, describeLines } from './put-back.ts';
export type { PutAway } from './put-back.ts';
export { listSteps } from './steps.ts';
export type { UndoSteps, UndoStep } from './steps.ts';
export { describeUnfinished, needsRecovery, recover, unfinished } from './recover.ts';
export type { Recovery } from './recover.ts';
export type { Plan, PlanInput, Step } from './plan.ts';
export { compareWithState, putState, settleBefore } from './put-state.ts';
export type { PutStateInput, StateDifference } from './put-state.ts';
