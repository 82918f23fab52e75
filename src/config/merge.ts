import type { Document } from './document.ts';
import { isTree, type Tree } from './tree.ts';

/** Documents as one; later ones win. `at` tells where each value that won stands. */
export function mergeDocuments(documents: readonly Document[]): Document {
  const value = documents.reduce<Tree>(
    (lower, document) =>
      mergeTrees(focuses(document.value) ? withoutFocus(lower) : lower, document.value, []),
    {},
  );
  const at: Record<string, string> = {};
  for (const document of documents) Object.assign(at, document.at);
  const { extends: _extends, description: _description, ...merged } = value;
  return { value: merged, at };
}

const windowsOf = (tree: Tree): readonly (readonly [string, unknown])[] =>
  Object.entries(tree['windows'] ?? {});
const focuses = (tree: Tree): boolean =>
  windowsOf(tree).some(([, window]) => isTree(window) && window['focus'] === true);

/** There is one focus, so a file that gives it takes it from the windows below. */
function withoutFocus(tree: Tree): Tree {
  const windows = windowsOf(tree).map(([name, window]) => [
    name,
    isTree(window) ? { ...window, focus: false } : window,
  ]);
  return { ...tree, windows: Object.fromEntries(windows) };
}

/** Ways to say the same thing: whoever sets one of them takes the inherited others away. */
const alternatives: readonly { readonly section: string; readonly keys: readonly string[] }[] = [
  { section: 'windows', keys: ['command', 'panes', 'run'] },
  { section: 'gates', keys: ['suites', 'report', 'command'] },
];

/** Mappings merge key by key, everything else replaces; null or false takes an inherited entry away. */
export function mergeTrees(lower: Tree, upper: Tree, path: readonly string[]): Tree {
  const merged = new Map(Object.entries(lower));
  for (const key of alternatives.find((group) => group.section === path[0] && path.length === 2)?.keys ?? [])
    if (Object.hasOwn(upper, key)) for (const other of siblings(path[0] ?? '', key)) merged.delete(other);
  for (const [key, value] of Object.entries(upper)) {
    if (value === undefined) continue;
    const below = merged.get(key);
    if (isRemoval(value, [...path, key])) merged.delete(key);
    else if (isTree(below) && isTree(value) && key !== 'ready')
      merged.set(key, mergeTrees(below, value, [...path, key]));
    else if (isTree(below) && key === 'restart') merged.set(key, { ...below, policy: value });
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

function siblings(section: string, key: string): readonly string[] {
  const keys = alternatives.find((group) => group.section === section)?.keys ?? [];
  return keys.includes(key) ? keys : [];
}

const isRemoval = (value: unknown, path: readonly string[]): boolean =>
  path.length === 2 &&
  (value === null || value === false) &&
  ['windows', 'suites', 'gates', 'hosts'].includes(path[0] ?? '');
