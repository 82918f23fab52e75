export * from './bootstrap.ts';
export * from './plan.ts';
export * from './probe.ts';
export * from './settle.ts';
