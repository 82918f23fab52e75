import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, isAlive, listProcesses } from '../base/index.ts';
import { deadImports, removeScratch, settleImports, staleScratch } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { refFiles } from './health.ts';

/** Something that a killed process of devenv's (or of its git) left behind. */
export interface Litter {
  readonly file: string;
  readonly what: string;
  /** git or devenv may be stopped by it. */
  readonly blocks: boolean;
  readonly remove: () => void | Promise<void>;
}

const lockMs = 60_000;

/** What killed processes left, of which it is certain that nobody uses it any more. `now` in milliseconds since 1970. */
export async function findLitter(repo: Repo, now: number): Promise<readonly Litter[]> {
  const plain = (file: string, what: string, blocks = false): Litter => ({
    file,
    what,
    blocks,
    remove: () => rmSync(file, { recursive: true, force: true }),
  });
  return [
    ...crashReports(repo).map((file) => plain(file, 'the report of a killed git fast-import')),
    ...ownFiles(repo).map((file) => plain(file, 'a work file of a killed rollback')),
    ...deadImports(repo).map((file) => ({
      ...plain(file, 'the record of a killed import, and perhaps half a pack'),
      remove: () => settleImports(repo),
    })),
    ...staleScratch(repo).map((dir) => ({
      ...plain(dir, 'the scratch work tree of a killed run'),
      remove: () => removeScratch(repo, dir),
    })),
    ...(await staleLocks(repo, now)).map((file) => plain(file, 'the lock of a killed git', true)),
  ];
}

function gitDirs(repo: Repo): string[] {
  const linked = path.join(repo.commonDir, 'worktrees');
  return [
    repo.commonDir,
    ...(existsSync(linked) ? readdirSync(linked).map((name) => path.join(linked, name)) : []),
  ];
}

function crashReports(repo: Repo): string[] {
  return gitDirs(repo).flatMap((dir) =>
    readdirSync(dir)
      .filter((name) => {
        const pid = /^fast_import_crash_(\d+)$/.exec(name)?.[1];
        return pid !== undefined && !isAlive(Number(pid));
      })
      .map((name) => path.join(dir, name))
      // Somebody else's import may have crashed too.
      .filter((file) => readFileSync(file, 'latin1').includes('refs/devenv/')),
  );
}

// Their names say whose they are. With a journal beside them they are still needed.
function ownFiles(repo: Repo): string[] {
  return gitDirs(repo)
    .map((dir) => path.join(dir, 'devenv'))
    .filter((dir) => existsSync(dir) && !existsSync(path.join(dir, 'journal.json')))
    .flatMap((dir) =>
      readdirSync(dir)
        .filter((name) => {
          const pid = /^(?:index|journal|stage)-(\d+)-/.exec(name)?.[1];
          return pid !== undefined && !isAlive(Number(pid));
        })
        .map((name) => path.join(dir, name)),
    );
}

// No name tells whose a lock is. But git holds one for moments: with no git at work here, one of a minute ago is dead.
async function staleLocks(repo: Repo, now: number): Promise<string[]> {
  const locks = [...refFiles(repo), 'packed-refs.lock', 'refs/devenv.lock']
    .filter((file) => file.endsWith('.lock'))
    .map((file) => path.join(repo.commonDir, file))
    .filter((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat?.isFile() === true && now - stat.mtimeMs > lockMs;
    });
  return locks.length > 0 && !(await gitWorksHere(repo)) ? locks : [];
}

/** Removes the locks of devenv's own refs that a killed git left. Returns whether there were any. */
export async function freeOwnRefs(repo: Repo, now: number): Promise<boolean> {
  // The lock of all packed refs concerns the user's git too: for that one they are asked (doctor --fix).
  const locks = (await staleLocks(repo, now)).filter((file) => !file.endsWith('packed-refs.lock'));
  for (const lock of locks) rmSync(lock, { force: true });
  return locks.length > 0;
}

async function gitWorksHere(repo: Repo): Promise<boolean> {
  const isGit = (command: string): boolean => /(^|\/)git(-[a-z-]+)?( |$)/.test(command);
  return (await listProcesses()).some(({ pid, command }) => isGit(command) && mayBeHere(repo, pid));
}

function mayBeHere(repo: Repo, pid: number): boolean {
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    return [repo.root, repo.commonDir].some(
      (dir) => cwd === dir || cwd.startsWith(`${dir}/`) || dir.startsWith(`${cwd}/`),
    );
  } catch (error) {
    // Ended meanwhile; or of another user, or there is no /proc: then it may be anywhere.
    return existsSync('/proc') ? errnoOf(error) !== 'ENOENT' : true;
  }
}
