/** What a run of a suite, or of all gates together, came to. Always of one tree. */
export type RunVerdict = 'passed' | 'failed' | 'flaky' | 'broken' | 'stale';

/** One finished run of one suite, as history keeps it. */
export interface RunRecord {
  readonly projectId: string;
  readonly suite: string;
  readonly verdict: RunVerdict;
  /** The tree it was measured on; null where there is no git repository to name it. */
  readonly tree: string | null;
  /** Milliseconds since 1970 UTC, when it ended. */
  readonly at: number;
  readonly durationMs: number;
  readonly passed: number;
  readonly failed: number;
  readonly flaky: number;
  readonly skipped: number;
  /** Who asked: `test`, `watch`, `checkpoint`, ... */
  readonly reason: string;
  /** Why it could not be judged, when it is broken or stale. */
  readonly why?: string | undefined;
}

/** The last run of one suite. */
export type LastRun = Omit<RunRecord, 'projectId' | 'suite'>;

/** Something that happened in a project: a checkpoint, a reset, a decision to keep. */
export interface StoredEvent {
  readonly kind: string;
  readonly at: number;
  readonly data: unknown;
}

/**
 * The history of all projects of this user. It is never the truth of anything (git and tmux are), so no
 * method throws: what cannot be kept or read is left out, and `problem` says why.
 */
export interface Store {
  recordRun(run: RunRecord): void;
  /** The last run of every suite, by the suite's name; stale runs do not count. */
  lastRuns(projectId: string): Readonly<Record<string, LastRun>>;
  /** The last run of one suite on one tree. */
  runOn(projectId: string, suite: string, tree: string): LastRun | undefined;
  addEvent(projectId: string, kind: string, data: unknown): void;
  lastEvent(projectId: string, kind: string): StoredEvent | undefined;
  /** The newest events first. */
  recentEvents(projectId: string, limit: number): readonly StoredEvent[];
  /** A small fact of a project (allotted ports, the checkpointer's next look), undefined when unknown. */
  getValue(projectId: string, key: string): unknown;
  /** Keeps a fact as JSON; undefined forgets it. */
  setValue(projectId: string, key: string, value: unknown): void;
  /** Why nothing (or not everything) is kept, in one line; undefined while all is well. */
  problem(): string | undefined;
  close(): void;
}
