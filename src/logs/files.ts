import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, makeDir, messageOf, stateDir } from '../base/index.ts';

/** Whose logs: what a project is known by. */
export interface LogOwner {
  readonly root: string;
  readonly id: string;
  readonly sessionName: string;
}

const ownerFile = '.root';

/**
 * The folder of a project's logs: `<state dir>/logs/<session name>`, or `<session name>-<id>` when
 * another project of that name has it. A configured folder (relative ones start at the root) is taken as it is.
 */
export function logDir(env: NodeJS.ProcessEnv, owner: LogOwner, configured?: string): string {
  if (configured !== undefined) return path.resolve(owner.root, configured);
  const plain = path.join(stateDir(env), 'logs', owner.sessionName);
  const other = readOwner(plain);
  return other === undefined || other === owner.root || !existsSync(other) ? plain : `${plain}-${owner.id}`;
}

/** Makes that folder and writes down whose it is. Throws DevenvError('state-dir') when it cannot. */
export function claimLogDir(env: NodeJS.ProcessEnv, owner: LogOwner, configured?: string): string {
  const dir = logDir(env, owner, configured);
  if (configured === undefined && readOwner(dir) === owner.root) return dir;
  try {
    makeDir(dir);
    if (configured === undefined) writeFileSync(path.join(dir, ownerFile), owner.root, { mode: 0o600 });
    return dir;
  } catch (error) {
    throw new DevenvError(
      'state-dir',
      `cannot keep logs in ${dir}: ${messageOf(error)}`,
      'make it writable, or set XDG_STATE_HOME (or logs.dir) to a directory that is',
      error,
    );
  }
}

function readOwner(dir: string): string | undefined {
  try {
    return readFileSync(path.join(dir, ownerFile), 'utf8');
  } catch {
    return undefined; // nobody's yet
  }
}

/** The log file of one pane: `api.log`, further panes of a window `api.1.log`, `api.2.log`, ... */
export function logFile(dir: string, window: string, pane = 0): string {
  return path.join(dir, pane === 0 ? `${window}.log` : `${window}.${pane}.log`);
}
