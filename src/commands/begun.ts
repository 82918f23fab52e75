import type { Repo, Status } from '../git/index.ts';

/** What a command will wait for, begun while its options are still being read. */
export interface Begun {
  readonly repo: Promise<Repo>;
  readonly status: Promise<Status>;
}

/** Where a command is called. */
export interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** For `checkpoint --no-verify`: git looks at the work tree. */
export async function beginLook({ cwd, env }: Place): Promise<Begun> {
  const { openRepo, readStatus } = await import('../git/index.ts');
  const repo = quietly(openRepo({ cwd, env }));
  return { repo, status: quietly(repo.then(readStatus)) };
}

/** What fails is told where it is awaited, unless something else fails before. */
function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}
