export * from './types.ts';
export * from './frame.ts';
export * from './transport.ts';
export * from './target.ts';
export * from './failure.ts';
export * from './on-box.ts';
export * from './addressed.ts';
export * from './bootstrap/index.ts';
