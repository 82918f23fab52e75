import type { Repo } from './repo.ts';

/** The difference of two commits as a person reads it: a patch, or how much changed in which file. */
export async function showDiff(
  repo: Repo,
  input: { readonly from: string; readonly to: string; readonly stat: boolean; readonly color: boolean },
): Promise<string> {
  // simple-git refuses an environment that names programs to run; a diff needs none of them.
  const plain = Object.fromEntries(
    Object.entries(repo.env).filter(([name]) => !/^(GIT_|SSH_|EDITOR$|VISUAL$|PAGER$|PREFIX$)/.test(name)),
  );
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
  return simpleGit({ baseDir: repo.root }).env(plain).raw(args);
}
