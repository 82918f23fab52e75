import {
  appendFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isAliveSince, randomId, self } from '../base/index.ts';
import { ownDir } from './own-dir.ts';
import { packsAtWork } from './locks.ts';
import { settlePair, type RefPair } from './ref-pair.ts';
import type { Repo } from './repo.ts';

/** Records of imports of this very process; another one of its number is that of a dead process that had it before. */
const running = new Set<string>();

/**
 * A file per running import: git tells in it which pack it wrote, and should both of us be killed, it tells the
 * next import what is left to clear away, and the next command which names are left to agree.
 */
export function openRecord(repo: Repo): string | undefined {
  try {
    sweepImports(repo);
    const record = path.join(ownDir(repo), `import-${self.pid}-${randomId()}`);
    // Older than the pack: git may begin that one before its process is noted here.
    writeFileSync(record, '', { mode: 0o600 });
    running.add(record);
    return record;
  } catch {
    return undefined; // a folder that cannot be written: git itself says what is wrong
  }
}

// The record of one whose names are not settled stays.
function sweepImports(repo: Repo): void {
  for (const record of deadImports(repo)) {
    try {
      if (pairOf(record) === undefined && sweep(repo, record)) rmSync(record, { force: true });
    } catch {
      // Another process did it meanwhile.
    }
  }
}

/**
 * Finishes what killed imports left half done (a checkpoint that has only one of its two names gets the other one)
 * and clears away the rest. Costs a look into a folder when there is none. What cannot be done now is left for the
 * next time.
 */
export async function settleImports(repo: Repo): Promise<void> {
  for (const record of deadImports(repo)) {
    try {
      if (isGitAlive(record)) continue; // it is about to end by itself
      const pair = pairOf(record);
      if (pair) await settlePair(repo, pair);
      if (sweep(repo, record)) rmSync(record, { force: true });
    } catch {
      // A repository that may not be written; or another process did it meanwhile.
    }
  }
}

/** The records of imports whose devenv is gone, in whichever work tree of the repository. */
export function deadImports(repo: Repo): string[] {
  const isDead = (record: string): boolean => {
    const pid = Number(/^import-(\d+)-/.exec(path.basename(record))?.[1] ?? 0);
    return pid > 0 && (pid === self.pid ? !running.has(record) : !isAliveSince(pid, bornAt(record)));
  };
  const linked = path.join(repo.commonDir, 'worktrees');
  return [repo.commonDir, ...filesIn(linked)]
    .flatMap((gitDir) => filesIn(path.join(gitDir, 'devenv')))
    .filter(isDead);
}

function filesIn(dir: string): string[] {
  try {
    return readdirSync(dir).map((name) => path.join(dir, name));
  } catch {
    return []; // there is none, or it is another user's
  }
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

/** Notes which names are about to be moved: from here on a kill may leave one without the other. */
export function notePair(record: string | undefined, pair: RefPair): void {
  if (record === undefined || pair.tag === undefined) return;
  const { ref, tag, commit, force } = pair;
  try {
    appendFileSync(record, `${JSON.stringify({ ref, tag, commit, force })}\n`);
  } catch {
    // A full disk stops git as well, and that is told.
  }
}

const pairLine = /^\{.*\}\n/gm;

function pairOf(record: string): RefPair | undefined {
  const line = readFileSync(record, 'utf8').match(pairLine)?.at(-1);
  if (line === undefined) return undefined;
  const pair: RefPair = JSON.parse(line);
  return pair;
}

function gitOf(record: string): number | undefined {
  const pid = /^git (\d+)$/m.exec(readFileSync(record, 'latin1'))?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function isGitAlive(record: string): boolean {
  const pid = gitOf(record);
  return pid !== undefined && isAliveSince(pid, bornAt(record));
}

/** Where the disk does not tell, when it was last written. */
function bornAt(record: string): number {
  const stat = statSync(record, { throwIfNoEntry: false });
  return stat?.birthtimeMs || (stat?.mtimeMs ?? 0);
}

/** Ends the record of an import that was given up; it stays where its names are not settled. */
export function leaveRecord(record: string | undefined): void {
  if (record === undefined) return;
  running.delete(record);
  if (!existsSync(record) || pairOf(record) === undefined) rmSync(record, { force: true });
}

/** Ends a record; returns the pack (`pack-<hash>`) that git said it wrote. */
export function closeRecord(record: string | undefined): string | undefined {
  if (record === undefined) return undefined;
  try {
    return /(pack-[0-9a-f]+)\.pack:/.exec(readFileSync(record, 'latin1'))?.[1];
  } catch {
    return undefined; // it was never begun
  } finally {
    running.delete(record);
    rmSync(record, { force: true });
  }
}

/** Removes the report that a fast-import leaves when it ends early. */
export function removeCrashReport(repo: Pick<Repo, 'gitDir'>, pid: number | undefined): void {
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

/** What git writes into the `.keep` that guards a pack until the refs to it are moved. */
const keptMeanwhile = 'fast-import';

// A killed git leaves the pack it was writing. Ours is younger than the record, and nobody has it open. Returns
// whether nothing is left, so that the record is needed no more.
function sweep(repo: Repo, record: string): boolean {
  if (isGitAlive(record)) return false;
  // Of the work tree that it was started in.
  removeCrashReport({ gitDir: path.dirname(path.dirname(record)) }, gitOf(record));
  const born = statSync(record).birthtimeMs;
  if (born === 0) return true; // a disk that does not tell: `git gc` removes it in time
  const dir = path.join(repo.commonDir, 'objects', 'pack');
  const young = readdirSync(dir)
    .filter((name) => /^tmp_(pack|idx)_|\.keep$/.test(name))
    .map((name) => path.join(dir, name))
    .filter((file) => (statSync(file, { throwIfNoEntry: false })?.birthtimeMs ?? 0) >= born)
    .filter((file) => !file.endsWith('.keep') || readFileSync(file, 'latin1') === keptMeanwhile);
  if (young.length === 0) return true;
  // A repack of the user's has its pack closed while it writes the index.
  if (packsAtWork(repo)) return false;
  const inUse = new Set(readdirSync('/proc').flatMap(openPacksOf));
  for (const file of young) if (!inUse.has(file)) rmSync(file, { force: true });
  return true;
}

const openPacksOf = (name: string): string[] => (/^\d+$/.test(name) ? openPacks(Number(name)) : []);
