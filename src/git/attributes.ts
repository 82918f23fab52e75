import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { git, mustGit } from './exec.ts';
import type { RawPath } from './names.ts';
import type { Repo } from './repo.ts';

/** Whether git may write a file otherwise than its blob says (line ends, LFS, ident): only then is it worth asking git to write. */
export async function mayConvert(repo: Repo): Promise<boolean> {
  const index = path.join(repo.gitDir, 'index');
  if (existsSync(index) && readFileSync(index).includes('attributes')) return true;
  const xdg = repo.env['XDG_CONFIG_HOME'] || path.join(repo.env['HOME'] ?? '/', '.config');
  const files = [
    path.join(repo.root, '.gitattributes'),
    path.join(repo.commonDir, 'info/attributes'),
    path.join(xdg, 'git/attributes'),
  ];
  if (files.some((file) => existsSync(file))) return true;
  const result = await git(repo, ['config', '--get-regexp', '^core\\.(autocrlf|eol|attributesfile)$']);
  return /^\S+ (?!false$)/m.test(result.stdout.toString('utf8'));
}

/**
 * Lets git write some files of a commit into an empty folder as a checkout would: with the filters and
 * line ends that the commit's own attributes ask for. Two processes; neither the work tree nor the index is touched.
 */
export async function checkOutInto(
  repo: Repo,
  input: { readonly commit: string; readonly dir: string; readonly paths: readonly RawPath[] },
): Promise<void> {
  mkdirSync(input.dir, { recursive: true });
  const env = { ...repo.env, GIT_INDEX_FILE: `${input.dir}.index` };
  const settings = [
    '-c',
    'core.splitIndex=false',
    '-c',
    'core.fsmonitor=false',
    '-c',
    'core.sparseCheckout=false',
  ];
  await mustGit(repo, 'reading saved files', [...settings, 'read-tree', input.commit], { env });
  await mustGit(
    repo,
    'reading saved files',
    [
      ...settings,
      `--git-dir=${repo.gitDir}`,
      `--work-tree=${input.dir}`,
      'checkout-index',
      '-f',
      '-z',
      '--stdin',
    ],
    {
      env,
      input: Buffer.from(input.paths.map((name) => `${name}\0`).join(''), 'latin1'),
    },
  );
}
