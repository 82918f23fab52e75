import { readFileSync } from 'node:fs';
import path from 'node:path';
import ignore, { type Ignore } from 'ignore';

/** Whether a path (relative to the top, `/` between its parts) is left out. */
export interface IgnoreRules {
  readonly ignores: (relative: string, isDirectory: boolean) => boolean;
}

export interface IgnoreInput {
  /** The top of what is watched: the repository, else the project. */
  readonly top: string;
  /** Files of rules that count for the whole tree, weakest first (the user's own excludes, .git/info/exclude). */
  readonly excludeFiles: readonly string[];
  /** More rules, in the syntax of .gitignore (`watch.ignore`); they win over all others. */
  readonly globs: readonly string[];
}

/**
 * The rules of git for what is not part of the tree: every .gitignore from the top down to a path's folder,
 * the nearest one that says anything decides; what lies in an ignored folder is ignored.
 */
export function createIgnoreRules({ top, excludeFiles, globs }: IgnoreInput): IgnoreRules {
  const files = new Map<string, Ignore | undefined>();
  const own = createGlobs(globs);
  const base = excludeFiles.map((file) => readRules(file)).filter((rules) => rules !== undefined);

  const rulesOf = (folder: string): Ignore | undefined => {
    if (!files.has(folder)) files.set(folder, readRules(path.join(top, folder, '.gitignore')));
    return files.get(folder);
  };
  /** true or false when some rule speaks of exactly this path; undefined when none does. */
  const spoken = (relative: string, isDirectory: boolean): boolean | undefined => {
    const suffix = isDirectory ? '/' : '';
    for (let folder = parentOf(relative); ; folder = parentOf(folder)) {
      const below = folder === '' ? relative : relative.slice(folder.length + 1);
      const found = rulesOf(folder)?.test(below + suffix);
      if (found?.ignored === true) return true;
      if (found?.unignored === true) return false;
      if (folder === '') break;
    }
    for (const rules of base.toReversed()) {
      const found = rules.test(relative + suffix);
      if (found.ignored || found.unignored) return found.ignored;
    }
    return undefined;
  };
  const ignores = (relative: string, isDirectory: boolean): boolean => {
    if (relative === '' || relative.startsWith('..')) return false;
    if (own(relative + (isDirectory ? '/' : ''))) return true;
    const parts = relative.split('/');
    if (parts.includes('.git')) return true;
    for (let n = 1; n < parts.length; n++)
      if (spoken(parts.slice(0, n).join('/'), true) === true) return true;
    return spoken(relative, isDirectory) === true;
  };
  return { ignores };
}

/** Patterns of .gitignore's syntax, and nothing else, as a test of paths; a folder's path ends in `/`. */
export function createGlobs(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const rules = ignore().add([...globs]);
  return (path) => path !== '' && !path.startsWith('../') && rules.ignores(path);
}

function parentOf(relative: string): string {
  const slash = relative.lastIndexOf('/');
  return slash < 0 ? '' : relative.slice(0, slash);
}

function readRules(file: string): Ignore | undefined {
  try {
    return ignore().add(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // no such file: no rules
  }
}
