import { run, runOnTerminal } from '../base/index.ts';
import { userEnv } from './env.ts';

/**
 * Shows a text on this terminal in the user's pager, as git does: GIT_PAGER, core.pager, PAGER, else less;
 * with `LESS=FRX` unless the user says otherwise. False where there is none to be used: nothing was shown.
 */
export async function showInPager(env: NodeJS.ProcessEnv, cwd: string, text: string): Promise<boolean> {
  const theirs = userEnv(env);
  const asked = await run(['git', 'var', 'GIT_PAGER'], { cwd, env: theirs });
  const pager = asked.stdout.trim();
  if (!asked.ok || pager === '' || pager === 'cat') return false;
  const code = await runOnTerminal(['/bin/sh', '-c', pager], {
    cwd,
    env: { LESS: 'FRX', LV: '-c', ...theirs },
    input: text,
  });
  // 126 and 127: there is no such program.
  return code !== 126 && code !== 127;
}
