import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheDir, packageRoot, randomId, shortHash } from '../base/index.ts';
import type { Document, DocumentKind } from './document.ts';
import { isTree } from './tree.ts';

/** More entries than this and the oldest half goes. */
const maxEntries = 200;

/**
 * A file's text as a validated document. Loading yaml and zod costs more than starting Node, so what they
 * made of a text is kept under the hash of that text (and of the schema and this program): a repeat reads
 * one small JSON file. The cache may be missing, unwritable or corrupt: then the text is parsed again.
 */
export async function readDocument(
  env: NodeJS.ProcessEnv,
  kind: DocumentKind,
  label: string,
  text: string,
): Promise<Document> {
  const file = entryFile(env, kind, label, text);
  const cached = file === undefined ? undefined : readEntry(file);
  if (cached) return cached;
  const { parseDocumentText } = await import('./parse.ts');
  const document = parseDocumentText(kind, label, text);
  if (file !== undefined) writeEntry(file, document);
  return document;
}

function entryFile(env: NodeJS.ProcessEnv, ...key: readonly string[]): string | undefined {
  try {
    const schema = readFileSync(path.join(packageRoot(), 'schema/devenv.schema.json'), 'utf8');
    // The bundle's file name changes with its content, the schema with the rules for a document.
    const hash = shortHash(JSON.stringify([import.meta.filename, schema, ...key]), 32);
    return path.join(cacheDir(env), 'config', `${hash}.json`);
  } catch {
    return undefined; // no schema to key by, or no home to cache in
  }
}

function readEntry(file: string): Document | undefined {
  try {
    const entry: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isDocument(entry) ? entry : undefined;
  } catch {
    return undefined; // not there yet, or damaged: it is made again
  }
}

function isDocument(entry: unknown): entry is Document {
  return isTree(entry) && isTree(entry['value']) && isTree(entry['at']);
}

function writeEntry(file: string, document: Document): void {
  const temporary = `${file}.${randomId()}`;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, JSON.stringify(document), { mode: 0o600 });
    renameSync(temporary, file);
    prune(path.dirname(file));
  } catch {
    // Without a cache the next command is some milliseconds slower, that is all.
    discard(temporary);
  }
}

function discard(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Where nothing can be written (a file in place of the folder), nothing was left either.
  }
}

function prune(dir: string): void {
  const names = readdirSync(dir);
  if (names.length <= maxEntries) return;
  const aged = names
    .map((name) => ({ name, at: statSync(path.join(dir, name)).mtimeMs }))
    .toSorted((a, b) => a.at - b.at);
  for (const { name } of aged.slice(0, maxEntries / 2)) discard(path.join(dir, name));
}
