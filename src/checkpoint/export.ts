import { DevenvError, showName } from '../base/index.ts';
import {
  diffCommits,
  displayPath,
  git,
  hiddenFromGit,
  mustGit,
  quotePath,
  readRef,
  startImport,
  userIdentity,
  type DiffEntry,
  type Repo,
} from '../git/index.ts';
import { compareNames } from './names.ts';
import { parseMessage } from './message.ts';
import type { Checkpoint } from './types.ts';
import { emptyTree } from './write.ts';

export interface Exported {
  readonly branch: string;
  /** The branch's commit now; null while there is none. */
  readonly commit: string | null;
  /** The branch is new. */
  readonly created: boolean;
  /** Checkpoints added now, oldest first. */
  readonly added: readonly string[];
  /** Paths that the branch has as the commits below it, because the user hid them from git. */
  readonly left: readonly string[];
}

/** What is at the branch already: nothing, or an earlier export that ends with this checkpoint. */
interface Existing {
  readonly commit: string;
  readonly tag: string;
}

/**
 * Writes checkpoints (newest first, as listed) as a branch of normal commits, one after the other, on the
 * commit that the first was made on. A branch that an earlier export made is continued with what is newer; any
 * other is left alone. Throws 'refused'.
 */
export async function exportBranch(
  repo: Repo,
  env: NodeJS.ProcessEnv,
  input: { readonly branch: string; readonly checkpoints: readonly Checkpoint[] },
): Promise<Exported> {
  const { branch } = input;
  const ref = `refs/heads/${branch}`;
  await checkName(repo, branch);
  await refuseBeside(repo, branch);
  const existing = await readExisting(repo, ref);
  if (existing) await refuseCheckedOut(repo, ref);
  const chain = planExport(input.checkpoints, existing?.tag);
  const hidden = await hiddenIn(repo, chain);
  const left = [...new Set(hidden.flat().map(({ path }) => displayPath(path)))].sort();
  const about = { branch, created: existing === undefined, added: chain.map(({ tag }) => tag), left };
  if (chain.length === 0) return { ...about, created: false, commit: existing?.commit ?? null };
  const author = await userIdentity(repo, env);
  const text = writeChain({
    ref,
    from: existing?.commit,
    chain,
    hidden,
    author,
    emptyTree: emptyTree[repo.objectFormat],
  });
  const stream = startImport(repo);
  try {
    await stream.write(`${text}get-mark :${chain.length}\n`);
    const commit = await stream.line();
    const { moved } = await stream.finish();
    // Without force git moves a branch only forwards: what somebody put on it meanwhile stays.
    if (moved || (await readRef(repo, ref)) === commit) return { ...about, commit };
    throw taken(branch, 'it was changed meanwhile');
  } catch (error) {
    await stream.abort();
    throw error;
  }
}

/** What is to be added, oldest first: all, or what is newer than the last one that was exported. Pure. */
export function planExport<T extends Pick<Checkpoint, 'tag'>>(
  checkpoints: readonly T[],
  last: string | undefined,
): readonly T[] {
  const chain = checkpoints.toReversed();
  return last === undefined ? chain : chain.filter(({ tag }) => compareNames(tag, last) > 0);
}

interface Chain {
  readonly ref: string;
  readonly from: string | undefined;
  readonly chain: readonly Checkpoint[];
  /** Of each, what is to be as in the commit that it was made on. */
  readonly hidden: readonly (readonly DiffEntry[])[];
  /** `Name <mail>`. */
  readonly author: string;
  readonly emptyTree: string;
}

/** The commands of one fast-import, as bytes. The committer says that devenv made it. Pure. */
export function writeChain({ ref, from, chain, hidden, author, emptyTree: empty }: Chain): string {
  const commits = chain.map((checkpoint, i) => {
    const seconds = Math.floor(Date.parse(checkpoint.at) / 1000);
    const message = bytes(exportMessage(checkpoint));
    const start = from ?? chain[0]?.head ?? undefined;
    const parent = i > 0 ? `from :${i}\n` : start === undefined ? '' : `from ${start}\n`;
    const root = checkpoint.tree === empty ? 'deleteall\n' : `M 040000 ${checkpoint.tree} ""\n`;
    return `commit ${bytes(ref)}\nmark :${i + 1}\nauthor ${bytes(author)} ${seconds} +0000\ncommitter ${committer} ${seconds} +0000\ndata ${message.length}\n${message}\n${parent}${root}${asBefore(hidden[i] ?? [])}\n`;
  });
  return commits.join('');
}

