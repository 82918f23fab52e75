export { evaluateGates } from './evaluate.ts';
export type { GateResult } from './types.ts';
