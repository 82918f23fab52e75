import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Files } from './types.ts';

/** Larger files are no configuration of a project. */
const maxBytes = 1_000_000;

/** The files below a folder. */
export function filesOf(root: string): Files {
  return {
    text: (name) => {
      try {
        const file = path.join(root, name);
        const stat = statSync(file);
        return stat.isFile() && stat.size <= maxBytes ? readFileSync(file, 'utf8') : undefined;
      } catch {
        return undefined; // missing or unreadable: nothing to detect by
      }
    },
    has: (name) => existsSync(path.join(root, name)),
    list: (dir) => {
      try {
        return readdirSync(path.join(root, dir), { withFileTypes: true })
          .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
          .toSorted();
      } catch {
        return []; // no such folder
      }
    },
  };
}

/** The same files, seen from a folder within. */
export function within(files: Files, dir: string): Files {
  return {
    text: (name) => files.text(path.posix.join(dir, name)),
    has: (name) => files.has(path.posix.join(dir, name)),
    list: (name) => files.list(path.posix.join(dir, name)),
  };
}
