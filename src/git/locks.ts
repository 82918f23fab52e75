import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isAlive, systemClock } from '../base/index.ts';
import type { Repo } from './repo.ts';

const pauseMs = 100;
/** No ref of devenv's is locked for longer while its git lives. */
const deadAfterMs = 2000;
/** The same where it cannot be seen which processes there are. */
const deadUnseenMs = 60_000;

/** Whether somebody writes a ref at this moment, or was killed while doing so. */
export function isLocked(repo: Repo, ref: string): boolean {
  return existsSync(path.join(repo.commonDir, `${ref}.lock`));
}

/**
 * Waits until nobody holds the lock of a ref of devenv's own. One that was left by a killed git would block
 * that ref for ever: when no git is at work in the repository any more, it is taken away.
 */
export async function waitForOwnRef(repo: Repo, ref: string): Promise<void> {
  const lock = path.join(repo.commonDir, `${ref}.lock`);
  for (let waited = 0; waited <= deadAfterMs + 5 * pauseMs; waited += pauseMs) {
    const held = lstatSync(lock, { throwIfNoEntry: false });
    if (held === undefined) return;
    const age = systemClock.now() - held.ctimeMs;
    const dead = age > deadAfterMs && gitAtWork(repo) === false;
    if (dead || age > deadUnseenMs) {
      if (lstatSync(lock, { throwIfNoEntry: false })?.ino === held.ino) rmSync(lock, { force: true });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Whether a git works in this repository; undefined where that cannot be seen. */
function gitAtWork(repo: Repo): boolean | undefined {
  return someProcess(repo, () => true);
}

/** Whether a git writes a pack in this repository, as far as that can be seen. */
export function packsAtWork(repo: Repo): boolean {
  return runs(repo, /\0(repack|pack-objects|index-pack|fast-import)\0/);
}

/**
 * Whether a git looks through all packs (`gc`, `repack`, `prune`, `fsck`), as far as that can be seen: it fails when
 * one goes that it has listed.
 */
export function listsPacks(repo: Repo): boolean {
  return gcRuns(repo) || runs(repo, /\0(gc|maintenance|repack|pack-objects|prune|fsck|multi-pack-index)\0/);
}

/** `git gc` notes its process and its host, also where another one's processes cannot be seen. */
function gcRuns(repo: Repo): boolean {
  try {
    const pid = Number(readFileSync(path.join(repo.commonDir, 'gc.pid'), 'utf8').split(' ')[0]);
    return pid > 0 && isAlive(pid);
  } catch {
    return false;
  }
}

function runs(repo: Repo, command: RegExp): boolean {
  return someProcess(repo, (pid) => command.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))) ?? false;
}

function someProcess(repo: Repo, isMeant: (pid: string) => boolean): boolean | undefined {
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return undefined;
  }
  const places = [repo.root, repo.commonDir, path.dirname(repo.commonDir)];
  return pids.some((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('git')) return false;
      const cwd = readlinkSync(`/proc/${pid}/cwd`);
      return places.some((place) => cwd === place || cwd.startsWith(place + path.sep)) && isMeant(pid);
    } catch {
      return false; // ended meanwhile, or of another user, who has no business in here
    }
  });
}
