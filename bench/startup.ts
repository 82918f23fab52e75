import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { atMost, benchEnv, endEnv, devenv, interleave, time, type Goal } from './measure.ts';
import { makeRepo } from './repo.ts';
import { sixWindows } from './session.ts';

const bareNode = [process.execPath, '-e', '0'];

/** `--version` and `status` against a bare Node that does nothing. */
export async function startupGoals(): Promise<Goal[]> {
  const { env, dir, socket } = benchEnv();
  const project = path.join(dir, 'project');
  mkdirSync(project);
  makeRepo(project, 200, env, sixWindows);
  time([...devenv, 'start', '--detach', '--no-wait'], { cwd: project, env });
  time([...devenv, 'checkpoint', '--no-verify'], { cwd: project, env });
  try {
    const at = { cwd: project, env };
    const m = await interleave({
      node: () => time(bareNode, at),
      version: () => time([...devenv, '--version'], at),
      status: () => time([...devenv, 'status'], at),
    });
    return [
      atMost('devenv --version', '<= 1.5 x bare node', m.version, 1.5 * m.node, m.node),
      atMost('devenv status, 6 windows running', '<= 2.2 x bare node', m.status, 2.2 * m.node, m.node),
    ];
  } finally {
    time([...devenv, 'stop'], { cwd: project, env });
    endEnv({ dir, socket });
  }
}
