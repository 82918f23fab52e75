import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, errnoOf, explainFsError, findHome, messageOf } from '../base/index.ts';
import { detectDraft } from './detect/index.ts';
import { filesOf } from './detect/files.ts';
import type { Draft } from './detect/types.ts';
import { draftText } from './draft.ts';
import { listLayouts, loadLayout } from './layouts.ts';
import { loadProject } from './load.ts';
import { configName, findRoot } from './root.ts';
import type { Project } from './types.ts';

export interface InitOutcome {
  /** The file that was written. */
  readonly file: string;
  readonly project: Project;
  /** What it was made from, one line each. */
  readonly found: readonly string[];
}

/**
 * Writes devenv.yaml from what the project holds, or from a file of another tool. Never overwrites.
 * @throws DevenvError 'refused' (there is one), 'unknown-layout', 'usage' and 'config' (the file to import)
 */
export async function initProject(input: {
  cwd: string;
  env: NodeJS.ProcessEnv;
  layout?: string | undefined;
  from?: string | undefined;
}): Promise<InitOutcome> {
  const { root, configFile } = findRoot(input.cwd);
  if (configFile !== undefined) throw exists(configFile);
  // An unknown layout must be found out before anything is written.
  if (input.layout !== undefined) await checkLayout(root, input.env, input.layout);
  const draft =
    input.from === undefined
      ? detectDraft(filesOf(root), input.layout)
      : await importDraft(path.resolve(input.cwd, input.from), root, input.env, input.layout);
  const file = path.join(root, configName);
  writeNew(file, draftText(root, draft));
  return { file, project: await loadProject({ cwd: root, env: input.env }), found: draft.found };
}

function exists(file: string): DevenvError {
  return new DevenvError(
    'refused',
    `${file} exists already`,
    'edit it, or move it away and run `devenv init` again',
  );
}

function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    throw errnoOf(error) === 'EEXIST' ? exists(file) : explainFsError(error, `writing ${file}`);
  }
}

async function checkLayout(root: string, env: NodeJS.ProcessEnv, layout: string): Promise<void> {
  if (!listLayouts(root, env).includes(layout)) await loadLayout(root, env, layout);
}

async function importDraft(
  file: string,
  root: string,
  env: NodeJS.ProcessEnv,
  layout: string | undefined,
): Promise<Draft> {
  const { importText } = await import('./import/index.ts');
  const imported = importText(file, readImport(file), { root, home: findHome(env) });
  const detected = detectDraft(filesOf(root));
  const windows = Object.keys(imported.windows);
  return {
    ...(imported.name === undefined ? {} : { name: imported.name }),
    layout: layout ?? imported.layout,
    ...(imported.env === undefined ? {} : { env: imported.env }),
    windows: imported.windows,
    suites: detected.suites,
    gates: detected.gates,
    found: [`${path.basename(file)} (${imported.tool}): ${windows.join(', ')}`, ...imported.left],
  };
}

function readImport(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new DevenvError(
      'usage',
      `cannot read ${file}: ${messageOf(error)}`,
      'name a tmuxinator, tmuxp or Procfile file',
      error,
    );
  }
}
