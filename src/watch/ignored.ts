import type { Project } from '../config/index.ts';
import { createGlobs } from './ignore.ts';

/** Whether `watch.ignore` leaves a path (relative to the repository) out of what makes another program. */
export function watchIgnored(project: Project): (path: string) => boolean {
  return createGlobs(project.config.watch.ignore);
}
