import { lstatSync, readFileSync, readdirSync, statSync, type BigIntStats } from 'node:fs';
import path from 'node:path';
import { errnoOf, systemClock } from '../base/index.ts';
import { packedRefs } from './refs.ts';
import type { Repo } from './repo.ts';

/** What a ref points at, and what its file is recognized by: `''` where it has none, or one that is too young for that. */
export interface SeenRef {
  readonly commit: string;
  readonly file: string;
}

/** Two writes within one tick of a file system's clock look alike; the coarsest have ticks of two seconds. */
const youngMs = 2000;

const isSettled = (mtimeMs: number, now: number): boolean => now - mtimeMs > youngMs;

/**
 * What the refs of one folder are recognized by: git puts a new file in place for each that it writes, which shows in
 * the folder. Equal texts are equal refs; `''` when nobody can tell (yet). Only for refs kept as files, in a folder
 * without folders; `prefix` ends with a slash. What git itself goes by for packed refs.
 */
export function refState(repo: Repo, prefix: string): string {
  if (repo.refFormat !== 'files') return '';
  const now = systemClock.now();
  const stats = [path.join(repo.commonDir, prefix), path.join(repo.commonDir, 'packed-refs')].map((file) =>
    statSync(file, { bigint: true, throwIfNoEntry: false }),
  );
  if (stats.some((stat) => stat !== undefined && !isSettled(Number(stat.mtimeMs), now))) return '';
  return stats.map(textOf).join(' ');
}

const textOf = (stat: BigIntStats | undefined): string =>
  stat === undefined ? 'none' : [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join('.');

/**
 * The refs of one folder by their names in it. A file that is as `known` says is not read again, which for thousands
 * takes a third of the time that git needs. undefined where git had better be asked: folders in the folder, symbolic
 * refs, names that git might not take.
 */
export function readRefFiles(
  repo: Repo,
  prefix: string,
  known: ReadonlyMap<string, SeenRef>,
): ReadonlyMap<string, SeenRef> | undefined {
  const dir = path.join(repo.commonDir, prefix);
  const now = systemClock.now();
  const loose = new Map<string, SeenRef>();
  for (const name of readNames(dir)) {
    if (name.endsWith('.lock')) continue;
    const seen = plainName.test(name) ? seeRef(`${dir}${name}`, known.get(name), now) : undefined;
    if (seen === undefined) return undefined;
    if (seen !== 'gone') loose.set(name, seen);
  }
  // After the files, as git does: one that is packed meanwhile is in both.
  const found = new Map<string, SeenRef>();
  for (const [name, commit] of packedRefs(repo, prefix)) {
    const own = name.slice(prefix.length);
    if (!plainName.test(own)) return undefined;
    if (!loose.has(own)) found.set(own, { commit, file: '' });
  }
  for (const [name, seen] of loose) if (isId(seen.commit)) found.set(name, seen);
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
    const own = isSettled(stat.mtimeMs, now) ? `${stat.ino} ${stat.mtimeMs}` : '';
    if (known !== undefined && own !== '' && known.file === own) return known;
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
