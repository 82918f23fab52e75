import {
  constants,
  existsSync,
  lstatSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  symlinkSync,
} from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import {
  DevenvError,
  ensureDir,
  errnoOf,
  isAlive,
  makeDir,
  randomId,
  self,
  stateDir,
} from '../base/index.ts';
import { git, mustGit } from './exec.ts';
import { layOver } from './lay-over.ts';
import { diskPath } from './names.ts';
import type { Repo } from './repo.ts';

/** A work tree of its own, gone when it is disposed of. */
export interface ScratchWorktree extends AsyncDisposable {
  /** Its top; a project in a subfolder of the repository lies at the same place below. */
  readonly path: string;
  /**
   * Makes it the checkout of another commit, as if it were new: only what differs is written, and what the
   * commands in it have left is removed. After a failure it is good only for being disposed of.
   */
  readonly moveTo: (commit: string, options?: { readonly signal?: AbortSignal }) => Promise<void>;
}

/** Folders that hold what a project depends on or has built. */
export const dependencyFolders = new Set([
  'node_modules',
  '.venv',
  'venv',
  'target',
  'vendor',
  '.bundle',
  'deps',
  '_build',
  '__pypackages__',
  'bower_components',
  'elm-stuff',
]);
const deepest = 3;
/** Tests see what the snapshot holds; where no link can be made, no dependency could be linked in either. */
const linksAsLinks = 'core.symlinks=true';

