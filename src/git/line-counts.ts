import { mustGit } from './exec.ts';
import type { RawPath } from './names.ts';
import type { Repo } from './repo.ts';

/** How many lines of a file one tree has and the other has not; both 0 for what git takes for binary. */
export interface LineCount {
  readonly added: number;
  readonly removed: number;
}

/** Counts lines that differ from one commit to another, file by file; one process. */
export async function countLines(
  repo: Repo,
  from: string,
  to: string,
): Promise<ReadonlyMap<RawPath, LineCount>> {
  const flags = ['-r', '-z', '--numstat', '--no-renames', '--no-ext-diff', '--no-textconv'];
  const out = await mustGit(repo, 'counting lines', ['diff-tree', ...flags, from, to, '--']);
  const counts = new Map<RawPath, LineCount>();
  for (const row of out.toString('latin1').split('\0')) {
    const [, added, removed, path] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(row) ?? [];
    if (path === undefined) continue;
    const number = (text: string | undefined): number => (text === '-' ? 0 : Number(text));
    counts.set(path, { added: number(added), removed: number(removed) });
  }
  return counts;
}
