import { run } from '../base/index.ts';
import { userEnv } from './env.ts';
import type { Repo } from './repo.ts';

/** Who the user is for git, as `Name <mail>`; devenv where git has not been told. */
export async function userIdentity(repo: Repo, env: NodeJS.ProcessEnv): Promise<string> {
  // Without this setting git would make a name up from the account and the machine.
  const argv = ['git', '-c', 'user.useConfigOnly=true', 'var', 'GIT_AUTHOR_IDENT'];
  const result = await run(argv, { cwd: repo.root, env: userEnv(env) });
  const identity = /^(.* <.*>) \d+ [+-]\d{4}$/.exec(result.stdout.trim())?.[1];
  return result.ok && identity !== undefined ? identity : 'devenv <devenv@localhost>';
}
