import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Repo } from './repo.ts';

/** Where devenv keeps its own files of this work tree for as long as it is at work, beside git's. */
export function ownDir(repo: Repo): string {
  return made(path.join(repo.gitDir, 'devenv'));
}

/** A file of what no commit can hold, for later steps; it goes and moves with the repository. */
export function notesFile(repo: Repo, name: string): string {
  return path.join(made(path.join(repo.gitDir, 'devenv-notes')), name);
}

function made(dir: string): string {
  mkdirSync(dir, { recursive: true });
  return dir;
}
