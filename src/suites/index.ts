export { judge, type Evidence, type Judgement } from './judge.ts';
export { runSuite, type RunSuiteOptions } from './run.ts';
export type { Failure, SuiteResult, SuiteVerdict } from './types.ts';
