import { lstatSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { errnoOf, randomId } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import { diskPath, displayPath, git, type RawPath, type Repo } from '../git/index.ts';
import { judgedFiles } from './present.ts';

/** So many files are asked for their times before others get a turn. */
const batch = 2000;

/**
 * The time on the file system's own clock, in nanoseconds: what is written from now on has this change time or
 * a later one. The clock of the process may be ahead of it, and a server's clock may differ altogether.
 */
export function fileTime(repo: Repo): bigint {
  const file = path.join(repo.gitDir, `devenv-time-${randomId()}`);
  try {
    writeFileSync(file, '');
    return statSync(file, { bigint: true }).ctimeNs;
  } finally {
    rmSync(file, { force: true });
  }
}

/**
 * The files (relative to the repository, without ignored ones, reports and what `ignored` names) that were
 * written since a `fileTime`, whatever they hold now: a change that was taken back is found by it too. Nobody
 * can set a change time, so neither `touch -d` nor a restored backup hides one.
 */
export async function touchedSince(
  repo: Repo,
  project: Project,
  since: bigint,
  ignored?: (path: string) => boolean,
): Promise<readonly string[]> {
  const listed = await git(repo, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  if (!listed.ok) return ['.'];
  const span = { since, until: fileTime(repo) };
  const isJudged = judgedFiles(repo, project, ignored);
  const names: readonly RawPath[] = listed.stdout.toString('latin1').split('\0').filter(Boolean);
  const times = await changeTimes(repo.root, names);
  const written = names.filter((_, n) => isIn(span, times[n]));
  return [...new Set(written.map(displayPath))].filter(isJudged);
}

/**
 * When each file was last written, in nanoseconds of the file system's clock; undefined for what is gone, a folder
 * now, or not readable (for the tests neither).
 */
export async function changeTimes(
  root: string,
  files: readonly RawPath[],
): Promise<readonly (bigint | undefined)[]> {
  const times: (bigint | undefined)[] = [];
  for (const file of files) {
    if (times.length % batch === batch - 1) await setImmediate();
    times.push(changeTime(diskPath(root, file)));
  }
  return times;
}

function changeTime(file: Buffer): bigint | undefined {
  try {
    const info = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    return info?.isDirectory() ? undefined : info?.ctimeNs;
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return undefined;
    throw error;
  }
}

interface Span {
  readonly since: bigint;
  readonly until: bigint;
}

function isIn({ since, until }: Span, at: bigint | undefined): boolean {
  // What is gone is told by the tree. A time that is still to come is of a wrong clock.
  if (at === undefined || at > until) return false;
  // Where times are whole seconds, a file saved just before would count as well: only later ones are sure.
  return since % 1_000_000_000n === 0n ? at > since : at >= since;
}
