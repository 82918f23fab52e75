export { evaluateGates, type GateInput } from './evaluate.ts';
export type { GateResult, GateVerdict, SuiteResultLike } from './types.ts';