/** Edits of files that the user hid from git, by checkpoint. */
async function hiddenIn(
  repo: Repo,
  chain: readonly Checkpoint[],
): Promise<readonly (readonly DiffEntry[])[]> {
  const isHidden = await hiddenFromGit(repo);
  const pairs = chain.map(({ head, commit, tree }) =>
    head === null
      ? { from: emptyTree[repo.objectFormat], to: tree, trees: true }
      : { from: head, to: commit },
  );
  const changes = pairs.length === 0 ? [] : await diffCommits(repo, pairs);
  return changes.map((entries) => entries.filter(({ path }) => isHidden(path)));
}

// Taken out first: a folder may stand where a file was.
function asBefore(entries: readonly DiffEntry[]): string {
  const isNew = ({ oldMode }: DiffEntry): boolean => oldMode === '000000';
  const out = entries.filter(isNew).map(({ path }) => `D ${quotePath(path)}\n`);
  const back = entries.filter((entry) => !isNew(entry));
  return [
    ...out,
    ...back.map(({ path, oldMode, oldOid }) => `M ${oldMode} ${oldOid} ${quotePath(path)}\n`),
  ].join('');
}

const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const committer = 'devenv <devenv@localhost>';

/** A message for people, then what the checkpoint was. */
function exportMessage({ tag, message, verdict, suites, branch }: Checkpoint): string {
  const words = message.trim().replaceAll(/^Devenv-/gm, ' Devenv-') || `${tag} (${verdict})`;
  const rows = [
    `Devenv-Checkpoint: ${tag}`,
    `Devenv-Verdict: ${verdict}`,
    ...(branch === null ? [] : [`Devenv-Branch: ${branch}`]),
    ...(suites.length === 0 ? [] : [`Devenv-Suites: ${suites.join(', ')}`]),
  ];
  return `${words}\n\n${rows.join('\n')}\n`;
}

async function checkName(repo: Repo, branch: string): Promise<void> {
  // Another name out is a branch that was meant by a short form (`@{-1}`): not the one that would be written.
  const named = ['HEAD', '@'].includes(branch)
    ? undefined
    : await git(repo, ['check-ref-format', '--branch', branch]);
  if (named?.ok === true && named.stdout.toString('utf8') === `${branch}\n`) return;
  throw new DevenvError(
    'usage',
    `not a name of a branch: ${showName(branch)}`,
    'for example --export checkpoints',
  );
}

// git keeps no branch inside of another one.
async function refuseBeside(repo: Repo, branch: string): Promise<void> {
  const parts = branch.split('/');
  const above = parts.slice(1).map((_, i) => `refs/heads/${parts.slice(0, i + 1).join('/')}`);
  const format = '--format=%(refname)';
  const out = await mustGit(repo, 'reading the branches', [
    'for-each-ref',
    format,
    `refs/heads/${branch}/`,
    ...above,
  ]);
  const names = out.toString('utf8').split('\n');
  const other = names.find((name) => above.includes(name) || name.startsWith(`refs/heads/${branch}/`));
  if (other === undefined) return;
  throw new DevenvError(
    'refused',
    `there is a branch ${other.slice('refs/heads/'.length)}: git can have none called ${branch} beside it`,
    'name another one',
  );
}

// Only an export has devenv as committer; whoever amends or adds a commit becomes the committer.
async function readExisting(repo: Repo, ref: string): Promise<Existing | undefined> {
  const commit = await readRef(repo, ref);
  if (commit === undefined) return undefined;
  const out = await mustGit(repo, 'reading the branch', [
    'log',
    '-1',
    '--no-show-signature',
    '--format=%cn <%ce>%x00%B',
    commit,
    '--',
  ]);
  const [who, text = ''] = out.toString('utf8').split('\0');
  const tag = parseMessage(text).fields.get('Checkpoint');
  if (who === committer && tag !== undefined) return { commit, tag };
  throw taken(ref.slice('refs/heads/'.length), 'it was not made by --export, or has commits of others since');
}

function taken(branch: string, why: string): DevenvError {
  return new DevenvError(
    'refused',
    `there is a branch ${branch} already: ${why}`,
    'name another one, or remove that one (git branch -D)',
  );
}

async function refuseCheckedOut(repo: Repo, ref: string): Promise<void> {
  const out = await mustGit(repo, 'looking at the work trees', ['worktree', 'list', '--porcelain']);
  const blocks = out.toString('utf8').split('\n\n');
  const holder = blocks.find((block) => block.split('\n').includes(`branch ${ref}`));
  if (holder === undefined) return;
  const where = /^worktree (.*)$/m.exec(holder)?.[1] ?? '';
  throw new DevenvError(
    'refused',
    `${ref.slice('refs/heads/'.length)} is checked out in ${where}`,
    'switch to another branch there first',
  );
}
