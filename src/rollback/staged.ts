import { readSaved } from '../checkpoint/index.ts';
import { mustGit } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';

/** Paths that are staged otherwise now than when the present was saved. */
export async function stagedSince(repo: Repo, present: string): Promise<ReadonlySet<RawPath>> {
  const { staged } = await readSaved(repo, present);
  const args = ['diff-index', '--cached', '--name-only', '--no-renames', '-z', staged, '--'];
  const out = await mustGit(repo, 'reading what is staged', args);
  return new Set(out.toString('latin1').split('\0'));
}
