export * from './allot.ts';
export * from './free.ts';
export * from './holder.ts';
