export { takeLock, whyNoLock } from './lock.ts';
export { openStore } from './store.ts';
export type { LastRun, StoredEvent, RunRecord, Store } from './types.ts';
