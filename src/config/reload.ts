import path from 'node:path';
import { DevenvError } from '../base/index.ts';
import { madeFrom, type BuiltProject, type Source } from './build.ts';
import type { Document } from './document.ts';
import { loadProject } from './load.ts';
import { configName, localName } from './root.ts';
import type { Project } from './types.ts';

/**
 * The project as its files say now; undefined when they still say what it was made of (comments and the order
 * of lines do not count).
 * @throws what `loadProject` throws: now there is a mistake in them
 */
export async function reloadProject(project: Project): Promise<Project | undefined> {
  const source = sourceOf(project);
  if (!source) return undefined;
  const now = await loadProject({
    cwd: project.root,
    env: source.env,
    layout: source.overrides['DEVENV_LAYOUT'],
  });
  if (now.root !== project.root)
    throw new DevenvError('config', `${configName}: it is gone from ${project.root}`, 'put it back');
  const found = sourceOf(now);
  return found && contentOf(found) === contentOf(source) ? undefined : now;
}

/** The files a configuration is read from, whether they are there or not; layouts are not among them. */
export function configFiles(project: Project): readonly string[] {
  const own = [configName, localName].map((name) => path.join(project.root, name));
  return [...own, ...(sourceOf(project)?.envFiles ?? [])];
}

const sourceOf = (project: Project): Source | undefined => (project as BuiltProject)[madeFrom];

function contentOf({ layout, layouts, own, fileEnv, detected }: Source): string {
  const values = (documents: readonly Document[]): unknown => documents.map(({ value }) => value);
  return JSON.stringify([layout, values(layouts), values(own), fileEnv, detected]);
}
