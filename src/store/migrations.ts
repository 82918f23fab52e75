import type { DatabaseSync } from 'node:sqlite';

/** Each entry takes the database one version further. Released entries are never edited. */
const migrations: readonly string[] = [
  `
  CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    suite TEXT NOT NULL,
    verdict TEXT NOT NULL,
    tree TEXT,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    flaky INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    reason TEXT NOT NULL,
    why TEXT
  ) STRICT;
  CREATE INDEX runs_by_suite ON runs (project, suite, id);
  CREATE INDEX runs_by_tree ON runs (project, tree, suite, id);
  CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_kind ON events (project, kind, id);
  CREATE TABLE facts (
    project TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (project, key)
  ) STRICT, WITHOUT ROWID;
  -- The last run of a suite is asked for by every status: it has a row of its own.
  CREATE TABLE last_runs (
    project TEXT NOT NULL,
    suite TEXT NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (project, suite)
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The version this devenv writes. */
export const schemaVersion = migrations.length;

/** Brings a database to `schemaVersion`, all or nothing; safe when several processes do it at once. */
export function migrate(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const found = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    for (const sql of migrations.slice(found)) db.exec(sql);
    db.exec(`PRAGMA user_version = ${schemaVersion}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
