import path from 'node:path';
import type { Project } from '../config/index.ts';
import { scratchWorktree, type Repo, type ScratchWorktree } from '../git/index.ts';

/** One scratch work tree for all candidates; made for the first, moved for each other one. */
export interface Bench extends AsyncDisposable {
  /** Checks a commit out and says where the project lies in it. */
  readonly show: (commit: string, signal?: AbortSignal) => Promise<string>;
}

/** Nothing is made before the first `show`. */
export function openBench(repo: Repo, project: Project): Bench {
  let scratch: ScratchWorktree | undefined;
  const end = async (): Promise<void> => {
    await scratch?.[Symbol.asyncDispose]();
    scratch = undefined;
  };
  return {
    show: async (commit, signal) => {
      const options = signal ? { signal } : {};
      try {
        await scratch?.moveTo(commit, options);
      } catch (error) {
        if (signal?.aborted === true) throw error;
        // A run may have left it in any state: a new one costs only time.
        await end();
      }
      scratch ??= await scratchWorktree(repo, commit, { link: project.config.worktree.link, ...options });
      return path.join(scratch.path, path.relative(repo.root, project.root));
    },
    [Symbol.asyncDispose]: end,
  };
}
