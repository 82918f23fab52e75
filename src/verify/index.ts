export { codeDifference, isOutput, lookAt, outputPaths, repoOf } from './present.ts';
export { confirmRegression, type Regression, type RegressionInput } from './regression.ts';
export { checkpointGates, selectGates, selectSuites } from './suites.ts';
export { describeChanged, verify } from './verify.ts';
export type { Present, Verdict, Verification, VerifyDeps, VerifyEvents, VerifyInput } from './types.ts';
