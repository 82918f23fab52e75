import type { Repo } from './repo.ts';

/** The difference of two commits as a person reads it: a patch, or how much changed in which file. */
export async function showDiff(
  repo: Repo,
  input: { readonly from: string; readonly to: string; readonly stat: boolean; readonly color: boolean },
): Promise<string> {
  const { simpleGit } = await import('simple-git');
  const args = [
    'diff',
    `--color=${input.color ? 'always' : 'never'}`,
    '--no-ext-diff',
    ...(input.stat ? ['--stat=100'] : []),
    input.from,
    input.to,
    '--',
  ];
  return simpleGit({ baseDir: repo.root }).env(repo.env).raw(args);
}
