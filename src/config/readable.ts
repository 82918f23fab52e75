import path from 'node:path';
import { DevenvError } from '../base/index.ts';
import { buildProject } from './build.ts';
import type { Document } from './document.ts';
import { ownEnvironment, readEnvFiles } from './load.ts';
import { overridesFrom } from './overrides.ts';
import { configName, findRoot, isThere, localName, readText } from './root.ts';
import { isTree, treeOf } from './tree.ts';
import type { Project } from './types.ts';

/** What others refer to. */
const basis = ['env_file', 'env'];

/**
 * The project with its defaults and, of its files, those of the `wanted` settings (`name`, `logs.dir`, each of
 * `hosts`) that can be read: for a configuration that has a mistake elsewhere. `unread` are those that cannot.
 */
export async function readableProject(input: {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly wanted: readonly string[];
}): Promise<{ readonly project: Project; readonly unread: readonly string[] }> {
  const { parseDocumentText, parseYaml } = await import('./parse.ts');
  const found = findRoot(input.cwd);
  const env = ownEnvironment(input.env, found.root);
  const wanted = [...basis, ...input.wanted];
  const unread = new Set<string>();
  const own: Document[] = [];
  const build = (documents: readonly Document[]): Project => {
    const { variables: fileEnv, files: envFiles, problems } = readEnvFiles(found.root, documents, env);
    const none = { layout: undefined, layouts: [], overrides: {}, detected: [] };
    return buildProject({ ...found, ...none, own: documents, env, fileEnv, envFiles, problems });
  };
  const attempt = <T>(name: string, make: () => T): T | undefined => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof DevenvError)) throw error;
      unread.add(name);
      return undefined;
    }
  };
  const take = (label: string, value: unknown): void => {
    for (const [name, part] of partsOf(value, wanted))
      attempt(name, () => {
        const document = parseDocumentText('config', label, JSON.stringify(part));
        build([...own, document]);
        own.push(document);
      });
  };
  const parse = (text: string): unknown => parseYaml('', text).value;
  for (const label of [configName, localName]) {
    const file = path.join(found.root, label);
    const text = isThere(file) ? attempt(label, () => readText(file)) : undefined;
    for (const [name, block] of blocksOf(text ?? '', parse))
      if (name === '' || wanted.some((one) => one.split('.')[0] === name))
        take(
          label,
          attempt(name || label, () => parse(block)),
        );
  }
  take('', overridesFrom(env).document.value);
  return { project: build(own), unread: [...unread] };
}

/** A text that is no YAML as a whole, cut before each key of the top, and by that key; marks of a conflict left out. */
function blocksOf(text: string, parse: (text: string) => unknown): ReadonlyMap<string, string> {
  const blocks = new Map<string, string>();
  try {
    parse(text);
    blocks.set('', text);
  } catch {
    for (const block of text.split(/^(?=\w+\s*:|[<=>|]{7})/m)) {
      const name = /^\w*/.exec(block)?.[0] ?? '';
      // What is there twice stays together, since it is a mistake itself.
      if (!/^[<=>|]{7}/.test(block)) blocks.set(name, (blocks.get(name) ?? '') + block);
    }
  }
  return blocks;
}

/** The wanted parts of a document, each as a document of its own, with its path. */
function partsOf(value: unknown, wanted: readonly string[]): readonly (readonly [string, object])[] {
  const keys = [...new Set(wanted.map((one) => one.split('.')[0] ?? ''))];
  const parts = keys.flatMap((key): (readonly [string, object])[] => {
    const part = treeOf(value)[key];
    if (part === undefined) return [];
    if (basis.includes(key) || !isTree(part)) return [[key, { [key]: part }]];
    return Object.entries(part).map(([name, one]) => [`${key}.${name}`, { [key]: { [name]: one } }]);
  });
  const within = (one: string, other: string): boolean => `${one}.`.startsWith(`${other}.`);
  return parts.filter(([name]) => wanted.some((one) => within(one, name) || within(name, one)));
}
