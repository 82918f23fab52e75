import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { configDir, DevenvError, nearest, packageRoot } from '../base/index.ts';
import { readDocument } from './cache.ts';
import { placeIn, type Document } from './document.ts';
import { didYouMean } from './problems.ts';
import { readText } from './root.ts';
import { namePattern } from './words.ts';

/** A folder of layouts, and how its files are called in messages. */
interface Shelf {
  readonly dir: string;
  readonly label: (file: string) => string;
}

/** A layout to find: on the shelves from this index on. */
interface Wanted {
  readonly name: string;
  readonly place: string | undefined;
  readonly from: number;
}

/** Where layouts are looked for: the project's, the user's, the shipped ones. */
function shelves(root: string, env: NodeJS.ProcessEnv): readonly Shelf[] {
  const own = path.join(root, '.devenv', 'layouts');
  const user = path.join(configDir(env), 'layouts');
  return [
    { dir: own, label: (file) => `.devenv/layouts/${file}` },
    { dir: user, label: (file) => path.join(user, file) },
    { dir: path.join(packageRoot(), 'layouts'), label: (file) => `layouts/${file}` },
  ];
}

/** The names of all layouts this project can use, sorted. */
export function listLayouts(root: string, env: NodeJS.ProcessEnv): readonly string[] {
  const files = shelves(root, env).flatMap(({ dir }) => (existsSync(dir) ? readdirSync(dir) : []));
  const names = files.filter((file) => file.endsWith('.yaml')).map((file) => file.slice(0, -'.yaml'.length));
  return [...new Set(names)].toSorted();
}

/**
 * A layout and what it extends, the lowest first. A layout that extends its own name means the next one of
 * that name: a project's `web` can build on the shipped `web`. `place` is where the name was written.
 * @throws DevenvError 'unknown-layout', 'config' (a circle, or a bad file)
 */
export async function loadLayout(
  root: string,
  env: NodeJS.ProcessEnv,
  name: string,
  place?: string,
): Promise<readonly Document[]> {
  const places = shelves(root, env);
  const documents: Document[] = [];
  const seen = new Set<string>();
  for (let wanted: Wanted | undefined = { name, place, from: 0 }; wanted;) {
    const found: Found = findLayout(places, wanted, () => listLayouts(root, env));
    if (seen.has(found.file))
      throw new DevenvError(
        'config',
        `${wanted.place ?? found.label}: layouts extend each other in a circle at "${wanted.name}"`,
        'let one of them end the chain',
      );
    seen.add(found.file);
    const document = await readDocument(env, 'layout', found.label, readText(found.file));
    documents.unshift(document);
    wanted = baseOf(document, wanted.name, found.index);
  }
  return documents;
}

/** A layout's file, and the index of its shelf. */
interface Found {
  readonly file: string;
  readonly label: string;
  readonly index: number;
}

function findLayout(places: readonly Shelf[], wanted: Wanted, known: () => readonly string[]): Found {
  const { name, place, from } = wanted;
  const fileIn = (shelf: Shelf): string => path.join(shelf.dir, `${name}.yaml`);
  const index = namePattern.test(name)
    ? places.findIndex((shelf, i) => i >= from && existsSync(fileIn(shelf)))
    : -1;
  const shelf = places[index];
  if (!shelf) throw unknownLayout(name, place, known());
  return { file: fileIn(shelf), label: shelf.label(`${name}.yaml`), index };
}

function baseOf(document: Document, name: string, index: number): Wanted | undefined {
  const base = document.value.extends;
  if (base === undefined) return undefined;
  return { name: base, place: placeIn(document.at, ['extends']), from: base === name ? index + 1 : 0 };
}

function unknownLayout(name: string, place: string | undefined, known: readonly string[]): DevenvError {
  const where = place === undefined ? '' : `${place}: `;
  return new DevenvError(
    'unknown-layout',
    `${where}unknown layout "${name}"${didYouMean(nearest(name, known))}`,
    `layouts: ${known.join(', ')}; your own go to .devenv/layouts/`,
  );
}
