import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { findHome, plural, run } from '../../base/index.ts';
import { openRepo, type Repo } from '../../git/index.ts';
import { needsRecovery } from '../../rollback/index.ts';
import { fine, fromError, problem, type Check, type Examined, type Finding } from './check.ts';

/** The git repository: there, trusted, sane, and nothing half done in it. */
export const repository: Check = async (examined) => {
  let repo: Repo;
  try {
    repo = await openRepo({ cwd: examined.root, env: examined.ctx.env });
  } catch (error) {
    // Sessions and tests work without one.
    return fromError('warning', 'repository', error);
  }
  const looks = await Promise.all([trusted(repo, examined), place(repo, examined)]);
  return [...looks.flat(), writable(repo), journal(repo)];
};

async function trusted(repo: Repo, { ctx }: Examined): Promise<Finding> {
  const head = await run(['git', 'rev-parse', '--verify', '--quiet', 'HEAD'], {
    cwd: repo.root,
    env: ctx.env,
  });
  if (/dubious ownership/.test(head.stderr))
    return problem('error', 'repository', {
      message: `git does not trust ${repo.root}: it belongs to another user`,
      remedy: `git config --global --add safe.directory ${repo.root}`,
    });
  if (head.ok) return fine('repository', repo.root);
  if (head.reason === undefined && head.stderr.trim() === '')
    return fine('repository', `${repo.root}, without a commit yet`);
  return problem('error', 'repository', {
    message: `git cannot read HEAD of ${repo.root}: ${head.stderr.trim() || 'git did not run'}`,
    remedy: 'git fsck tells more',
  });
}

async function place(repo: Repo, { ctx }: Examined): Promise<readonly Finding[]> {
  const home = findHome(ctx.env);
  const tooBig = repo.root === '/' || (home !== undefined && repo.root === real(home));
  if (!tooBig) return [];
  return [
    problem('warning', 'repository place', {
      message: `the repository is ${repo.root === '/' ? 'the whole machine' : 'your home directory'}: a checkpoint would take in all of it`,
      remedy: 'work in a repository of the project alone: cd to its folder, git init',
    }),
  ];
}

/** Checkpoints are written into the git directory; also a linked work tree writes into the common one. */
function writable(repo: Repo): Finding {
  const dirs = ['', 'objects', 'objects/pack', 'refs', 'refs/tags', 'refs/devenv', 'devenv'].map((name) =>
    path.join(repo.commonDir, name),
  );
  const locked = [...new Set([repo.gitDir, ...dirs])].filter((dir) => isFolder(dir) && !mayWrite(dir));
  const [first, ...more] = locked;
  if (first === undefined) return fine('git directory', `${repo.gitDir} can be written`);
  return problem('error', 'git directory', {
    message: `${first}${more.length > 0 ? ` and ${plural(more.length, 'more folder')}` : ''} cannot be written: no checkpoint can be made, and none put back`,
    remedy: `make it writable for you: chmod -R u+w ${repo.commonDir} (or chown it, when it is another user's)`,
  });
}

const isFolder = (dir: string): boolean => statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;

function mayWrite(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function real(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return dir; // a home that is not there cannot be the repository
  }
}

function journal(repo: Repo): Finding {
  if (!needsRecovery(repo)) return fine('rollback', 'no rollback was left half done');
  return problem('error', 'rollback', {
    message: 'a rollback is under way, or was killed half way; what was there is saved',
    remedy: 'devenv undo or devenv rollback finishes it first',
  });
}
