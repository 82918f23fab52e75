import { realpathSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, run, shellQuote } from '../../base/index.ts';
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
  const looks = await Promise.all([
    trusted(repo, examined),
    place(repo, examined),
    refs(repo),
    pushes(repo, examined),
  ]);
  return [...looks.flat(), journal(repo)];
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
  const home = ctx.env['HOME'];
  const tooBig = repo.root === '/' || (home !== undefined && home !== '' && repo.root === real(home));
  if (!tooBig) return [];
  return [
    problem('warning', 'repository place', {
      message: `the repository is ${repo.root === '/' ? 'the whole machine' : 'your home directory'}: a checkpoint would take in all of it`,
      remedy: 'work in a repository of the project alone: cd to its folder, git init',
    }),
  ];
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

/** Names of checkpoints that lead nowhere: after a power cut they would make git fetch and gc fail. */
async function refs(repo: Repo): Promise<Finding> {
  const list = await run(
    ['git', 'for-each-ref', '--format=%(objectname) %(refname)', 'refs/devenv', 'refs/tags/checkpoint-*'],
    { cwd: repo.root, env: repo.env },
  );
  const broken = [...list.stderr.matchAll(/ignoring broken ref (\S+)/g)].map((match) => match[1] ?? '');
  const names = list.stdout.split('\n').filter(Boolean);
  const objects = await run(['git', 'cat-file', '--batch-check=%(objecttype) %(rest)'], {
    cwd: repo.root,
    env: { ...repo.env, GIT_NO_LAZY_FETCH: '1' },
    input: names.map((line) => `${line}\n`).join(''),
  });
  const missing = new Set(
    [...objects.stdout.matchAll(/^([0-9a-f]{40,}) missing$/gm)].map((match) => match[1] ?? ''),
  );
  const dangling = names
    .filter((line) => missing.has(line.split(' ')[0] ?? ''))
    .map((line) => line.split(' ')[1] ?? '');
  // Git does not delete a ref that it cannot read: its file has to go.
  const forget = [
    ...broken.map((ref) => `rm ${shellQuote(path.join(repo.commonDir, ref))}`),
    ...dangling.map((ref) => `git update-ref --no-deref -d ${ref}`),
  ];
  const all = [...broken, ...dangling];
  if (all.length === 0)
    return fine('checkpoints', names.length === 0 ? 'none yet' : 'every checkpoint can be read');
  const more = all.length > 3 ? ` and ${all.length - 3} more` : '';
  return problem('error', 'checkpoints', {
    message: `cannot be read any more: ${all.slice(0, 3).join(', ')}${more}; git fetch and git gc may fail`,
    remedy: `forget ${all.length > 1 ? 'them' : 'it'}, in ${repo.root}: ${forget.slice(0, 3).join('; ')}`,
  });
}

/** Checkpoints are for this machine; a push of all tags would publish their tags. */
async function pushes(repo: Repo, { project }: Examined): Promise<Finding> {
  if (!(project instanceof DevenvError) && project.config.checkpoint.tags === 'none')
    return fine('pushes', 'checkpoints have no tags, so none are pushed');
  const config = await run(['git', 'config', '--get-regexp', '^remote\\..*\\.(push|mirror)$'], {
    cwd: repo.root,
    env: repo.env,
  });
  const leak = config.stdout.split('\n').find((line) => /refs\/tags|refs\/\*|\.mirror true/.test(line));
  if (leak)
    return problem('warning', 'pushes', {
      message: `git push publishes the checkpoints' tags (${leak})`,
      remedy: 'set checkpoint.tags: none in devenv.yaml, or take tags out of that setting',
    });
  return fine('pushes', 'git push leaves checkpoint-* tags here; git push --tags would publish them');
}