/** What of the live work tree, besides the commit, a scratch work tree holds. */
export interface ScratchOptions {
  /**
   * For a snapshot the commit that it was taken on (null: none yet): what is the same there is checked out as git
   * does it, the rest is written as it was on the disk. HEAD is that commit.
   */
  readonly base?: string | null;
  readonly link: 'auto' | readonly string[];
  /** These are copied (sharing their blocks where the file system can), so that writing there changes nothing here. */
  readonly copy?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Checks a commit out beside the live work tree. What is ignored is not in it; folders of dependencies
 * (or the paths given) are linked in, others copied. Left-overs of processes that died are removed first.
 */
export async function scratchWorktree(
  repo: Repo,
  commit: string,
  options: ScratchOptions,
): Promise<ScratchWorktree> {
  const base = ensureDir(path.join(stateDir(repo.env), 'scratch'));
  for (const dead of staleScratch(repo)) removeScratch(repo, dead);
  const dir = path.join(base, `${self.pid}-${randomId()}`);
  const { base: under } = options;
  const add = ['worktree', 'add', '--quiet', '--force', '--detach', dir, under ?? commit];
  const [links] = await Promise.all([
    options.link === 'auto' ? findDependencies(repo) : options.link,
    mustGit(
      repo,
      'making a scratch work tree',
      ['-c', 'advice.detachedHead=false', '-c', linksAsLinks, ...add],
      options.signal ? { signal: options.signal } : {},
    ),
  ]).catch((error: unknown) => {
    removeScratch(repo, dir);
    throw error;
  });
  const copy = options.copy ?? [];
  const bringIn = async (): Promise<void> => {
    for (const one of copy) await copyIn(repo.root, dir, one);
    for (const link of links) if (!copy.some((one) => isWithin(one, link))) linkIn(repo.root, dir, link);
  };
  try {
    if (under !== undefined) await layOver(repo, dir, { from: under, to: commit });
    await bringIn();
  } catch (error) {
    removeScratch(repo, dir);
    throw error;
  }
  return {
    path: dir,
    moveTo: async (next, { signal } = {}) => {
      await checkOutAgain(repo, dir, next, signal);
      await bringIn();
    },
    [Symbol.asyncDispose]: async () => removeScratch(repo, dir),
  };
}

// Not `git clean`: should the link to the repository be gone, it would look for one above and clean that.
async function checkOutAgain(repo: Repo, dir: string, commit: string, signal?: AbortSignal): Promise<void> {
  const admin = adminDirs(repo).find((one) => pointsAt(one, dir));
  if (admin === undefined) throw new DevenvError('environment', `git does not know ${dir} any more`);
  const options = signal ? { signal } : {};
  const inside = ['-C', dir, '-c', 'core.fsmonitor=false', '-c', linksAsLinks];
  inside.push(`--git-dir=${admin}`, `--work-tree=${dir}`);
  // What is linked in goes first: nothing must ever be written through it.
  const others = await mustGit(
    repo,
    'cleaning a scratch work tree',
    [...inside, 'ls-files', '--others', '--directory', '-z'],
    options,
  );
  for (const name of others.toString('latin1').split('\0').filter(Boolean))
    rmSync(diskPath(dir, name.replace(/\/$/, '')), { recursive: true, force: true, maxRetries: 5 });
  await mustGit(
    repo,
    'moving a scratch work tree',
    [...inside, 'checkout', '--quiet', '--force', '--detach', '--no-recurse-submodules', commit, '--'],
    options,
  );
}

const isWithin = (outer: string, inner: string): boolean => {
  const relative = path.relative(outer, inner);
  return relative === '' || !relative.startsWith('..');
};

/** The place of a path in the scratch work tree; undefined where there is nothing to bring there. */
function placeFor(root: string, dir: string, relative: string): string | undefined {
  const target = path.resolve(dir, relative);
  const wanted =
    target.startsWith(dir + path.sep) &&
    existsSync(path.resolve(root, relative)) &&
    !lstatSync(target, { throwIfNoEntry: false });
  if (wanted) makeDir(path.dirname(target));
  return wanted ? target : undefined;
}

async function copyIn(root: string, dir: string, relative: string): Promise<void> {
  const target = placeFor(root, dir, relative);
  if (target === undefined) return;
  await cp(path.resolve(root, relative), target, {
    recursive: true,
    verbatimSymlinks: true,
    // A build is not up to date when its files are newer than what it was made of.
    preserveTimestamps: true,
    mode: constants.COPYFILE_FICLONE,
    // What cannot be copied (a socket, a pipe) is not needed either.
    filter: (source) => {
      const info = lstatSync(source, { throwIfNoEntry: false });
      return info !== undefined && (info.isFile() || info.isDirectory() || info.isSymbolicLink());
    },
  });
}

function linkIn(root: string, dir: string, relative: string): void {
  const target = placeFor(root, dir, relative);
  if (target !== undefined) symlinkSync(path.resolve(root, relative), target);
}

export async function findDependencies(repo: Repo): Promise<string[]> {
  const found: string[] = [];
  const walk = (relative: string, depth: number): void => {
    for (const entry of readdirSync(path.join(repo.root, relative), { withFileTypes: true })) {
      const name = path.join(relative, entry.name);
      if (dependencyFolders.has(entry.name) && (entry.isDirectory() || entry.isSymbolicLink()))
        found.push(name);
      else if (entry.isDirectory() && entry.name !== '.git' && depth < deepest) walk(name, depth + 1);
    }
  };
  walk('', 0);
  if (found.length === 0) return found;
  const result = await git(repo, ['check-ignore', '-z', '--stdin'], {
    input: found.map((name) => `${name}\0`).join(''),
  });
  return result.stdout.toString('utf8').split('\0').filter(Boolean);
}

/** Removes a scratch work tree and what git knows of it. */
export function removeScratch(repo: Repo, dir: string): void {
  // git's own `worktree prune` would also forget work trees of the user's that are not mounted just now.
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  for (const admin of adminDirs(repo)) {
    if (pointsAt(admin, dir)) rmSync(admin, { recursive: true, force: true });
  }
  if (adminDirs(repo).length === 0) removeEmpty(path.join(repo.commonDir, 'worktrees'));
}

// As git does after the last one.
function removeEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
  }
}

function adminDirs(repo: Repo): string[] {
  const base = path.join(repo.commonDir, 'worktrees');
  return existsSync(base) ? readdirSync(base).map((name) => path.join(base, name)) : [];
}

function pointsAt(admin: string, dir: string): boolean {
  const file = path.join(admin, 'gitdir');
  return existsSync(file) && readFileSync(file, 'utf8').trim() === path.join(dir, '.git');
}

/** The scratch work trees of processes that died; `removeScratch` removes one. */
export function staleScratch(repo: Repo): readonly string[] {
  const base = path.join(stateDir(repo.env), 'scratch');
  const dead = (name: string): boolean => {
    const pid = Number(/^(\d+)-[0-9a-f]+$/.exec(name)?.[1] ?? 'NaN');
    return !Number.isNaN(pid) && pid !== self.pid && !isAlive(pid);
  };
  const found = existsSync(base) ? readdirSync(base).filter(dead) : [];
  // Also those whose folder is gone but which git still lists.
  const listed = adminDirs(repo).flatMap((admin) => {
    const file = path.join(admin, 'gitdir');
    const dir = existsSync(file) ? path.dirname(readFileSync(file, 'utf8').trim()) : '';
    return path.dirname(dir) === base && dead(path.basename(dir)) ? [dir] : [];
  });
  return [...new Set([...found.map((name) => path.join(base, name)), ...listed])];
}
