export * from './free.ts';
export * from './holder.ts';
