import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DevenvError } from '../../src/base/index.ts';
import { loadProject, type Project } from '../../src/config/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';

/** Writes files into a new folder (of that name), and returns it. */
export function projectOf(files: Readonly<Record<string, string>>, name = 'shop'): string {
  const root = path.join(tempDir('config'), name);
  mkdirSync(root, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  return root;
}

/** Loads a project of one devenv.yaml and more files, in an environment of its own. */
export function load(
  yaml: string | undefined,
  files: Readonly<Record<string, string>> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<Project> {
  const root = projectOf({ ...(yaml === undefined ? {} : { 'devenv.yaml': yaml }), ...files });
  return loadProject({ cwd: root, env: testEnv(env) });
}

/** The error that something throws for the user; anything else fails the test. */
export async function errorOf(run: Promise<unknown>): Promise<DevenvError> {
  const result: unknown = await run.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  );
  if (result instanceof DevenvError) return result;
  throw result;
}

/** A window of a project by its name. */
export function windowOf(project: Project, name: string): Project['config']['windows'][number] {
  const found = project.config.windows.find((window) => window.name === name);
  if (!found) throw new Error(`no window ${name}`);
  return found;
}
