export { codeDifference, describeUntold, judgedFiles, lookAt, repoOf } from './present.ts';
export { confirmRegression } from './regression.ts';
export { rerunFailed } from './rerun.ts';
export { checkpointGates, selectGates, selectSuites } from './suites.ts';
export { suiteEnv } from './run.ts';
export { fileTime, touchedSince } from './touched.ts';
export { verify } from './verify.ts';
export type { Present, Verdict, Verification, VerifyDeps, VerifyEvents } from './types.ts';
