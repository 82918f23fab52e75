import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DevenvError, errnoOf, randomId, self } from '../base/index.ts';
import { git, gitError, mustGit } from './exec.ts';
import { flaggedEntries } from './hidden.ts';
import { flagAgain, noteFlags, setFlag, type Hidden } from './index-flags.ts';
import type { HiddenEntry } from './index-scan.ts';
import type { IndexUpdate, Moment } from './index-types.ts';
import { diskPath, pathList, rawDir } from './names.ts';
import type { RawPath } from './names.ts';
import { ownDir } from './own-dir.ts';
import type { Repo } from './repo.ts';

const tries = 20;

/**
 * Changes entries of the user's index as git would: on a copy, then under `index.lock`, in one rename. What the user
 * hid from git (skip-worktree, assume-unchanged) stays hidden: what is taken out here when the state `moment.from`
 * was saved, and is put in again for that state, too.
 * A lock held by another command is waited for (2 s), then it is an error and the index is as it was.
 */
export async function updateIndex(
  repo: Repo,
  updates: readonly IndexUpdate[],
  moment?: Moment,
): Promise<void> {
  if (updates.length === 0 && !moment) return;
  for (let attempt = 0; attempt < tries; attempt++) {
    const flagged = await flaggedEntries(repo);
    const comeBack = moment ? noteFlags(repo, moment, flagged, updates) : [];
    if (updates.length === 0 && comeBack.length === 0) return;
    if (await tryUpdate(repo, updates, { flagged, comeBack })) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new DevenvError(
    'environment',
    'the staged state could not be put back: another git command holds .git/index.lock',
    'when it is done, run the command again (if no git command runs, delete .git/index.lock)',
  );
}

/**
 * A copy of the user's index with these changes, for a git command with an index of its own
 * (GIT_INDEX_FILE). The caller removes it.
 */
export async function copyIndex(repo: Repo, updates: readonly IndexUpdate[]): Promise<string> {
  const index = path.join(repo.gitDir, 'index');
  const copy = path.join(ownDir(repo), `index-${self.pid}-${randomId()}`);
  copyWithTime(index, copy);
  await change(repo, copy, updates, 'all');
  return copy;
}

/**
 * As old as the original, rounded down: of a file written in the same second as the index, git knows that its time
 * tells nothing. In a younger copy it would count as unchanged, and stay so.
 */
function copyWithTime(index: string, copy: string): void {
  const stat = lstatSync(index, { throwIfNoEntry: false });
  if (stat === undefined) return;
  copyFileSync(index, copy);
  const seconds = Math.floor(stat.mtimeMs / 1000);
  utimesSync(copy, seconds, seconds);
}

async function tryUpdate(
  repo: Repo,
  updates: readonly IndexUpdate[],
  { flagged, comeBack }: { readonly flagged: readonly HiddenEntry[]; readonly comeBack: readonly Hidden[] },
): Promise<boolean> {
  const index = path.join(repo.gitDir, 'index');
  const copy = path.join(ownDir(repo), `index-${self.pid}-${randomId()}`);
  const before = stampOf(index);
  try {
    copyWithTime(index, copy);
    const skipped = flagged.filter(({ flags }) => flags.includes('skip-worktree'));
    const announced = new Set(updates.filter(({ intent }) => intent).map((update) => update.path));
    // git announces nothing that it was told not to look at.
    await setFlag(
      repo,
      copy,
      '--no-skip-worktree',
      skipped.filter((entry) => announced.has(entry.path)),
    );
    await change(repo, copy, updates);
    await flagAgain(repo, copy, { flagged, comeBack }, updates);
    // A hard link comes into being whole or not at all, and tells us later that a lock left behind was ours.
    linkSync(copy, `${index}.lock`);
    if (stampOf(index) !== before) {
      rmSync(`${index}.lock`);
      return false;
    }
    renameSync(`${index}.lock`, index);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(copy, { force: true });
  }
}

// `all`: none may be left out.
async function change(
  repo: Repo,
  file: string,
  updates: readonly IndexUpdate[],
  which: 'all' | 'allowed' = 'allowed',
): Promise<void> {
  const env = { ...repo.env, GIT_INDEX_FILE: file };
  const settings = ['-c', 'core.splitIndex=false', '-c', 'core.fsmonitor=false'];
  const none = '0'.repeat(repo.objectFormat === 'sha256' ? 64 : 40);
  // Taken out first: a folder may stand where a file was.
  const ordered = [...updates].sort((a, b) => Number(a.mode !== '000000') - Number(b.mode !== '000000'));
  const lines = ordered
    .filter((update) => !update.intent)
    .map(
      (update) =>
        `${update.mode === '000000' ? `0 ${none}` : `${update.mode} ${update.oid}`}\t${update.path}\0`,
    );
  if (lines.length > 0) {
    const input = Buffer.from(lines.join(''), 'latin1');
    const result = await git(repo, [...settings, 'update-index', '-z', '--index-info'], { env, input });
    if (!result.ok) throw gitError('putting the staged state back', result.stderr);
    if (which === 'all') refuseIgnored(result.stderr);
  }
  const { there = [], absent = [] } = Object.groupBy(
    ordered.filter((update) => update.intent),
    ({ path: name }) => (isOnDisk(repo.root, name) ? 'there' : 'absent'),
  );
  await announce(repo, there, settings, env);
  await announceAbsent(repo, absent, settings, env);
}

async function announce(
  repo: Repo,
  entries: readonly IndexUpdate[],
  settings: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  if (entries.length === 0) return;
  const input = pathList(entries);
  await mustGit(
    repo,
    'putting the staged state back',
    [...settings, '--literal-pathspecs', 'add', '-N', '-f', '--pathspec-from-file=-', '--pathspec-file-nul'],
    { env, input },
  );
}

/** git announces only what it sees: files that are not there any more are shown to it in a folder of their own. */
async function announceAbsent(
  repo: Repo,
  entries: readonly IndexUpdate[],
  settings: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  if (entries.length === 0) return;
  // Named as a copy of the index is, so that it is swept away like one.
  const dir = path.join(ownDir(repo), `index-${self.pid}-${randomId()}`);
  try {
    for (const { path: name, mode } of entries) {
      mkdirSync(diskPath(dir, rawDir(name)), { recursive: true });
      if (mode === '120000') symlinkSync('.', diskPath(dir, name));
      else writeFileSync(diskPath(dir, name), '', { mode: mode === '100755' ? 0o755 : 0o644 });
    }
    const shown = ['-c', 'core.fileMode=true', '-c', 'core.symlinks=true'];
    const there = { ...env, GIT_DIR: repo.gitDir, GIT_WORK_TREE: dir };
    await announce(repo, entries, [...settings, ...shown], there);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Whether git sees a file (or link) there: one behind a link to a folder it does not. */
function isOnDisk(root: string, name: RawPath): boolean {
  const kind = (at: RawPath) => lstatSync(diskPath(root, at), { throwIfNoEntry: false });
  const parts = name.split('/');
  const above = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
  if (!above.every((folder) => kind(folder)?.isDirectory() === true)) return false;
  return kind(name)?.isDirectory() === false;
}

/** git leaves a name out that its settings forbid (core.protectNTFS, core.protectHFS), and only says so. */
function refuseIgnored(stderr: string): void {
  const name = /^Ignoring path (.*)$/m.exec(stderr)?.[1];
  if (name !== undefined)
    throw new DevenvError(
      'refused',
      `git does not commit a file of this name: ${name}`,
      'rename it; or, if no Windows and no Mac is to have it: git config core.protectNTFS false (core.protectHFS)',
    );
}

/** Tells one state of the index file from another; '' is no index. */
export function indexStamp(repo: Repo): string {
  return stampOf(path.join(repo.gitDir, 'index'));
}

function stampOf(file: string): string {
  if (!existsSync(file)) return '';
  const stat = lstatSync(file, { bigint: true });
  return `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}

/** Removes the index.lock of an update that was killed, known by being the same file as a copy of ours. */
export function releaseIndexLock(repo: Repo, copies: readonly string[]): void {
  const lock = path.join(repo.gitDir, 'index.lock');
  const held = lstatSync(lock, { throwIfNoEntry: false });
  const ours = copies.some(
    (copy) => held !== undefined && lstatSync(copy, { throwIfNoEntry: false })?.ino === held.ino,
  );
  if (ours) rmSync(lock, { force: true });
}
