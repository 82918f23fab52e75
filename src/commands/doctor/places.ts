import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  DevenvError,
  ensureDir,
  existingDir,
  messageOf,
  mountOf,
  plural,
  stateDir,
} from '../../base/index.ts';
import { logDir } from '../../logs/index.ts';
import { openStore } from '../../store/index.ts';
import { fine, fromError, problem, type Check, type Finding } from './check.ts';

const megabyte = 1024 * 1024;
const tightBytes = 1024 * megabyte;
const fullBytes = 100 * megabyte;

/** Room where checkpoints and where logs and history are written. */
export const disk: Check = async ({ ctx, root }) => {
  const place = safeStateDir(ctx.env);
  return [
    room('disk', root, 'devenv prune drops old checkpoints'),
    ...(place === undefined
      ? []
      : [room('disk of the state directory', existingDir(place), stateElsewhere(place))]),
  ];
};

const stateElsewhere = (place: string): string =>
  `old logs lie in ${path.join(place, 'logs')}; or set XDG_STATE_HOME to a folder on another disk`;

function room(name: string, dir: string, more: string): Finding {
  try {
    const { bavail, bsize } = statfsSync(dir);
    const free = bavail * bsize;
    const message = `${formatBytes(free)} free at ${dir}`;
    const remedy = `free some space on ${mountOf(dir)}; ${more}`;
    if (free < fullBytes) return problem('error', name, { message: `only ${message}`, remedy });
    if (free < tightBytes) return problem('warning', name, { message: `only ${message}`, remedy });
    return fine(name, message);
  } catch (error) {
    return fromError('warning', name, error);
  }
}

function formatBytes(bytes: number): string {
  return bytes >= 1024 * megabyte
    ? `${(bytes / 1024 / megabyte).toFixed(1)} GB`
    : `${Math.floor(bytes / megabyte)} MB`;
}

function safeStateDir(env: NodeJS.ProcessEnv): string | undefined {
  try {
    return stateDir(env);
  } catch {
    return undefined; // no home: the next check says so
  }
}

/** The state directory, and the database in it. */
export const state: Check = async ({ ctx }) => {
  try {
    ensureDir(stateDir(ctx.env));
  } catch (error) {
    return fromError('error', 'state directory', error);
  }
  const store = openStore(ctx.env, ctx.clock);
  try {
    const why = store.problem();
    const dir = fine('state directory', stateDir(ctx.env));
    if (why === undefined) return [dir, fine('database', 'opens')];
    const folder = stateDir(ctx.env);
    // A new database would find no room either.
    const remedy = /full|no space/i.test(why)
      ? `free some space on ${mountOf(folder)}, or set XDG_STATE_HOME to a folder on another disk`
      : `history only: no checkpoint depends on it. Move ${path.join(folder, 'devenv.db')} away and a new one is made`;
    return [dir, problem('warning', 'database', { message: why, remedy })];
  } finally {
    store.close();
  }
};

/** Whether logs can be written, and what they take. */
export const logs: Check = async ({ ctx, project }) => {
  if (project instanceof DevenvError) return [];
  let dir: string;
  try {
    dir = logDir(ctx.env, project, project.config.logs.dir);
    accessSync(existingDir(dir), constants.W_OK);
  } catch (error) {
    return problem('error', 'logs', {
      message: `logs cannot be written: ${messageOf(error)}`,
      remedy: 'make that folder writable, or set logs.dir in devenv.yaml',
    });
  }
  const { maxSizeBytes, keep } = project.config.logs;
  const files = existsSync(dir) ? (await readdir(dir)).filter((name) => /\.log(\.\d+)?$/.test(name)) : [];
  const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(dir, name))).size));
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const most = formatBytes(maxSizeBytes * (keep + 1));
  return fine(
    'logs',
    `${dir}: ${plural(files.length, 'file')}, ${formatBytes(size)} (at most ${most} a pane)`,
  );
};
