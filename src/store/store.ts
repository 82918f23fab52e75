import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { messageOf, systemClock, type Clock } from '../base/index.ts';
import { openDatabase } from './database.ts';
import type { LastRun, RunRecord, RunVerdict, Store, StoredEvent } from './types.ts';

type Row = Readonly<Record<string, SQLOutputValue>>;

/** History that is kept: enough to see a flaky week, too little to grow without end. */
const keptRunsPerSuite = 2000;
const keptEventsPerProject = 5000;

const verdicts: readonly RunVerdict[] = ['passed', 'failed', 'flaky', 'broken', 'stale'];
const runColumns = 'verdict, tree, at, duration_ms, passed, failed, flaky, skipped, reason, why';

/**
 * Opens the history. It always comes back with a store: where the database cannot be used, one that keeps
 * nothing and whose `problem` says why.
 */
export function openStore(env: NodeJS.ProcessEnv, clock: Clock = systemClock): Store {
  const opened = openDatabase(env, clock);
  const { db, writable } = opened;
  let problem = opened.problem;

  /** A failing statement costs that one piece of history, never the command. */
  function attempt<T>(otherwise: T, action: (db: DatabaseSync) => T): T {
    if (!db?.isOpen) return otherwise;
    try {
      return action(db);
    } catch (error) {
      problem ??= `the history could not be used: ${messageOf(error)}`;
      return otherwise;
    }
  }
  const write = (action: (db: DatabaseSync) => void): void => {
    if (writable) attempt(undefined, action);
  };
  const one = (sql: string, ...values: SQLInputValue[]): Row | undefined =>
    attempt<Row | undefined>(undefined, (open) => open.prepare(sql).get(...values));
  const all = (sql: string, ...values: SQLInputValue[]): readonly Row[] =>
    attempt<readonly Row[]>([], (open) => open.prepare(sql).all(...values));

  return {
    recordRun: (run) => write((open) => insertRun(open, run)),
    lastRuns: (projectId) =>
      Object.fromEntries(
        all(
          `SELECT runs.suite, ${runColumns} FROM last_runs JOIN runs ON runs.id = last_runs.run
           WHERE last_runs.project = ? ORDER BY runs.suite`,
          projectId,
        ).map((row) => [String(row['suite']), readRun(row)]),
      ),
    runOn: (projectId, suite, tree) => {
      const row = one(
        `SELECT ${runColumns} FROM runs WHERE project = ? AND tree = ? AND suite = ? ORDER BY id DESC LIMIT 1`,
        projectId,
        tree,
        suite,
      );
      return row && readRun(row);
    },
    addEvent: (projectId, kind, data) =>
      write((open) => insertEvent(open, projectId, { kind, at: clock.now(), data })),
    lastEvent: (projectId, kind) => {
      const row = one(
        'SELECT kind, at, data FROM events WHERE project = ? AND kind = ? ORDER BY id DESC LIMIT 1',
        projectId,
        kind,
      );
      return row && readEvent(row);
    },
    recentEvents: (projectId, limit) =>
      all(
        'SELECT kind, at, data FROM events WHERE project = ? ORDER BY id DESC LIMIT ?',
        projectId,
        limit,
      ).map(readEvent),
    getValue: (projectId, key) =>
      parse(one('SELECT value FROM facts WHERE project = ? AND key = ?', projectId, key)?.['value']),
    setValue: (projectId, key, value) => write((open) => setFact(open, projectId, key, value)),
    problem: () => problem,
    close: () => {
      if (db?.isOpen) db.close();
    },
  };
}

function insertRun(db: DatabaseSync, run: RunRecord): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const { lastInsertRowid: id } = db
      .prepare(`INSERT INTO runs (project, suite, ${runColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
      .run(
        run.projectId,
        run.suite,
        run.verdict,
        run.tree,
        run.at,
        Math.round(run.durationMs),
        run.passed,
        run.failed,
        run.flaky,
        run.skipped,
        run.reason,
        run.why ?? null,
      );
    // A stale run measured no tree, so it does not replace the last verdict.
    if (run.verdict !== 'stale') {
      db.prepare('INSERT OR REPLACE INTO last_runs (project, suite, run) VALUES (?, ?, ?)').run(
        run.projectId,
        run.suite,
        id,
      );
    }
    if (Number(id) % 100 === 0) pruneRuns(db, run);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function pruneRuns(db: DatabaseSync, run: RunRecord): void {
  db.prepare(
    `DELETE FROM runs WHERE project = ?1 AND suite = ?2 AND id NOT IN (SELECT run FROM last_runs) AND id <=
     (SELECT id FROM runs WHERE project = ?1 AND suite = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)`,
  ).run(run.projectId, run.suite, keptRunsPerSuite);
}

function insertEvent(db: DatabaseSync, projectId: string, event: StoredEvent): void {
  const { lastInsertRowid: id } = db
    .prepare('INSERT INTO events (project, kind, at, data) VALUES (?, ?, ?, ?)')
    .run(projectId, event.kind, event.at, JSON.stringify(event.data ?? null));
  if (Number(id) % 100 !== 0) return;
  db.prepare(
    'DELETE FROM events WHERE project = ?1 AND id <= (SELECT id FROM events WHERE project = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)',
  ).run(projectId, keptEventsPerProject);
}

function setFact(db: DatabaseSync, projectId: string, key: string, value: unknown): void {
  if (value === undefined) db.prepare('DELETE FROM facts WHERE project = ? AND key = ?').run(projectId, key);
  else
    db.prepare('INSERT OR REPLACE INTO facts (project, key, value) VALUES (?, ?, ?)').run(
      projectId,
      key,
      JSON.stringify(value),
    );
}

function readRun(row: Row): LastRun {
  const why = row['why'];
  return {
    verdict: verdicts.find((v) => v === row['verdict']) ?? 'broken',
    tree: typeof row['tree'] === 'string' ? row['tree'] : null,
    at: Number(row['at']),
    durationMs: Number(row['duration_ms']),
    passed: Number(row['passed']),
    failed: Number(row['failed']),
    flaky: Number(row['flaky']),
    skipped: Number(row['skipped']),
    reason: String(row['reason']),
    ...(typeof why === 'string' ? { why } : {}),
  };
}

function readEvent(row: Row): StoredEvent {
  return { kind: String(row['kind']), at: Number(row['at']), data: parse(row['data']) };
}

function parse(text: SQLOutputValue | undefined): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // edited by hand: as good as not there
  }
}
