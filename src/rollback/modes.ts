import { lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeDir, self, shortHash, stateDir } from '../base/index.ts';
import { diskPath, rawDir } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';

/** What a file or folder has when nobody chose otherwise, with the usual settings of umask. */
const usual: readonly number[] = [0o644, 0o664, 0o755, 0o775];

/** Permissions that git does not know, of files and folders that a rollback took away; for when they come back. */
export type Modes = Readonly<Record<RawPath, number>>;

function modesFile(repo: Repo): string {
  return path.join(stateDir(repo.env), 'checkpoints', `${shortHash(repo.gitDir)}.modes.v1.json`);
}

/** What is known of this work tree; nothing when the file is absent or damaged. */
export function readModes(repo: Repo): Modes {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file; the version in its name changes with its shape
    return JSON.parse(readFileSync(modesFile(repo), 'utf8')) as Modes;
  } catch {
    return {};
  }
}

/** Notes the unusual permissions of files that are about to go, and of the folders they are in. */
export function noteModes(repo: Repo, leaving: readonly RawPath[]): void {
  const found: Record<RawPath, number> = {};
  const looked = new Set<RawPath>();
  for (const file of leaving) {
    for (let part = file; part !== '' && !looked.has(part); part = rawDir(part)) {
      looked.add(part);
      const stat = lstatSync(diskPath(repo.root, part), { throwIfNoEntry: false });
      const special = stat !== undefined && !stat.isSymbolicLink() && !usual.includes(stat.mode & 0o777);
      if (special) found[part] = stat.mode & 0o777;
    }
  }
  if (Object.keys(found).length === 0) return;
  const file = modesFile(repo);
  try {
    makeDir(path.dirname(file));
    const temporary = `${file}.${self.pid}`;
    writeFileSync(temporary, JSON.stringify({ ...readModes(repo), ...found }), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    // A read-only or full state directory must not stop a rollback; the usual permissions are what git knows.
  }
}
