import { showName } from '../base/index.ts';

/** Tells which files are not in a commit of a checkpoint; undefined for none. */
export function leftOut(paths: readonly string[]): string | undefined {
  if (paths.length === 0) return undefined;
  const more = paths.length > 10 ? ` and ${paths.length - 10} more` : '';
  return `left out, hidden from git: ${paths.slice(0, 10).map(showName).join(', ')}${more}`;
}
