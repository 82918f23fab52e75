import { statfsSync } from 'node:fs';
import { git, readRef } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import type { KeepConfig } from '../config/index.ts';

const gigabyte = 1024 ** 3;

/** How many bytes checkpoints may take; undefined: as many as they like. */
export function diskLimit(repo: Repo, wanted: KeepConfig['maxDiskBytes']): number | undefined {
  if (wanted === 'none') return undefined;
  if (wanted !== 'auto') return wanted;
  const { bavail, bsize } = statfsSync(repo.commonDir);
  return Math.min(2 * gigabyte, (bavail * bsize) / 5);
}

/**
 * The bytes on the disk of what only these commits hold, not a branch or a tag of the user's. undefined when that is
 * known to be below the limit without looking (all of the repository is), or git cannot tell.
 */
export async function diskOf(
  repo: Repo,
  commits: readonly string[],
  most: number,
  exactly = false,
): Promise<number | undefined> {
  if (commits.length === 0) return 0;
  if (!exactly && (await wholeRepository(repo)) <= most) return undefined;
  const head = (await readRef(repo, 'HEAD')) === undefined ? [] : ['HEAD'];
  const others = ['--not', '--branches', '--remotes', '--exclude=checkpoint-*', '--tags', ...head];
  const result = await git(repo, ['rev-list', '--disk-usage', '--objects', '--stdin', ...others], {
    input: `${commits.join('\n')}\n`,
  });
  return result.ok ? Number(result.stdout.toString('latin1')) : undefined;
}

async function wholeRepository(repo: Repo): Promise<number> {
  const result = await git(repo, ['count-objects', '-v']);
  const kibibytes = (name: string): number =>
    Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(result.stdout.toString('latin1'))?.[1] ?? Infinity);
  return (kibibytes('size') + kibibytes('size-pack')) * 1024;
}
