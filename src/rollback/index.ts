export { rollBack, undoLast } from './rollback.ts';
export type { RollbackDeps, RollbackInput, RollbackOutcome, RollbackProject } from './rollback.ts';
export { needsRecovery, recover, unfinished } from './recover.ts';
export type { Recovery } from './recover.ts';
export type { Plan, PlanInput, Step } from './plan.ts';
