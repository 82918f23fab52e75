import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document as YamlDocument,
} from 'yaml';
import type { z } from 'zod';
import { placeIn, type Document, type DocumentKind } from './document.ts';
import { explainIssues } from './explain.ts';
import { throwProblems, type Problem } from './problems.ts';
import { configSchema, layoutSchema, type Written } from './schema.ts';

const schemas: Record<DocumentKind, z.ZodType<Written>> = { config: configSchema, layout: layoutSchema };

/** Parses and validates one file. Errors name `label:line:column`; all of them are reported at once. */
export function parseDocumentText(kind: DocumentKind, label: string, text: string): Document {
  const { value, at } = parseYaml(label, text);
  const schema = schemas[kind];
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data, at };
  const problems = explainIssues(schema, result.error.issues, value).map(({ path, message }) => ({
    at: placeIn(at, path) ?? label,
    message,
  }));
  throwProblems(problems);
  throw new Error('validation failed without an issue');
}

/** Parses YAML into plain data and the place of every key. Syntax errors become one line each. */
export function parseYaml(label: string, text: string): { value: unknown; at: Record<string, string> } {
  const lines = new LineCounter();
  const doc = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    version: '1.2',
    logLevel: 'error',
  });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${label}:${line}:${col}`;
  };
  const repeated =
    doc.errors.length === 0 ? undefined : repeatedKeys(doc, (offset) => lines.linePos(offset).line);
  throwProblems(
    doc.errors.map(({ code, pos: [offset], message }): Problem => ({
      at: place(offset),
      message:
        code === 'MULTIPLE_DOCS'
          ? 'a second document begins here: take the --- away'
          : (repeated?.get(offset) ?? firstLine(message)),
    })),
  );
  throwProblems(
    [...aliasProblems(doc), ...nameProblems(doc)].map(({ offset, message }) => ({
      at: place(offset),
      message,
    })),
  );
  const at: Record<string, string> = { '': place(doc.contents?.range?.[0] ?? 0) };
  notePlaces(doc, doc.contents, [], (path, offset) => (at[path.join('.')] ??= place(offset)));
  const value: unknown = doc.toJS({ maxAliasCount: 100 }) ?? {};
  return { value, at };
}

/** Keys that their mapping has already, by where they stand: the YAML reader names none of them. */
function repeatedKeys(doc: YamlDocument, lineOf: (offset: number) => number): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  visit(doc, {
    Map(_, { items }) {
      const first = new Map<unknown, number>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const offset = key.range?.[0] ?? 0;
        const before = first.get(key.value);
        if (before === undefined) first.set(key.value, offset);
        else
          found.set(
            offset,
            `${String(key.value)} is there twice: line ${lineOf(before)} has that key already`,
          );
      }
    },
  });
  return found;
}

/** Keys that would be lost without a word: to JavaScript they are no name but a mapping's own kind. */
function nameProblems(doc: YamlDocument): { readonly offset: number; readonly message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(doc, {
    Pair(_, { key }) {
      if (isScalar(key) && key.value === '__proto__')
        found.push({
          offset: key.range?.[0] ?? 0,
          message: '__proto__ cannot be a name: choose another one',
        });
    },
  });
  return found;
}

/** Aliases that the YAML reader finds no fault with until it follows them. */
function aliasProblems(doc: YamlDocument): { readonly offset: number; readonly message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(doc, {
    Alias(_, node, parents) {
      const meant = node.resolve(doc);
      const offset = node.range?.[0] ?? 0;
      if (meant === undefined)
        found.push({
          offset,
          message: `*${node.source} is no alias: nothing before it has the anchor &${node.source}`,
        });
      else if (parents.some((parent) => parent === meant))
        found.push({ offset, message: `*${node.source} is part of what it stands for` });
    },
  });
  return found;
}

const firstLine = (message: string): string => message.split('\n')[0] ?? message;

type Note = (path: readonly (string | number)[], offset: number) => void;

/** `<<`, which the YAML reader may give as a symbol. */
const isMerge = (key: unknown): boolean => typeof key === 'symbol' || key === '<<';

function notePlaces(doc: YamlDocument, node: unknown, path: readonly (string | number)[], note: Note): void {
  if (isAlias(node)) notePlaces(doc, node.resolve(doc), path, note);
  else if (isMap(node)) {
    const pairs = node.items.flatMap((pair) =>
      isScalar(pair.key) ? [{ key: pair.key, value: pair.value }] : [],
    );
    // A merge key gives way to the mapping's own keys, so its places are noted last.
    for (const { key, value } of pairs.filter((pair) => !isMerge(pair.key.value))) {
      note([...path, String(key.value)], key.range?.[0] ?? 0);
      notePlaces(doc, value, [...path, String(key.value)], note);
    }
    for (const { value } of pairs.filter((pair) => isMerge(pair.key.value)))
      notePlaces(doc, value, path, note);
  } else if (isSeq(node))
    node.items.forEach((item, i) => {
      note([...path, i], isNode(item) ? (item.range?.[0] ?? 0) : 0);
      notePlaces(doc, item, [...path, i], note);
    });
}
