import {
  appendFileSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isAlive, randomId, self } from '../base/index.ts';
import { ownDir } from './index-file.ts';
import type { Repo } from './repo.ts';

/**
 * A file per running import: git tells in it which pack it wrote, and should both of us be killed, it tells the
 * next import what is left to clear away.
 */
export function openRecord(repo: Repo): string | undefined {
  try {
    sweepImports(repo);
    const record = path.join(ownDir(repo), `import-${self.pid}-${randomId()}`);
    // Older than the pack: git may begin that one before its process is noted here.
    writeFileSync(record, '', { mode: 0o600 });
    return record;
  } catch {
    return undefined; // a folder that cannot be written: git itself says what is wrong
  }
}

/** Clears away what killed imports left. */
export function sweepImports(repo: Repo): void {
  for (const record of deadImports(repo)) sweep(repo, record);
}

/** The records of imports whose devenv is gone. */
export function deadImports(repo: Repo): string[] {
  const dir = ownDir(repo);
  const isDead = (name: string): boolean => {
    const pid = Number(/^import-(\d+)-/.exec(name)?.[1] ?? self.pid);
    return pid !== self.pid && !isAlive(pid);
  };
  return readdirSync(dir)
    .filter(isDead)
    .map((name) => path.join(dir, name));
}

/** Notes the process of git. */
export function noteProcess(record: string | undefined, pid: number | undefined): void {
  if (record === undefined || pid === undefined) return;
  try {
    appendFileSync(record, `git ${pid}\n`);
  } catch {
    // A full disk stops git as well, and that is told.
  }
}

/** Ends a record; returns the pack (`pack-<hash>`) that git said it wrote. */
export function closeRecord(record: string | undefined): string | undefined {
  if (record === undefined) return undefined;
  try {
    return /(pack-[0-9a-f]+)\.pack:/.exec(readFileSync(record, 'latin1'))?.[1];
  } catch {
    return undefined; // it was never begun
  } finally {
    rmSync(record, { force: true });
  }
}

/** Removes the report that a fast-import leaves when it ends early. */
export function removeCrashReport(repo: Repo, pid: number | undefined): void {
  if (pid !== undefined) rmSync(path.join(repo.gitDir, `fast_import_crash_${pid}`), { force: true });
}

/** Half written packs that a living process has open. Their names do not say whose they are; /proc does. */
export function openPacks(pid: number | undefined): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
      .filter((file) => /\/objects\/pack\/tmp_[^/]*$/.test(file));
  } catch {
    return []; // gone, or no /proc here: `git gc` removes it in time
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return ''; // closed meanwhile
  }
}

// A killed git leaves the pack it was writing. Ours is younger than the record, and nobody has it open.
function sweep(repo: Repo, record: string): void {
  const born = statSync(record, { throwIfNoEntry: false })?.birthtimeMs;
  if (born === undefined || born === 0) return;
  const pid = /^git (\d+)$/m.exec(readFileSync(record, 'latin1'))?.[1];
  if (pid !== undefined && isAlive(Number(pid))) return; // it is about to end by itself
  removeCrashReport(repo, pid === undefined ? undefined : Number(pid));
  const dir = path.join(repo.commonDir, 'objects', 'pack');
  const young = readdirSync(dir)
    .filter((name) => /^tmp_(pack|idx)_/.test(name))
    .map((name) => path.join(dir, name))
    .filter((file) => (statSync(file, { throwIfNoEntry: false })?.birthtimeMs ?? 0) >= born);
  const inUse = young.length === 0 ? new Set() : new Set(readdirSync('/proc').flatMap(openPacksOf));
  for (const file of young) if (!inUse.has(file)) rmSync(file, { force: true });
  rmSync(record, { force: true });
}

const openPacksOf = (name: string): string[] => (/^\d+$/.test(name) ? openPacks(Number(name)) : []);
