import type { Repo, Status } from '../git/index.ts';
import type { BegunStart } from '../session/index.ts';
import type { Tmux } from '../tmux/index.ts';

/** What a command will wait for, begun while its options are still being read. */
export interface Begun {
  /** git looks at the work tree. */
  readonly look?: { readonly repo: Promise<Repo>; readonly status: Promise<Status> };
  /** tmux starts. */
  readonly start?: BegunStart | undefined;
  /** tmux lists its panes. */
  readonly tmux?: Tmux;
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
  return { look: { repo, status: quietly(repo.then(readStatus)) } };
}

/** What fails is told where it is awaited, unless something else fails before. */
function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}
