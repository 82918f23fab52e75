import path from 'node:path';
import { DevenvError } from '../base/index.ts';
import { snapshot } from '../checkpoint/index.ts';
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

/**
 * The files (relative to the repository) by which two trees differ, without those that the suites and gates
 * themselves write: a report that is not ignored by git does not make another program of the code.
 */
export async function codeDifference(
  repo: Repo,
  project: Project,
  trees: { readonly from: string; readonly to: string },
  ignored: (path: string) => boolean = () => false,
): Promise<readonly string[]> {
  const { from, to } = trees;
  if (from === to) return [];
  const result = await git(repo, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', from, to]);
  // An unknown tree cannot be compared: then everything may differ.
  if (!result.ok) return ['.'];
  const outputs = outputPaths(repo, project);
  return result.stdout
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '' && !isOutput(outputs, name) && !ignored(name));
}

/** Whether a path is one of the reports, or lies in a folder of them. */
export function isOutput(outputs: readonly string[], name: string): boolean {
  return outputs.some((output) => name === output || name.startsWith(`${output}/`));
}

/** Where suites and gates leave their reports, relative to the repository's top. */
export function outputPaths(repo: Repo, project: Project): readonly string[] {
  const { suites, gates } = project.config;
  return [...suites.map((suite) => suite.results), ...gates.map((gate) => gate.report)]
    .filter((output) => output !== undefined)
    .map((output) => path.relative(repo.root, path.resolve(project.root, output)))
    .filter((relative) => relative !== '' && !relative.startsWith('..'));
}
