import { buildProject } from './build.ts';
import { findRoot } from './root.ts';
import type { Project } from './types.ts';

/** The project around a directory with nothing but defaults, whatever its files say. */
export function bareProject(input: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }): Project {
  return buildProject({
    ...findRoot(input.cwd),
    layout: undefined,
    layouts: [],
    own: [],
    env: input.env,
    fileEnv: {},
    envFiles: [],
    overrides: {},
    detected: [],
    problems: [],
  });
}
