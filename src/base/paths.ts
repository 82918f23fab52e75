import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { DevenvError, errnoOf } from './errors.ts';
import { quickHash, randomId } from './world.ts';

/** Where the package lies: the folder that holds bin/, layouts/ and dist/ or src/. */
export function packageRoot(): string {
  let dir = import.meta.dirname;
  while (!existsSync(path.join(dir, 'bin', 'devenv.js'))) {
    const up = path.dirname(dir);
    if (up === dir)
      throw new DevenvError(
        'internal',
        `the package is incomplete: no bin/devenv.js above ${import.meta.dirname}`,
      );
    dir = up;
  }
  return dir;
}

/**
 * The user's home directory: `$HOME`, or that of the password database where HOME is unset (cron, `env -i`), empty
 * or relative, which would be the folder that a command happens to run in. Undefined where there is none at all.
 */
export function findHome(env: NodeJS.ProcessEnv): string | undefined {
  const given = env['HOME'];
  if (given && path.isAbsolute(given)) return given;
  try {
    // Not homedir(): that believes HOME, whatever stands in it.
    const known = userInfo().homedir;
    return path.isAbsolute(known) ? known : undefined;
  } catch {
    return undefined; // no such user in the password database
  }
}

function home(env: NodeJS.ProcessEnv): string {
  const found = findHome(env);
  if (found !== undefined) return found;
  throw new DevenvError(
    'environment',
    `HOME is ${env['HOME'] ? 'no absolute path' : 'not set'} and this user has no home directory`,
    'set HOME or XDG_STATE_HOME',
  );
}

/** A folder of the XDG specification, by which relative paths are to be ignored. */
function xdgBase(env: NodeJS.ProcessEnv, name: string, fallback: string): string {
  const value = env[name];
  return value && path.isAbsolute(value) ? value : path.join(home(env), fallback);
}

const xdg = (env: NodeJS.ProcessEnv, name: string, fallback: string): string =>
  path.join(xdgBase(env, name, fallback), 'devenv');

/** `$XDG_STATE_HOME/devenv`: database, logs, locks. Not created here: see `ensureDir`. */
export const stateDir = (env: NodeJS.ProcessEnv): string => xdg(env, 'XDG_STATE_HOME', '.local/state');
/** `$XDG_CACHE_HOME/devenv`: what can be made again. */
export const cacheDir = (env: NodeJS.ProcessEnv): string => xdg(env, 'XDG_CACHE_HOME', '.cache');
/** `$XDG_CONFIG_HOME/devenv`: the user's layouts. */
export const configDir = (env: NodeJS.ProcessEnv): string => xdg(env, 'XDG_CONFIG_HOME', '.config');

/** `$XDG_CONFIG_HOME` itself, where other programs (systemd) look too. */
export const configBase = (env: NodeJS.ProcessEnv): string => xdgBase(env, 'XDG_CONFIG_HOME', '.config');

/** The folders whose names may come up in what this program says: of where it is, and of where it keeps things. */
export const spokenPlaces = (env: NodeJS.ProcessEnv, dirs: readonly string[]): readonly string[] => [
  ...dirs,
  ...['HOME', 'XDG_STATE_HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'TMPDIR'].flatMap(
    (name) => env[name] ?? [],
  ),
];

/** The real path of a project's root and the id under which its state is kept (stable, 14 hex digits). */
export function projectId(root: string): string {
  return quickHash(realpathSync(root));
}

/**
 * Makes a directory that only this user may read, with its parents; throws the file system's error.
 * Not Node's `recursive: true`: that never returns where a folder takes no folders (/proc).
 */
export function makeDir(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    const up = path.dirname(dir);
    // Another process may just have made it; and `/` itself is no mistake either.
    if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
    if (errnoOf(error) !== 'ENOENT' || up === dir || existsSync(up)) throw error;
    makeDir(up);
    makeDir(dir);
  }
}

/** Writes a file whole or not at all, for this user only; readers see the old one or the new one. */
export function replaceFile(file: string, text: string | Uint8Array, mode = 0o600): void {
  const temporary = `${file}.${randomId()}`;
  try {
    writeFileSync(temporary, text, { mode });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
