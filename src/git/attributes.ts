import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { git, gitError, mustGit } from './exec.ts';
import { diskPath, type RawPath } from './names.ts';
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
    '/etc/gitattributes',
  ];
  if (files.some((file) => existsSync(file))) return true;
  const result = await git(repo, ['config', '--get-regexp', '^core\\.(autocrlf|eol|attributesfile)$']);
  return /^\S+ (?!false$)/m.test(result.stdout.toString('utf8'));
}

/** Of each filter so many files may fail before it is given up: one that waits for a network may take long each time. */
const mostFailures = 3;

/**
 * Lets git write some files of a commit into an empty folder as a checkout would: with the filters and
 * line ends that the commit's own attributes ask for. Two processes; neither the work tree nor the index is touched.
 * Returns the files that are not there because their filter fails.
 */
export async function checkOutInto(
  repo: Repo,
  input: { readonly commit: string; readonly dir: string; readonly paths: readonly RawPath[] },
): Promise<readonly RawPath[]> {
  mkdirSync(input.dir, { recursive: true });
  const env = { ...repo.env, GIT_INDEX_FILE: `${input.dir}.index` };
  await mustGit(repo, doing, [...settings, 'read-tree', input.commit], { env });
  if (await writeOut(repo, input.dir, input.paths)) return [];
  const failed: RawPath[] = [];
  for (const [driver, paths] of await byFilter(repo, env, input.paths)) {
    let left: readonly RawPath[] = paths;
    for (let n = 0; left.length > 0 && !(await writeOut(repo, input.dir, left)); n++) {
      // In order, up to the first one that fails.
      const [first, ...rest] = left.filter((file) => !isThere(input.dir, file));
      if (first === undefined || driver === '') throw gitError(doing, 'a smudge filter failed');
      failed.push(...(n + 1 < mostFailures ? [first] : [first, ...rest]));
      left = n + 1 < mostFailures ? rest : [];
    }
  }
  return failed;
}

const doing = 'reading saved files';

const settings = [
  '-c',
  'core.splitIndex=false',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.sparseCheckout=false',
];

const isThere = (dir: string, file: RawPath): boolean =>
  lstatSync(diskPath(dir, file), { throwIfNoEntry: false }) !== undefined;

const list = (paths: readonly RawPath[]): Buffer =>
  Buffer.from(paths.map((name) => `${name}\0`).join(''), 'latin1');

/** false: a filter failed, and git stopped there. */
async function writeOut(repo: Repo, dir: string, paths: readonly RawPath[]): Promise<boolean> {
  const where = [`--git-dir=${repo.gitDir}`, `--work-tree=${dir}`];
  const env = { ...repo.env, GIT_INDEX_FILE: `${dir}.index` };
  const args = [...settings, ...where, 'checkout-index', '-f', '-z', '--stdin'];
  const result = await git(repo, args, { env, input: list(paths) });
  if (result.ok) return true;
  if (/smudge filter .* failed/.test(result.stderr)) return false;
  throw gitError(doing, result.stderr);
}

// '' are the files without one.
async function byFilter(
  repo: Repo,
  env: NodeJS.ProcessEnv,
  paths: readonly RawPath[],
): Promise<ReadonlyMap<string, RawPath[]>> {
  const args = ['check-attr', '--cached', '-z', '--stdin', 'filter'];
  const out = await mustGit(repo, doing, args, { env, input: list(paths) });
  const words = out.toString('latin1').split('\0');
  const found = new Map<string, RawPath[]>();
  for (let i = 0; i + 2 < words.length; i += 3) {
    const [file = '', , value = ''] = words.slice(i, i + 3);
    const driver = value === 'unspecified' || value === 'unset' ? '' : value;
    const group = found.get(driver) ?? [];
    group.push(file);
    found.set(driver, group);
  }
  return found;
}
