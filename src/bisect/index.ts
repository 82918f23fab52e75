export { bisect, forgetBisect, type BisectInput } from './bisect.ts';
export { mergedSide } from './commits.ts';
export type { Asked, BisectOutcome, BisectState, Candidate, StepResult } from './types.ts';
