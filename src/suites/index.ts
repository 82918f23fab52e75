export { describeWhole } from './whole.ts';
export { diskFull } from './disk.ts';
export { judge, type Evidence } from './judge.ts';
export { runSuite, type RunSuiteOptions } from './run.ts';
export type { Failure, SuiteResult } from './types.ts';
