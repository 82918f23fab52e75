import { randomBytes } from 'node:crypto';
import { run, listProcesses, hasMark, sendSignal } from '../../src/base/index.ts';
import { testEnv } from './temp.ts';

/** A tmux server of a test's own: its socket name is in `env`, and `end` leaves nothing of it. */
export interface PrivateTmux {
  readonly env: NodeJS.ProcessEnv;
  readonly tmux: (...args: string[]) => Promise<string>;
  readonly end: () => Promise<void>;
}

/** Makes the environment of a private server; the server starts with the first session in it. */
export function privateTmux(extra: NodeJS.ProcessEnv = {}): PrivateTmux {
  const id = randomBytes(5).toString('hex');
  const socket = `devenv-test-${id}`;
  const env = testEnv({ DEVENV_TMUX_SOCKET: socket, DEVENV_TEST_ID: id, TERM: 'xterm-256color', ...extra });
  return {
    env,
    tmux: async (...args) => (await run(['tmux', '-L', socket, ...args], { env })).stdout.trimEnd(),
    end: async () => {
      await run(['tmux', '-L', socket, 'kill-server'], { env });
      for (const p of await listProcesses())
        if (hasMark(p.pid, `DEVENV_TEST_ID=${id}`)) sendSignal(p.pid, 'SIGKILL');
      await run(['rm', '-f', `/tmp/tmux-${process.getuid?.() ?? 0}/${socket}`]);
    },
  };
}
