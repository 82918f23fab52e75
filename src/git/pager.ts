import { run } from '../base/index.ts';
import { gitArgv } from './exec.ts';
import type { Repo } from './repo.ts';

/** Shows the patch between two commits on this terminal as `git diff` does: with the user's colours and pager. */
export async function pagePatch(
  repo: Repo,
  input: { readonly from: string; readonly to: string; readonly userEnv: NodeJS.ProcessEnv },
): Promise<void> {
  const { GIT_PAGER: _ours, LC_ALL: _plain, ...env } = repo.env;
  const { GIT_PAGER: pager, LC_ALL: locale } = input.userEnv;
  await run(gitArgv(['diff', input.from, input.to, '--']), {
    cwd: repo.root,
    env: {
      ...env,
      ...(pager === undefined ? {} : { GIT_PAGER: pager }),
      ...(locale === undefined ? {} : { LC_ALL: locale }),
    },
    stdio: 'inherit',
  });
}
