import { closeSync, existsSync, openSync, renameSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { ensureDir, errnoOf, messageOf, stateDir, type Clock } from '../base/index.ts';
import { migrate, schemaVersion } from './migrations.ts';

/** An open database, or why there is none. */
export interface Opened {
  readonly db: DatabaseSync | undefined;
  readonly writable: boolean;
  readonly problem: string | undefined;
}

/** How long a writer waits for another devenv process. */
const busyTimeoutMs = 3000;

/**
 * Opens `<state dir>/devenv.db`, made with mode 0600. A damaged file is moved aside, never deleted; a file
 * that cannot be written is read; one of a newer devenv is left alone. Never throws.
 */
export function openDatabase(env: NodeJS.ProcessEnv, clock: Clock): Opened {
  let file: string;
  try {
    file = path.join(stateDir(env), 'devenv.db');
  } catch (error) {
    return none(messageOf(error));
  }
  try {
    return openWritable(file);
  } catch (error) {
    if (isDamaged(error)) return replaceDamaged(file, clock);
    return openReadable(file, whyOf(file, error));
  }
}

function openWritable(file: string): Opened {
  ensureDir(path.dirname(file));
  // SQLite would make it readable for all; its -wal and -shm files copy this mode.
  closeSync(openSync(file, 'a', 0o600));
  const db = new DatabaseSync(file, { timeout: busyTimeoutMs });
  try {
    const found = versionOf(db);
    if (found > schemaVersion) {
      db.close();
      return none(
        `${file} was written by a newer devenv (version ${found}, this one knows ${schemaVersion})`,
      );
    }
    if (found < schemaVersion) prepare(db);
    // The other writer's commit must not be waited for twice; a power cut may cost the last runs, no more.
    db.exec('PRAGMA synchronous = NORMAL');
    return { db, writable: true, problem: undefined };
  } catch (error) {
    if (db.isOpen) db.close();
    throw error;
  }
}

function prepare(db: DatabaseSync): void {
  migrate(db);
  try {
    db.exec('PRAGMA journal_mode = WAL');
  } catch (error) {
    // Two first starts at once: the other one is about to set it, and it stays set in the file.
    if (!/locked|busy/i.test(messageOf(error))) throw error;
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

/** SQLITE_CORRUPT (11) and SQLITE_NOTADB (26); a database that is merely locked is not damaged. */
function isDamaged(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' && ((code & 0xff) === 11 || (code & 0xff) === 26);
}

function replaceDamaged(file: string, clock: Clock): Opened {
  const stamp = new Date(clock.now()).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  let aside = `${file}.damaged-${stamp}`;
  for (let n = 2; existsSync(aside); n++) aside = `${file}.damaged-${stamp}-${n}`;
  try {
    for (const suffix of ['', '-wal', '-shm']) moveIfThere(file + suffix, aside + suffix);
    return {
      ...openWritable(file),
      problem: `the history was damaged; it is now ${aside} and a new one was begun`,
    };
  } catch (error) {
    return none(`the history is damaged: ${messageOf(error)}`);
  }
}

/** What is wrong, with the file: SQLite does not name it. */
function whyOf(file: string, error: unknown): string {
  const why = messageOf(error);
  return why.includes(path.dirname(file)) ? why : `${file}: ${why}`;
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function openReadable(file: string, why: string): Opened {
  const problem = `no history is kept: ${why}`;
  // Without a writable folder SQLite cannot read a WAL database unless it is told that nobody writes it.
  const alone = pathToFileURL(file);
  alone.searchParams.set('immutable', '1');
  for (const location of [file, alone]) {
    try {
      const db = new DatabaseSync(location, { readOnly: true, timeout: busyTimeoutMs });
      if (versionOf(db) === schemaVersion) return { db, writable: false, problem };
      db.close();
    } catch {
      // It cannot be read this way either; why it cannot be written already says enough.
    }
  }
  return none(problem);
}

const none = (problem: string): Opened => ({ db: undefined, writable: false, problem });
