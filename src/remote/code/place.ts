import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, findHome, shortHash } from '../../base/index.ts';
import { readRef, openRepo, type Repo } from '../../git/index.ts';
import { takeLock } from '../../store/index.ts';
import type { BoxState } from './types.ts';

/** A folder of this box, as people write it from afar: `~/shop`, `shop` and `/home/me/shop` are the same. */
export function absoluteDir(dir: string, env: NodeJS.ProcessEnv): string {
  const home = findHome(env) ?? '/';
  const whole = dir === '~' ? home : path.resolve(home, dir.replace(/^~\//, ''));
  return existsSync(whole) ? realpathSync(whole) : whole;
}

/** What lies at a folder. */
export interface Place {
  readonly dir: string;
  readonly kind: BoxState['kind'];
  readonly holds: readonly string[];
  readonly repo: Repo | undefined;
}

const mostNamed = 5;

/** Looks at a folder: only a repository whose top it is counts; one around it is none of its business. */
export async function lookAtPlace(dir: string, env: NodeJS.ProcessEnv): Promise<Place> {
  const stat = statSync(dir, { throwIfNoEntry: false });
  if (stat === undefined) return { dir, kind: 'absent', holds: [], repo: undefined };
  if (!stat.isDirectory())
    throw new DevenvError('refused', `${dir} is a file there`, 'name another path for this host');
  const names = readdirSync(dir);
  const holds = names.filter((name) => name !== '.git');
  const repo = names.includes('.git') ? await openRepo({ cwd: dir, env }) : undefined;
  const named = { dir, holds: holds.slice(0, mostNamed) };
  if (!repo || repo.root !== dir)
    return { ...named, kind: holds.length === 0 ? 'empty' : 'foreign', repo: undefined };
  // One that was only just made, by a first sending that was cut off.
  const blank = holds.length === 0 && (await readRef(repo, 'HEAD')) === undefined;
  return { ...named, kind: blank ? 'empty' : 'repo', repo };
}

/** Keeps a second sending to the same folder out; held until it is disposed of or this process ends. */
export function lockPlace(dir: string, env: NodeJS.ProcessEnv): Disposable {
  const lock = takeLock(env, `receive-${shortHash(dir)}`);
  if (lock === 'taken')
    throw new DevenvError(
      'refused',
      `another push to ${dir} is under way`,
      'wait until it is done, then run it again',
    );
  return lock === 'unavailable' ? { [Symbol.dispose]: () => {} } : lock;
}
