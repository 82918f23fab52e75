import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { randomId, run, self } from '../base/index.ts';
import { mayConvert } from './attributes.ts';
import { userEnv } from './env.ts';
import { mustGit } from './exec.ts';
import { copyIndex } from './index-file.ts';
import type { IndexUpdate } from './index-types.ts';
import { flaggedEntries } from './hidden.ts';
import { ownDir } from './own-dir.ts';
import { diskPath, rawDir, type RawPath } from './names.ts';
import { parseDiffs, readBlobs } from './objects.ts';
import type { Repo } from './repo.ts';

/** What has to change in the user's index so that it holds this tree. */
export async function indexUpdatesTo(repo: Repo, tree: string): Promise<IndexUpdate[]> {
  const flags = ['--cached', '-z', '--raw', '--no-renames', '--no-abbrev', '--ignore-submodules=none'];
  const out = await mustGit(repo, 'comparing with the staged state', ['diff-index', ...flags, tree]);
  // One group, as if a header stood before it.
  const [entries = []] = parseDiffs(`index\0${out.toString('latin1')}`);
  return entries.map(({ path: name, oldMode, oldOid }) => ({ path: name, mode: oldMode, oid: oldOid }));
}

export interface CommitInput {
  /** The tree to commit, as bytes of the disk: what git converts (line ends, LFS) is converted now. */
  readonly tree: string;
  readonly message: string;
  /** false: `--no-verify`. */
  readonly verify: boolean;
  /** A tree or commit that the paths which the user hid from git are taken from. */
  readonly base: string;
  readonly isHidden: IsHidden;
}

/** Whether the user hid a path from git; one that is in the way of a hidden one counts as that one. */
export type IsHidden = (path: RawPath) => boolean;

/** Tells the paths whose edits are the user's alone: skip-worktree and assume-unchanged. */
export async function hiddenFromGit(repo: Repo): Promise<IsHidden> {
  const hidden = new Set((await flaggedEntries(repo)).map((entry) => entry.path));
  const folders = new Set([...hidden].flatMap(foldersOf));
  return (name) =>
    hidden.has(name) ||
    folders.has(name) ||
    (hidden.size > 0 && foldersOf(name).some((at) => hidden.has(at)));
}

function foldersOf(name: RawPath): RawPath[] {
  const found: RawPath[] = [];
  for (let dir = rawDir(name); dir !== ''; dir = rawDir(dir)) found.push(dir);
  return found;
}

/**
 * Commits a tree on HEAD as `git commit` does, with the user's identity, hooks and signature, from an index
 * of its own: neither the work tree nor the user's index is touched. Hidden paths are committed as `base` has them.
 * Returns what git and the hooks said.
 */
export async function commitAsUser(
  repo: Repo,
  env: NodeJS.ProcessEnv,
  input: CommitInput,
): Promise<{ readonly ok: boolean; readonly output: string }> {
  const { isHidden } = input;
  const [wanted, kept] = [await indexUpdatesTo(repo, input.tree), await indexUpdatesTo(repo, input.base)];
  const index = await prepareIndex(repo, {
    updates: wanted.filter(({ path: name }) => !isHidden(name)),
    asTheyAre: kept.filter(({ path: name }) => isHidden(name)),
  });
  try {
    const settings = ['-c', 'gc.auto=0', '-c', 'maintenance.auto=false'];
    const verify = input.verify ? [] : ['--no-verify'];
    const argv = ['git', ...settings, 'commit', ...verify, `--message=${input.message}`];
    const result = await run(argv, { cwd: repo.root, env: { ...userEnv(env), GIT_INDEX_FILE: index } });
    return { ok: result.ok, output: `${result.stdout}${result.stderr}`.trim() };
  } finally {
    rmSync(index, { force: true });
  }
}

/** An index with these updates; the bytes of files go through what `git add` would do to them, where that is anything. */
async function prepareIndex(
  repo: Repo,
  {
    updates,
    asTheyAre,
  }: { readonly updates: readonly IndexUpdate[]; readonly asTheyAre: readonly IndexUpdate[] },
): Promise<string> {
  const files = updates.filter(({ mode }) => mode.startsWith('100'));
  if (files.length === 0 || !(await mayConvert(repo))) return copyIndex(repo, [...updates, ...asTheyAre]);
  // Of the files only attributes are in it already: what else is there decides whether git converts line ends.
  const first = updates.filter((update) => !files.includes(update) || isAttributes(update.path));
  const index = await copyIndex(repo, [...first, ...asTheyAre]);
  const dir = path.join(ownDir(repo), `clean-${self.pid}-${randomId()}`);
  try {
    await writeOut(repo, dir, files);
    const where = ['-C', dir, `--git-dir=${repo.gitDir}`, `--work-tree=${dir}`];
    const settings = [
      'core.safecrlf=false',
      'core.fileMode=true',
      'core.symlinks=true',
      'core.fsmonitor=false',
    ];
    const config = settings.flatMap((setting) => ['-c', setting]);
    await inIndex(repo, index, files, [...where, ...config, 'update-index', '--add', '--replace']);
    return index;
  } catch (error) {
    rmSync(index, { force: true });
    throw error;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const isAttributes = (name: RawPath): boolean => /(^|\/)\.gitattributes$/.test(name);

async function writeOut(repo: Repo, dir: string, files: readonly IndexUpdate[]): Promise<void> {
  mkdirSync(dir);
  await readBlobs(
    repo,
    files.map(({ oid }) => oid),
    (content, i) => {
      const { path: name = '', mode = '' } = files[i] ?? {};
      mkdirSync(diskPath(dir, rawDir(name)), { recursive: true });
      writeFileSync(diskPath(dir, name), content, { mode: mode === '100755' ? 0o755 : 0o644 });
    },
  );
}

async function inIndex(
  repo: Repo,
  index: string,
  files: readonly { readonly path: RawPath }[],
  args: readonly string[],
): Promise<void> {
  await mustGit(repo, 'preparing a commit', [...args, '-z', '--stdin'], {
    env: { ...repo.env, GIT_INDEX_FILE: index },
    input: Buffer.from(files.map(({ path: name }) => `${name}\0`).join(''), 'latin1'),
  });
}
