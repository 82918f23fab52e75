import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ensureDir, quickHash, replaceFile, stateDir } from '../base/index.ts';
import type { Target } from '../remote/index.ts';

/** What a box said when it was last asked. */
export interface Seen<T> {
  /** ISO 8601; null: it never answered. */
  readonly at: string | null;
  readonly status: T | null;
}

const folderOf = (env: NodeJS.ProcessEnv): string => path.join(stateDir(env), 'hosts');

const fileOf = (env: NodeJS.ProcessEnv, { name, ssh, path: project }: Target): string =>
  path.join(folderOf(env), `${quickHash(JSON.stringify([name, ssh, project]))}.json`);

/** Keeps what a box said, for when it does not answer. */
export function noteSeen<T>(env: NodeJS.ProcessEnv, target: Target, seen: Seen<T>): void {
  ensureDir(folderOf(env));
  replaceFile(fileOf(env, target), JSON.stringify({ host: target.name, ...seen }));
}

/** What a box said last. */
export function lastSeen<T>(env: NodeJS.ProcessEnv, target: Target): Seen<T> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file, written whole
    const { at, status } = JSON.parse(readFileSync(fileOf(env, target), 'utf8')) as Seen<T>;
    return { at, status };
  } catch {
    return { at: null, status: null }; // never seen, or cut short by a full disk: then it is not known
  }
}

/** Forgets what was kept of a box, in every project; folders that are empty then go too. */
export function forgetSeen(env: NodeJS.ProcessEnv, name: string): void {
  const folder = folderOf(env);
  for (const file of namesIn(folder).map((one) => path.join(folder, one)))
    if (hostIn(file) === name) rmSync(file, { force: true });
  for (const dir of [folder, stateDir(env)]) {
    try {
      rmdirSync(dir);
    } catch {
      return; // something is in it, or it was never made
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no box was ever asked
  }
}

function hostIn(file: string): unknown {
  try {
    const seen: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof seen === 'object' && seen !== null && 'host' in seen ? seen.host : undefined;
  } catch {
    return undefined;
  }
}
