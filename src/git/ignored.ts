import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { randomId, self } from '../base/index.ts';
import { git, gitError } from './exec.ts';
import { ownDir } from './own-dir.ts';
import { writeFilesInto } from './lay-over.ts';
import type { RawPath } from './names.ts';
import { listTree } from './objects.ts';
import type { Repo } from './repo.ts';

/** Whether the file sets rules of what git ignores. */
export const isIgnoreFile = (name: RawPath): boolean => /(^|\/)\.gitignore$/.test(name);

/**
 * Which of some paths git would ignore in the work tree of a commit: by the `.gitignore` files that are in it, and by
 * the other rules of this clone and user as they are now. The work tree is not looked at. Three processes.
 */
export async function ignoredIn(
  repo: Repo,
  commit: string,
  paths: readonly RawPath[],
): Promise<ReadonlySet<RawPath>> {
  const tree = await listTree(repo, commit);
  // A link of that name is no set of rules for git either.
  const rules = tree.filter(({ path: name, mode }) => mode.startsWith('100') && isIgnoreFile(name));
  const dir = path.join(ownDir(repo), `stage-${self.pid}-${randomId()}`);
  mkdirSync(dir, { mode: 0o700 });
  try {
    await writeFilesInto(repo, dir, rules);
    const where = [`--git-dir=${repo.gitDir}`, `--work-tree=${dir}`];
    return await checkIgnore(repo, where, paths);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Which of some paths the rules in the work tree ignore, also those that the index has all the same. */
export function ignoredHere(repo: Repo, paths: readonly RawPath[]): Promise<ReadonlySet<RawPath>> {
  return checkIgnore(repo, [], paths);
}

async function checkIgnore(
  repo: Repo,
  where: readonly string[],
  paths: readonly RawPath[],
): Promise<ReadonlySet<RawPath>> {
  if (paths.length === 0) return new Set();
  // A colon at the beginning would be magic, and this command knows no other way to say that it is not.
  const input = Buffer.from(paths.map((one) => `./${one}\0`).join(''), 'latin1');
  // Without the index: with it, a path in what is a submodule by now would end the command.
  const result = await git(repo, [...where, 'check-ignore', '--no-index', '-z', '--stdin'], { input });
  // 1: it ignores none of them.
  if (result.code !== 0 && result.code !== 1) throw gitError('asking what git ignores', result.stderr);
  const named = result.stdout.toString('latin1').split('\0').filter(Boolean);
  return new Set(named.map((one) => one.slice(2)));
}
