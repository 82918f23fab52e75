import { messageOf, runOnTerminal } from '../base/index.ts';
import { gitArgv, gitError, mustGit } from './exec.ts';
import { userEnv } from './env.ts';
import type { RawPath } from './names.ts';
import type { Repo } from './repo.ts';

/** Two commits to compare, and what of them. */
export interface DiffInput {
  readonly from: string;
  readonly to: string;
  readonly shows: 'patch' | 'stat' | 'names';
  readonly color: boolean;
  /** Paths as git takes them, seen from `dir`; all for none. */
  readonly paths?: readonly string[];
  readonly dir?: string;
}

// A terminal's own width is known to git; elsewhere names should not be cut at 80.
function diffArgs({ from, to, shows, paths = [] }: DiffInput, stat = '--stat=100'): string[] {
  const how = { patch: [], stat: [stat], names: ['--name-only'] }[shows];
  return [...how, from, to, '--', ...paths];
}

/** The difference of two commits as a text: a patch, how much changed in which file, or the names. */
export async function showDiff(repo: Repo, input: DiffInput): Promise<string> {
  // simple-git refuses an environment that names programs to run; a diff needs none of them.
  const plain = Object.fromEntries(
    Object.entries(repo.env).filter(([name]) => !/^(GIT_|SSH_|EDITOR$|VISUAL$|PAGER$|PREFIX$)/.test(name)),
  );
  const { simpleGit } = await import('simple-git');
  const color = `--color=${input.color ? 'always' : 'never'}`;
  try {
    return await simpleGit({ baseDir: input.dir ?? repo.root })
      .env(plain)
      .raw(['diff', color, '--no-ext-diff', ...diffArgs(input)]);
  } catch (error) {
    throw gitError('comparing trees', messageOf(error));
  }
}

/**
 * The same on the user's terminal, as `git diff` itself shows it: with the user's pager, colours and external
 * diff. `tool` opens the user's difftool instead. Returns git's exit status.
 */
export async function diffOnTerminal(
  repo: Repo,
  env: NodeJS.ProcessEnv,
  input: DiffInput & { readonly tool: boolean },
): Promise<number> {
  const color = input.tool || input.color ? [] : ['--color=never'];
  const command = input.tool ? ['difftool', '--no-prompt'] : ['diff', ...color];
  const argv = gitArgv(repo, [...command, ...diffArgs(input, '--stat')]);
  return runOnTerminal(argv, { cwd: input.dir ?? repo.root, env: userEnv(env) });
}

/** How much of one file differs; null where it is not text. */
export interface LineCount {
  readonly added: number | null;
  readonly removed: number | null;
  readonly change: 'added' | 'deleted' | 'changed';
}

/** What differs between two commits, by path, with lines added and removed. One process. */
export async function countLines(
  repo: Repo,
  input: Pick<DiffInput, 'from' | 'to' | 'paths' | 'dir'>,
): Promise<ReadonlyMap<RawPath, LineCount>> {
  const flags = ['-r', '-z', '--raw', '--numstat', '--no-renames', '--ignore-submodules=none'];
  const out = await mustGit(repo, 'comparing trees', [
    '-C',
    input.dir ?? repo.root,
    'diff-tree',
    ...flags,
    input.from,
    input.to,
    '--',
    ...(input.paths ?? []),
  ]);
  return parseLineCounts(out.toString('latin1'));
}

/** Parses `diff-tree -z --raw --numstat`: first the raw records of all files, then their counts. */
export function parseLineCounts(text: string): ReadonlyMap<RawPath, LineCount> {
  const found = new Map<RawPath, LineCount>();
  const parts = text.split('\0');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    const [, from, to] = /^:(\d+) (\d+) /.exec(part) ?? [];
    if (from !== undefined) {
      const change = from === '000000' ? 'added' : to === '000000' ? 'deleted' : 'changed';
      found.set(parts[++i] ?? '', { added: null, removed: null, change });
      continue;
    }
    const [, added, removed, path = ''] = /^(\d+|-)\t(\d+|-)\t(.+)$/s.exec(part) ?? [];
    const known = found.get(path);
    if (known && added !== '-') found.set(path, { ...known, added: Number(added), removed: Number(removed) });
  }
  return found;
}
