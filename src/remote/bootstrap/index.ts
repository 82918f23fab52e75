export * from './bootstrap.ts';
export * from './plan.ts';
export * from './probe.ts';
export { removeFromBox } from './remove.ts';
export type { Removal } from './remove-script.ts';
export * from './settle.ts';
export * from './check.ts';
