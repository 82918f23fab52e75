import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, errnoOf, messageOf } from '../base/index.ts';

export const configName = 'devenv.yaml';
export const localName = 'devenv.local.yaml';

/** Where a project lies: the real path of its folder, and its devenv.yaml if there is one. */
export interface Root {
  readonly root: string;
  readonly configFile: string | undefined;
}

/**
 * The project around a directory: the nearest ancestor with a devenv.yaml, else the top of the git work tree,
 * else the directory itself. Synchronous and cheap.
 */
export function findRoot(cwd: string): Root {
  const start = realDirectory(cwd);
  let top: string | undefined;
  for (let dir = start; ; dir = path.dirname(dir)) {
    const file = path.join(dir, configName);
    if (isThere(file)) return { root: dir, configFile: file };
    if (top === undefined && existsSync(path.join(dir, '.git'))) top = dir;
    if (dir === path.dirname(dir)) return { root: top ?? start, configFile: undefined };
  }
}

function realDirectory(cwd: string): string {
  try {
    return realpathSync(cwd);
  } catch (error) {
    throw new DevenvError('usage', `no such directory: ${cwd}`, 'name one that exists', error);
  }
}

/** Whether there is something of that name: a symbolic link also when it points nowhere. */
export function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // a folder that may not be looked into
  }
}

/** The text of a file of the configuration. Throws 'config'. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && isThere(file))
      throw new DevenvError(
        'config',
        `${file} is a symbolic link to ${readlinkSync(file)}, which is not there`,
        'put that file back, or remove the link',
      );
    const hint = 'it must be a file that you may read';
    throw new DevenvError('config', `cannot read ${file}: ${messageOf(error)}`, hint, error);
  }
}
