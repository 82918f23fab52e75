import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { DevenvError, messageOf } from '../base/index.ts';
import { buildHosts, buildProject, madeFrom, type BuiltProject, type Source } from './build.ts';
import { readDocument } from './cache.ts';
import { detectProject } from './detect/index.ts';
import { placeIn, type Document } from './document.ts';
import { loadLayout } from './layouts.ts';
import { readOpened, standBeside } from './opened.ts';
import { layoutOverride, overridesFrom } from './overrides.ts';
import type { Problem } from './problems.ts';
import { asList } from './reader.ts';
import { configName, findRoot, isThere, localName, readText } from './root.ts';
import type { Project } from './types.ts';

/**
 * The project around a directory: devenv.yaml (or what `init` would write) with layout, devenv.local.yaml,
 * env files and DEVENV_* variables. `layout` goes over the one the files name.
 * @throws DevenvError 'config' (every problem, one a line), 'unknown-layout', 'usage' (no such directory)
 */
export async function loadProject(input: {
  cwd: string;
  env: NodeJS.ProcessEnv;
  layout?: string | undefined;
}): Promise<Project> {
  const { root, configFile } = findRoot(input.cwd);
  const env = ownEnvironment(input.env, root);
  const asked = input.layout ?? layoutOverride(env);
  const detected = configFile === undefined ? detectProject(root, asked) : undefined;
  const files = await readFiles(root, env, detected?.text);
  const overrides = overridesFrom(env);
  const opened = readOpened(root, env);
  const layout =
    asked ??
    lastLayout(files) ??
    (files.some(hasWindows) ? undefined : { name: 'minimal', place: undefined });
  const wanted = typeof layout === 'string' ? { name: layout, place: undefined } : layout;
  const layouts = wanted ? await loadLayout(root, env, wanted.name, wanted.place) : [];
  const beside = opened ? [standBeside([...layouts, ...files], opened.name)] : [];
  const own = [...files, ...beside, overrides.document];
  const fromFiles = readEnvFiles(root, [...layouts, ...own], env);
  return buildProject({
    root,
    configFile,
    layout: wanted?.name,
    layouts,
    own,
    env,
    fileEnv: fromFiles.variables,
    envFiles: fromFiles.files,
    overrides: { ...overrides.used, ...(asked === undefined ? {} : { DEVENV_LAYOUT: asked }) },
    detected: detected?.found ?? [],
    problems: [...overrides.problems, ...fromFiles.problems],
  });
}

/** What of a configuration says which boxes there are. */
const aboutHosts = new Set(['name', 'hosts', 'env', 'env_file']);

/**
 * The name and the boxes of the project around a directory, without the rest, which costs most of `loadProject`.
 * @throws DevenvError 'config' (what is wrong in these), 'usage' (no such directory)
 */
export async function loadHosts(input: {
  cwd: string;
  env: NodeJS.ProcessEnv;
}): Promise<Pick<Project['config'], 'name' | 'hosts'>> {
  const { root, configFile } = findRoot(input.cwd);
  const env = ownEnvironment(input.env, root);
  const files = await readFiles(root, env, configFile === undefined ? 'hosts: {}\n' : undefined);
  const overrides = overridesFrom(env);
  const own = [...files, overrides.document].map(({ value, at }) => ({
    value: Object.fromEntries(Object.entries(value).filter(([key]) => aboutHosts.has(key))),
    at,
  }));
  const { variables: fileEnv, problems } = readEnvFiles(root, own, env);
  return buildHosts({ root, own, env, fileEnv, problems });
}

/**
 * Gives `auto` ports their numbers, by window, and replaces the `${port.x}` that waited for them. Windows
 * without a number stay `auto`.
 */
export function resolvePorts(project: Project, ports: Readonly<Record<string, number>>): Project {
  const source: Source | undefined = (project as BuiltProject)[madeFrom];
  if (!source) throw new DevenvError('internal', 'resolvePorts needs a project as loadProject gave it');
  return buildProject(source, ports);
}

/** Inside another project's session its DEVENV_* settings are inherited; they are not meant for this one. */
export function ownEnvironment(env: NodeJS.ProcessEnv, root: string): NodeJS.ProcessEnv {
  if (!env['DEVENV_ROOT'] || env['DEVENV_ROOT'] === root) return env;
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^DEVENV_(NAME|LAYOUT|WATCH_|CHECKPOINT_|NIGHTLY_|WORKTREE_|LOGS_)/.test(name),
    ),
  );
}

async function readFiles(
  root: string,
  env: NodeJS.ProcessEnv,
  detected: string | undefined,
): Promise<readonly Document[]> {
  const texts = [
    {
      label: detected === undefined ? configName : `${configName} (detected)`,
      text: detected ?? readConfig(path.join(root, configName)),
    },
    {
      label: localName,
      text: isThere(path.join(root, localName)) ? readConfig(path.join(root, localName)) : undefined,
    },
  ];
  const results = await Promise.allSettled(
    texts.flatMap(({ label, text }) =>
      text === undefined ? [] : [readDocument(env, 'config', label, text)],
    ),
  );
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (failures.length > 1 && failures.every((error) => error instanceof DevenvError))
    throw new DevenvError('config', failures.map(messageOf).join('\n'), failures[0]?.hint);
  if (failures.length > 0) throw failures[0];
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** A pipe would be waited for, without an end. */
function readConfig(file: string): string {
  if (statSync(file, { throwIfNoEntry: false })?.isFIFO())
    throw new DevenvError('config', `${file} is a named pipe`, 'it must be a file that you may read');
  return readText(file);
}

const hasWindows = ({ value }: Document): boolean => Object.keys(value.windows ?? {}).length > 0;

function lastLayout(files: readonly Document[]): { name: string; place: string | undefined } | undefined {
  const file = files.findLast(({ value }) => value.layout !== undefined);
  return file?.value.layout === undefined
    ? undefined
    : { name: file.value.layout, place: placeIn(file.at, ['layout']) };
}

/** Reads the `env_file`s of the topmost document that names any, in their order; later ones win. */
export function readEnvFiles(
  root: string,
  documents: readonly Document[],
  env: NodeJS.ProcessEnv,
): { variables: Record<string, string>; files: string[]; problems: Problem[] } {
  const variables: Record<string, string> = {};
  const files: string[] = [];
  const problems: Problem[] = [];
  const document = documents.findLast(({ value }) => value.env_file !== undefined);
  asList(document?.value.env_file).forEach((entry, i) => {
    const { path: name, optional = false } = typeof entry === 'string' ? { path: entry } : entry;
    const file = path.resolve(
      root,
      name.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (_, key: string) => env[key] ?? ''),
    );
    files.push(file);
    if (existsSync(file)) Object.assign(variables, parseEnv(readText(file)));
    else if (!optional)
      problems.push({
        at: placeIn(document?.at ?? {}, ['env_file', i]) ?? configName,
        message: `env_file: no file ${name} (write { path: ${name}, optional: true } if it may be missing)`,
      });
  });
  return { variables, files, problems };
}
