import { realpathSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { self } from '../base/index.ts';

/** The socket of the tmux server that `tmux` with `DEVENV_TMUX_SOCKET` (as `-L`), or plain `tmux`, speaks to. */
export function socketPath(env: NodeJS.ProcessEnv): string {
  const name = env['DEVENV_TMUX_SOCKET'];
  const inside = socketOfPane(env);
  if (!name && inside) return inside;
  return path.join(socketFolder(env), name || 'default');
}

/** The server whose pane this process runs in, by `$TMUX`. */
export function socketOfPane(env: NodeJS.ProcessEnv): string | undefined {
  return env['TMUX']?.split(',')[0] || undefined;
}

function socketFolder(env: NodeJS.ProcessEnv): string {
  const folder = `tmux-${self.uid}`;
  for (const base of [env['TMUX_TMPDIR'], '/tmp']) {
    if (!base) continue;
    try {
      return path.join(realpathSync(base), folder);
    } catch {
      // tmux, too, passes over a directory that is not there.
    }
  }
  return path.join('/tmp', folder);
}

/** Whether a server answers on a socket. A file alone proves nothing; connecting costs no process. */
export function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    const done = (alive: boolean): void => {
      connection.destroy();
      resolve(alive);
    };
    connection.once('connect', () => done(true));
    connection.once('error', () => done(false));
  });
}
