import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, showName } from '../base/index.ts';
import { git, gitError, mustGit } from './exec.ts';
import { currentBranch, readRef } from './refs.ts';
import type { Repo } from './repo.ts';

/** Another work tree that works on a branch. */
interface Elsewhere {
  readonly branch: string;
  /** Its folder. */
  readonly at: string;
}

/**
 * The first of some branches that another work tree has checked out, or rebases or bisects just now; undefined
 * when there is none. One process.
 */
export async function checkedOutElsewhere(
  repo: Repo,
  branches: readonly string[],
): Promise<Elsewhere | undefined> {
  const out = await mustGit(repo, 'looking for other work trees', ['worktree', 'list', '--porcelain', '-z']);
  for (const block of out.toString('utf8').split('\0\0')) {
    const fields = new Map(block.split('\0').map((line) => splitAtSpace(line)));
    const at = fields.get('worktree') ?? '';
    if (at === '' || path.resolve(at) === repo.root || fields.has('bare')) continue;
    const held = [fields.get('branch'), ...inTheMiddle(repo, at)];
    const branch = branches.find((one) => held.includes(`refs/heads/${one}`));
    if (branch !== undefined) return { branch, at };
  }
  return undefined;
}

function splitAtSpace(line: string): [string, string] {
  const space = line.indexOf(' ');
  return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
}

// While a branch is rebased or bisected, HEAD does not name it; these files do.
function inTheMiddle(repo: Repo, at: string): string[] {
  const pointer = readText(path.join(at, '.git'));
  const gitDir = pointer === undefined ? repo.commonDir : path.resolve(at, pointer.replace(/^gitdir: /, ''));
  const rebased = ['rebase-merge/head-name', 'rebase-apply/head-name'].map((file) =>
    readText(path.join(gitDir, file)),
  );
  const bisected = readText(path.join(gitDir, 'BISECT_START'));
  return [...rebased, bisected === undefined ? undefined : `refs/heads/${bisected}`].filter(
    (ref) => ref !== undefined,
  );
}

function readText(file: string): string | undefined {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  } catch {
    return undefined; // a folder (the main work tree's `.git`)
  }
}

/** Commits that leave a branch though a remote has them already. */
export interface Pushed {
  readonly count: number;
  /** The remote-tracking branches that hold them. */
  readonly remotes: readonly string[];
}

/** Commits of `from` that `to` (null: nothing) lacks, newest first, as `1a2b3c4 Subject`. */
export async function leavingCommits(repo: Repo, from: string, to: string | null): Promise<string[]> {
  const format = ['--no-show-signature', '--no-color', '-z', '--format=%h %s'];
  const out = await mustGit(repo, 'reading commits', ['log', ...format, ...lacking(from, to), '--']);
  return out
    .toString('utf8')
    .split('\0')
    .filter(Boolean)
    .map((line) => splitAtSpace(line))
    .map(([id, subject]) => `${id} ${showName(subject)}`);
}

const lacking = (from: string, to: string | null): string[] => (to === null ? [from] : [from, `^${to}`]);

/** How many commits one has that another (null: nothing) lacks. */
export async function countCommits(repo: Repo, from: string, to: string | null): Promise<number> {
  const out = await mustGit(repo, 'counting commits', ['rev-list', '--count', ...lacking(from, to), '--']);
  return Number(out.toString('latin1'));
}

/** Which commits of `from` that `to` (null: nothing) lacks were pushed; undefined when none was. */
export async function pushedCommits(
  repo: Repo,
  from: string,
  to: string | null,
): Promise<Pushed | undefined> {
  const going = ['rev-list', ...lacking(from, to)];
  const [all, unknown] = await Promise.all([
    mustGit(repo, 'reading commits', going),
    mustGit(repo, 'reading commits', [...going, '--not', '--remotes']),
  ]);
  const lines = (out: Buffer): string[] => out.toString('latin1').split('\n').filter(Boolean);
  const local = new Set(lines(unknown));
  const pushed = lines(all).filter((commit) => !local.has(commit));
  const oldest = pushed.at(-1);
  if (oldest === undefined) return undefined;
  const out = await mustGit(repo, 'reading branches of remotes', [
    'for-each-ref',
    '--format=%(refname:short)%00%(symref)',
    `--contains=${oldest}`,
    'refs/remotes/',
  ]);
  const remotes = out
    .toString('utf8')
    .split('\n')
    .flatMap((line) => (line.endsWith('\0') ? [line.slice(0, -1)] : []));
  return { count: pushed.length, remotes };
}

/** The refs whose names leave no room for another one: git has no `feat` beside `feat/x`. */
export async function refsInTheWay(repo: Repo, ref: string): Promise<readonly string[]> {
  const [base = '', kind = ''] = ref.split('/');
  const out = await mustGit(repo, 'reading the branches', [
    'for-each-ref',
    '--format=%(refname)',
    `${base}/${kind}`,
  ]);
  const isIn = (one: string, other: string): boolean => one.startsWith(`${other}/`);
  const refs = out.toString('utf8').split('\n').filter(Boolean);
  return refs.filter((one) => isIn(one, ref) || isIn(ref, one));
}

/** What HEAD names: a branch as `refs/heads/...`, or a commit when it is detached. */
export async function headName(repo: Repo): Promise<string | undefined> {
  const branch = await currentBranch(repo);
  return branch === null ? readRef(repo, 'HEAD') : `refs/heads/${branch}`;
}

/** Lets HEAD name something else, with a line in its reflog as git writes one; done already is fine. */
export async function pointHead(
  repo: Repo,
  move: { readonly from: string; readonly to: string; readonly log: string },
): Promise<void> {
  const now = await headName(repo);
  if (now === move.to) return;
  if (now !== move.from) throw new DevenvError('refused', 'HEAD moved meanwhile', 'try again');
  const args = move.to.startsWith('refs/')
    ? ['symbolic-ref', '-m', move.log, 'HEAD', move.to]
    : ['update-ref', '--no-deref', '-m', move.log, 'HEAD', move.to];
  const result = await git(repo, args, { reflog: true });
  if (!result.ok) throw gitError('moving HEAD', result.stderr);
}
