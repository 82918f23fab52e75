import { lstatSync, statSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, findHome, makeDir, quickHash, self } from '../base/index.ts';
import type { Target } from './types.ts';

/**
 * What every call of ssh is given, whatever the user's own configuration holds: a RemoteCommand or LocalForward
 * there would keep a command from running. ssh takes the first value of an option it sees; so each stands once.
 */
export function sshArgv(
  target: Target,
  env: NodeJS.ProcessEnv,
  options: { readonly batch: boolean; readonly tty?: boolean },
): readonly string[] {
  const config = env['DEVENV_SSH_CONFIG'];
  const set = (name: string, value: string | number): readonly string[] => ['-o', `${name}=${value}`];
  return [
    'ssh',
    ...(config ? ['-F', config] : []),
    options.tty ? '-tt' : '-T',
    ...set('BatchMode', options.batch ? 'yes' : 'no'),
    ...set('ConnectTimeout', 10),
    ...set('ServerAliveInterval', target.keepaliveSec),
    ...set('ServerAliveCountMax', 3),
    ...set('RemoteCommand', 'none'),
    ...set('ClearAllForwardings', 'yes'),
    ...set('PermitLocalCommand', 'no'),
    ...set('ForwardAgent', target.forwardAgent ? 'yes' : 'no'),
    ...set('ForwardX11', 'no'),
    // Else ssh has the last word on the user's screen: "Shared connection closed".
    ...(options.tty ? set('LogLevel', 'ERROR') : []),
  ];
}

/** A socket's name must fit into 104 bytes on the narrowest system; ssh adds 17 while it makes one. */
const longestSocket = 86;

/**
 * Where the connection to a target is kept for the next commands: a socket in a directory of this user alone. Its
 * name follows the target and the ssh configuration, so that an edit there leads to a new connection.
 */
export function controlSocket(target: Target, env: NodeJS.ProcessEnv): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  const dir =
    runtime && path.isAbsolute(runtime)
      ? path.join(runtime, 'devenv')
      : path.join('/tmp', `devenv-${self.uid}`);
  makeDir(dir);
  const stat = lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== self.uid || (stat.mode & 0o077) !== 0)
    throw new DevenvError(
      'environment',
      `${dir} must be a directory that only you can use`,
      `remove it, or set XDG_RUNTIME_DIR`,
    );
  const config = env['DEVENV_SSH_CONFIG'] ?? path.join(findHome(env) ?? '/', '.ssh', 'config');
  const state = statSync(config, { throwIfNoEntry: false });
  const name = quickHash(
    JSON.stringify([
      target.ssh,
      target.keepaliveSec,
      target.forwardAgent,
      config,
      state?.mtimeMs,
      state?.size,
    ]),
  );
  const socket = path.join(dir, name);
  if (socket.length > longestSocket)
    throw new DevenvError(
      'config',
      `the path of the connection's socket is too long: ${socket}`,
      'set XDG_RUNTIME_DIR to a shorter directory',
    );
  return socket;
}
