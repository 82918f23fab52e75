import type { Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../api/database.ts';
import { createApi } from '../api/server.ts';

export interface RunningApi {
  readonly url: string;
  /** The SQLite file, in a temporary folder. */
  readonly database: string;
  readonly log: readonly string[];
  readonly close: () => Promise<void>;
}

/** Starts the API on a free port with a new database of its own; `close` removes both. */
export async function startApi(): Promise<RunningApi> {
  const folder = mkdtempSync(join(tmpdir(), 'shop-test-'));
  const database = join(folder, 'shop.db');
  const db = openDatabase(database);
  const log: string[] = [];
  const server = createApi(db, (line) => log.push(line)).listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function close(): Promise<void> {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    db.close();
    rmSync(folder, { recursive: true });
  }
  return { url: `http://127.0.0.1:${portOf(server)}`, database, log, close };
}

/** The port that a listening server was given. */
export function portOf(server: Pick<Server, 'address'> | null): number {
  const address = server?.address();
  if (typeof address !== 'object' || address === null)
    throw new Error('The server does not listen on a port');
  return address.port;
}
