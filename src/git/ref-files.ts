import { lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, systemClock } from '../base/index.ts';
import { packedRefs } from './refs.ts';
import type { Repo } from './repo.ts';

/** What a loose ref points at, and what its file is recognized by: `young` while that cannot be told. */
export interface SeenRef {
  readonly commit: string;
  readonly file: string;
}

/** Two writes within one tick of a file system's clock look alike; the coarsest have ticks of two seconds. */
const youngMs = 2000;
const young = 'young';

const isSettled = (mtimeMs: number, now: number): boolean => now - mtimeMs > youngMs;

/**
 * What the loose refs of one folder are recognized by: git puts a new file in place for each that it writes, which
 * shows in the folder. Equal texts are equal refs; `''` when nobody can tell (yet). Only for refs kept as files, in a
 * folder without folders; `prefix` ends with a slash.
 */
export const looseState = (repo: Repo, prefix: string): string => stateOf(path.join(repo.commonDir, prefix));

/** The same of all packed refs, as git itself tells whether it has to read them again. */
export const packedState = (repo: Repo): string => stateOf(path.join(repo.commonDir, 'packed-refs'));

function stateOf(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return 'none';
  if (!isSettled(Number(stat.mtimeMs), systemClock.now())) return '';
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join('.');
}

/**
 * The loose refs of one folder by their names in it. A file that is as `known` says is not read again, which for
 * thousands takes a third of the time that git needs. undefined where git had better be asked: folders in the folder,
 * symbolic refs, names that git might not take. A broken one has the commit `''`: it hides a packed one of its name.
 */
export function readLooseRefs(
  repo: Repo,
  prefix: string,
  known: (name: string) => SeenRef | undefined,
): ReadonlyMap<string, SeenRef> | undefined {
  const dir = path.join(repo.commonDir, prefix);
  const now = systemClock.now();
  const found = new Map<string, SeenRef>();
  for (const name of readNames(dir)) {
    if (name.endsWith('.lock')) continue;
    const seen = plainName.test(name) ? seeRef(`${dir}${name}`, known(name), now) : undefined;
    if (seen === undefined) return undefined;
    if (seen !== 'gone') found.set(name, isId(seen.commit) ? seen : { commit: '', file: young });
  }
  return found;
}

/** The commits of the packed refs under a prefix by their names behind it; undefined as above. */
export function readPackedRefs(repo: Repo, prefix: string): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  for (const [name, commit] of packedRefs(repo, prefix)) {
    const own = name.slice(prefix.length);
    if (!plainName.test(own)) return undefined;
    found.set(own, commit);
  }
  return found;
}

/** Names about which nobody can be in doubt; https://git-scm.com/docs/git-check-ref-format has the rest. */
const plainName = /^(?!.*\.\.)\w[\w.+-]*\w$/;
/** What is no id, or one of zeros, git calls a broken ref, and leaves it out of its lists. */
const isId = (text: string): boolean => /^(?!0+$)[0-9a-f]{40,64}$/.test(text);

function seeRef(file: string, known: SeenRef | undefined, now: number): SeenRef | 'gone' | undefined {
  try {
    const stat = lstatSync(file);
    if (!stat.isFile()) return undefined;
    const own = isSettled(stat.mtimeMs, now) ? `${stat.ino} ${stat.mtimeMs}` : young;
    if (known !== undefined && own !== young && known.file === own) return known;
    const commit = readFileSync(file, 'latin1').trim();
    return commit.startsWith('ref:') ? undefined : { commit, file: own };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'gone';
    throw error;
  }
}

function readNames(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}
