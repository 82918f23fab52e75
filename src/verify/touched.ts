import { lstatSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { errnoOf, randomId } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import { diskPath, displayPath, git, type RawPath, type Repo } from '../git/index.ts';
import { isOutput, outputPaths } from './present.ts';

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
  ignored: (path: string) => boolean = () => false,
): Promise<readonly string[]> {
  const listed = await git(repo, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  if (!listed.ok) return ['.'];
  const span = { since, until: fileTime(repo) };
  const outputs = outputPaths(repo, project);
  const names: readonly RawPath[] = listed.stdout.toString('latin1').split('\0');
  const touched = new Set<string>();
  for (const [n, name] of names.entries()) {
    if (n % batch === batch - 1) await setImmediate();
    if (name === '' || !writtenIn(diskPath(repo.root, name), span)) continue;
    const shown = displayPath(name);
    if (!isOutput(outputs, shown) && !ignored(shown)) touched.add(shown);
  }
  return [...touched];
}

interface Span {
  readonly since: bigint;
  readonly until: bigint;
}

function writtenIn(file: Buffer, { since, until }: Span): boolean {
  try {
    const info = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    // What is gone, or a folder now, is told by the tree. A time that is still to come is of a wrong clock.
    if (!info || info.isDirectory() || info.ctimeNs > until) return false;
    // Where times are whole seconds, a file saved just before would count as well: only later ones are sure.
    return since % 1_000_000_000n === 0n ? info.ctimeNs > since : info.ctimeNs >= since;
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return false; // not readable for the tests either
    throw error;
  }
}
