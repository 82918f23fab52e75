export { takeLock } from './lock.ts';
export { openStore } from './store.ts';
export type { LastRun, RunRecord, RunVerdict, Store, StoredEvent } from './types.ts';
