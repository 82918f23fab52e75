import { isAlive, self } from '../base/index.ts';
import { takeLock, type Store } from '../store/index.ts';

/** What is kept of a project's nights, as one small fact: the last one that ended, and one under way. */
export interface Nights {
  /** How the last run ended; undefined before the first. */
  readonly last: Night | undefined;
  /** A run that began and has not ended: it runs, or it was killed. */
  readonly running: { readonly pid: number; readonly startedAt: number } | undefined;
}

export interface Night {
  /** Milliseconds since 1970: when it began. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: string;
  /** Whether somebody had to look at it. */
  readonly bad: boolean;
  /** The report, without `.md` or `.json`; null when it could not be written. */
  readonly report: string | null;
}

const factName = 'nightly';

/** What is known of a project's nights. */
export function readNights(store: Pick<Store, 'getValue'>, id: string): Nights {
  const fact = store.getValue(id, factName);
  const { last, running } = typeof fact === 'object' && fact !== null ? (fact as Partial<Nights>) : {};
  return {
    last: typeof last?.startedAt === 'number' && typeof last.outcome === 'string' ? last : undefined,
    running: typeof running?.pid === 'number' ? running : undefined,
  };
}

/** Keeps it. */
export function writeNights(store: Pick<Store, 'setValue'>, id: string, nights: Nights): void {
  store.setValue(id, factName, nights);
}

/** The lock that a nightly run holds as long as it lives. */
export const nightLockName = (id: string): string => `nightly-${id}`;

/** The run that is under way just now: it lives, and holds its lock. */
export function runningNight(
  env: NodeJS.ProcessEnv,
  store: Pick<Store, 'getValue'>,
  id: string,
): Nights['running'] {
  const { running } = readNights(store, id);
  if (!running || !isAlive(running.pid)) return undefined;
  if (running.pid === self.pid) return running;
  // An id of a process is used again some day: the lock tells for sure.
  const lock = takeLock(env, nightLockName(id));
  if (typeof lock === 'object') lock[Symbol.dispose]();
  return lock === 'taken' ? running : undefined;
}

/** So long after the last run a scheduled project is overdue: a day, and room for a slow night and a clock that is changed. */
const overdueMs = 26 * 3_600_000;

/** Whether a scheduled run should have been there by now. */
export function isOverdue(lastAt: number | undefined, installedAt: number, now: number): boolean {
  return now - Math.max(lastAt ?? 0, installedAt) > overdueMs;
}
