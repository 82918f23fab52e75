import { DevenvError } from '../base/index.ts';
import { displayPath, mustGit, pathFromTop, rawPath, shownPath } from '../git/index.ts';
import type { DiffEntry, RawPath, Repo } from '../git/index.ts';

/** Paths as a person wrote them, from the top of the work tree; '' is all of it. Throws 'usage' as `pathFromTop`. */
export function pathsFromTop(repo: Repo, cwd: string, given: readonly string[]): RawPath[] {
  return given.map((one) => rawPath(pathFromTop(repo, cwd, one)));
}

/**
 * Whether a path is one of those given, or below one. Without any, every path is. Node gives us what is not UTF-8
 * in a word as U+FFFD, and we show it so: such a word means every name that reads like it.
 */
export function selects(paths: readonly RawPath[] | undefined): (file: RawPath) => boolean {
  if (paths === undefined) return () => true;
  const exact = new Set(paths);
  if (exact.has('')) return () => true;
  const lossy = paths.map(displayPath).filter((one) => one.includes('\uFFFD'));
  const reads = (file: string): boolean => lossy.some((one) => file === one || file.startsWith(`${one}/`));
  return (file) =>
    exact.has(file) ||
    paths.some((one) => file.startsWith(`${one}/`)) ||
    (lossy.length > 0 && reads(displayPath(file)));
}

/** Throws 'unknown-path' for the first path that neither the present nor what is put back knows. */
export async function refuseUnknown(
  repo: Repo,
  paths: readonly RawPath[],
  about: { readonly diff: readonly DiffEntry[]; readonly to: string; readonly name: string },
): Promise<void> {
  const unseen = paths.filter((one) => !about.diff.some((entry) => selects([one])(entry.path)));
  // What does not differ is in both or in neither.
  const known = await listed(repo, about.to, unseen);
  const missing = unseen.find((one) => one !== '' && !known.has(one));
  if (missing === undefined) return;
  throw new DevenvError(
    'unknown-path',
    `${shownPath(missing)} is neither in ${about.name} nor among the files here that git does not ignore`,
    'see the files with: devenv rollback --dry-run',
  );
}

async function listed(repo: Repo, commit: string, paths: readonly RawPath[]): Promise<ReadonlySet<RawPath>> {
  if (paths.length === 0) return new Set();
  const names = paths.filter((one) => one !== '').map((one) => displayPath(one));
  // -t: also a folder that is only looked into, since something in it was named too.
  const args = ['--literal-pathspecs', 'ls-tree', '-t', '-z', '--name-only', commit, '--', ...names];
  const out = await mustGit(repo, 'looking for paths', args);
  return new Set(out.toString('latin1').split('\0'));
}

/** Throws 'refused' when a file to write has a file in its way that was not named. Pure. */
export function refuseInTheWay(
  steps: readonly { readonly path: RawPath; readonly after: unknown }[],
  diff: readonly Pick<DiffEntry, 'path' | 'newMode'>[],
): void {
  const chosen = new Set(steps.map((step) => step.path));
  const inTheWay = new Set(
    diff.filter((entry) => entry.newMode === '000000' && !chosen.has(entry.path)).map((entry) => entry.path),
  );
  for (const step of steps.filter(({ after }) => after !== null)) {
    for (let at = step.path.lastIndexOf('/'); at > 0; at = step.path.lastIndexOf('/', at - 1)) {
      const parent = step.path.slice(0, at);
      if (inTheWay.has(parent))
        throw new DevenvError(
          'refused',
          `${shownPath(parent)} is in the way of ${shownPath(step.path)} and was not named`,
          `name it too: devenv rollback ... -- ${shownPath(parent)}`,
        );
    }
  }
}
