import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, run, shellQuote } from '../base/index.ts';
import type { RunResult } from '../base/index.ts';
import { gitEnv, missingGit } from './env.ts';

/** A git work tree: plain data, read once. */
export interface Repo {
  /** The top of the work tree (real path). */
  readonly root: string;
  /** This work tree's own git directory (index, HEAD); in a linked work tree it differs from `commonDir`. */
  readonly gitDir: string;
  /** Where objects and branches are. */
  readonly commonDir: string;
  readonly objectFormat: 'sha1' | 'sha256';
  /** How refs are kept; loose files can be read without a process. */
  readonly refFormat: 'files' | 'reftable';
  /** The environment for git: nothing inherited can move it to another repository or language. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Finds the repository around `cwd`, without a process in the usual case.
 * Throws 'no-git' without git, 'no-repo' outside of a work tree.
 */
export async function openRepo(input: {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}): Promise<Repo> {
  const env = gitEnv(input.env);
  return walkUp(input.cwd, env) ?? (await askGit(input.cwd, env));
}

function walkUp(cwd: string, env: NodeJS.ProcessEnv): Repo | undefined {
  let dir: string | undefined = realDir(cwd);
  while (dir !== undefined) {
    const dotGit = path.join(dir, '.git');
    if (existsSync(dotGit)) return readRepo(dir, dotGit, env);
    // A bare repository, or the inside of a `.git`: git itself says what that is.
    if (existsSync(path.join(dir, 'HEAD')) && existsSync(path.join(dir, 'objects'))) return undefined;
    const up = path.dirname(dir);
    dir = up === dir ? undefined : up;
  }
  return undefined;
}

function realDir(cwd: string): string {
  try {
    return realpathSync(cwd);
  } catch (error) {
    throw new DevenvError('no-repo', `no such folder: ${cwd}`, undefined, error);
  }
}

function readRepo(root: string, dotGit: string, env: NodeJS.ProcessEnv): Repo | undefined {
  const gitDir = statSync(dotGit).isDirectory() ? dotGit : linkedDir(root, dotGit);
  if (gitDir === undefined || !existsSync(path.join(gitDir, 'HEAD'))) return undefined;
  const commonDir = readCommonDir(gitDir);
  const config = readText(path.join(commonDir, 'config'));
  // Settings that move the work tree: only git knows all their rules.
  if (config === undefined || /^\s*(worktree|bare\s*=\s*true|worktreeconfig\s*=\s*true)\b/im.test(config))
    return undefined;
  return { root, gitDir, commonDir, ...readFormats(config), env };
}

function linkedDir(root: string, file: string): string | undefined {
  const target = /^gitdir: (.+?)\n*$/s.exec(readText(file) ?? '')?.[1];
  return target === undefined ? undefined : path.resolve(root, target);
}

function readCommonDir(gitDir: string): string {
  const text = readText(path.join(gitDir, 'commondir'));
  return text === undefined ? gitDir : path.resolve(gitDir, text.replace(/\n$/, ''));
}

function readFormats(config: string): Pick<Repo, 'objectFormat' | 'refFormat'> {
  return {
    objectFormat: /^\s*objectformat\s*=\s*sha256/im.test(config) ? 'sha256' : 'sha1',
    refFormat: /^\s*refstorage\s*=\s*reftable/im.test(config) ? 'reftable' : 'files',
  };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // absent: the caller knows what that means
  }
}

async function askGit(cwd: string, env: NodeJS.ProcessEnv): Promise<Repo> {
  const result = await run(
    [
      'git',
      'rev-parse',
      '--is-inside-work-tree',
      '--show-toplevel',
      '--absolute-git-dir',
      '--git-common-dir',
    ],
    { cwd, env },
  );
  if (!result.ok) throw repoError(cwd, result);
  const [inside, root = '', gitDir = '', common = ''] = result.stdout.trimEnd().split('\n');
  if (inside !== 'true') throw repoError(cwd, result);
  const commonDir = path.resolve(cwd, common);
  return { root, gitDir, commonDir, ...readFormats(readText(path.join(commonDir, 'config')) ?? ''), env };
}

function repoError(cwd: string, result: RunResult): DevenvError {
  if (result.reason === 'missing') return missingGit();
  const why = result.stderr.trim().replace(/^fatal: /, '');
  if (/must be run in a work tree/.test(why) && cwd.split(path.sep).includes('.git'))
    return new DevenvError(
      'no-repo',
      `${cwd} is inside of a .git folder: there are no files to save`,
      'run devenv in the work tree beside it',
    );
  if (/must be run in a work tree/.test(why))
    return new DevenvError(
      'no-repo',
      `${cwd} is in a bare repository: there are no files to save`,
      'run devenv in a work tree (git worktree add DIR)',
    );
  if (/dubious ownership/.test(why))
    return new DevenvError(
      'no-repo',
      `git does not trust the repository at ${cwd}: it belongs to another user`,
      `git config --global --add safe.directory ${cwd}`,
    );
  const gone = /^not a git repository: (.+)/.exec(why)?.[1];
  if (gone !== undefined) return lostDir(cwd, gone);
  const plain = /not a git repository/.test(why) || why === '';
  return new DevenvError(
    'no-repo',
    plain ? `${cwd} is not in a git repository` : `git cannot use the repository at ${cwd}: ${why}`,
    'make one with: git init',
  );
}

/** A `.git` file that points nowhere: its work tree, or what it belongs to, was moved or removed. */
function lostDir(cwd: string, gone: string): DevenvError {
  let dir = cwd;
  while (!existsSync(path.join(dir, '.git')) && dir !== path.dirname(dir)) dir = path.dirname(dir);
  return new DevenvError(
    'no-repo',
    `${path.join(dir, '.git')} names a folder that is not there: ${path.resolve(gone)}`,
    /\/worktrees\/[^/]+$/.test(gone)
      ? `in the repository that it belongs to: git worktree repair ${shellQuote(dir)}`
      : 'move back what was moved, or correct the path in that file',
  );
}
