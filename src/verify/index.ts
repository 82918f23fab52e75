export { codeDifference, describeUntold, isOutput, lookAt, outputPaths, repoOf } from './present.ts';
export { confirmRegression } from './regression.ts';
export { checkpointGates } from './suites.ts';
export { verify } from './verify.ts';
export type { Present, Verdict, Verification, VerifyDeps, VerifyEvents } from './types.ts';
