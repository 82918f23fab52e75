import type { Project } from '../config/index.ts';
import { createIgnoreRules } from './ignore.ts';

/** Whether `watch.ignore` leaves a path (relative to the repository) out of what makes another program. */
export function watchIgnored(project: Project): (path: string) => boolean {
  const rules = createIgnoreRules({
    top: project.root,
    excludeFiles: [],
    globs: project.config.watch.ignore,
  });
  return project.config.watch.ignore.length === 0 ? () => false : (path) => rules.ignores(path, false);
}
