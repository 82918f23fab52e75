import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { atMost, benchEnv, endEnv, devenv, interleave, time, type Goal } from './measure.ts';
import { makeRepo, touchFiles } from './repo.ts';

/** A checkpoint of ten edited files among 20,000, against one `git status`. */
export async function checkpointGoals(): Promise<Goal[]> {
  const { env, dir, socket } = benchEnv();
  const project = path.join(dir, 'project');
  mkdirSync(project);
  makeRepo(project, 20_000, env, 'name: bench\n');
  const at = { cwd: project, env };
  try {
    let rounds = 0;
    const edited = (argv: readonly string[]): number => {
      touchFiles(project, 10, rounds++);
      return time(argv, at);
    };
    const bare = path.join(import.meta.dirname, 'bare-checkpoint.mjs');
    const m = await interleave({
      node: () => time([process.execPath, '-e', '0'], at),
      status: () => time(['git', '--no-optional-locks', 'status', '--porcelain=v2', '-z', '-uall'], at),
      checkpoint: () => edited([...devenv, 'checkpoint', '--no-verify']),
      bare: () => edited([process.execPath, bare]),
    });
    const allowed = m.node + 1.5 * m.status;
    return [
      atMost(
        'devenv checkpoint --no-verify, 20,000 files',
        '<= bare node + 1.5 x git status -uall',
        m.checkpoint,
        allowed,
        m.node + m.status,
      ),
      // What is left of the allowed time for everything else.
      atMost('beside it: Node and the same two gits, bare', 'no goal', m.bare, Infinity, m.node + m.status),
    ];
  } finally {
    endEnv({ dir, socket });
  }
}
