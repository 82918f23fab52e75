import path from 'node:path';
import { DevenvError, plural, showName } from '../base/index.ts';
import { snapshot, type Skipped } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import { git, openRepo, type Repo } from '../git/index.ts';
import type { Present, VerifyDeps } from './types.ts';

/** The repository of a project, or undefined where there is none (or no git). */
export async function repoOf(deps: Pick<VerifyDeps, 'env'>, project: Project): Promise<Repo | undefined> {
  try {
    return await openRepo({ cwd: project.root, env: deps.env });
  } catch (error) {
    if (error instanceof DevenvError && (error.code === 'no-repo' || error.code === 'no-git'))
      return undefined;
    throw error;
  }
}

/** Looks at the work tree: what is there now, as a tree in git. */
export async function lookAt(
  deps: Pick<VerifyDeps, 'clock'>,
  project: Project,
  repo: Repo | undefined,
): Promise<Present> {
  if (!repo) return { repo, snapshot: undefined, tree: null };
  const taken = await snapshot(repo, {
    now: deps.clock.now(),
    maxFileBytes: project.config.checkpoint.maxFileBytes,
  });
  return { repo, snapshot: taken, tree: taken.tree };
}

/** The tracked files whose content is not the one in the snapshot's tree, since it could not be taken. */
export async function untoldFiles({ repo, snapshot: taken }: Present): Promise<readonly Skipped[]> {
  if (!repo || !taken || taken.skipped.length === 0) return [];
  const listed = await git(repo, [
    '--literal-pathspecs',
    'ls-files',
    '-z',
    '--',
    ...taken.skipped.map((one) => one.path),
  ]);
  if (!listed.ok) return taken.skipped;
  const tracked = new Set(listed.stdout.toString('utf8').split('\0'));
  return taken.skipped.filter((one) => tracked.has(one.path));
}

/** `big.bin (larger than 50 MB)`. */
export function describeUntold([first, ...more]: readonly Skipped[]): string {
  if (!first) return '';
  const rest = more.length === 0 ? '' : ` and ${plural(more.length, 'more file')}`;
  return `${showName(first.path)}${rest} (${first.reason})`;
}

/**
 * The files (relative to the repository) by which two trees differ, without those that the suites and gates
 * themselves write: a report that is not ignored by git does not make another program of the code.
 */
export async function codeDifference(
  repo: Repo,
  project: Project,
  trees: { readonly from: string; readonly to: string },
  ignored?: (path: string) => boolean,
): Promise<readonly string[]> {
  const { from, to } = trees;
  if (from === to) return [];
  const result = await git(repo, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', from, to]);
  // An unknown tree cannot be compared: then everything may differ.
  if (!result.ok) return ['.'];
  const isJudged = judgedFiles(repo, project, ignored);
  return result.stdout
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '' && isJudged(name));
}

/** Tells the files whose content a verdict is about: neither reports (nor what lies in a folder of them) nor `ignored` ones. */
export function judgedFiles(
  repo: Repo,
  project: Project,
  ignored: (path: string) => boolean = () => false,
): (name: string) => boolean {
  const outputs = outputPaths(repo, project);
  const isOutput = (name: string): boolean =>
    outputs.some((output) => name === output || name.startsWith(`${output}/`));
  return (name) => !isOutput(name) && !ignored(name);
}

/** Where suites and gates leave their reports, relative to the repository's top. */
function outputPaths(repo: Repo, project: Project): readonly string[] {
  const { suites, gates } = project.config;
  return [...suites.map((suite) => suite.results), ...gates.map((gate) => gate.report)]
    .filter((output) => output !== undefined)
    .map((output) => path.relative(repo.root, path.resolve(project.root, output)))
    .filter((relative) => relative !== '' && !relative.startsWith('..'));
}
