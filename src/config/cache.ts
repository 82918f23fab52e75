import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheDir, makeDir, packageRoot, quickHash, randomId } from '../base/index.ts';
import type { Document, DocumentKind } from './document.ts';
import { isTree } from './tree.ts';

/** More entries than this and the oldest half goes. */
const maxEntries = 200;

/**
 * A file's text as a validated document. Loading yaml and zod costs more than starting Node, so what they
 * made of a text is kept beside that very text: a repeat reads one small JSON file and compares. The cache
 * may be missing, unwritable or corrupt: then the text is parsed again.
 */
export async function readDocument(
  env: NodeJS.ProcessEnv,
  kind: DocumentKind,
  label: string,
  text: string,
): Promise<Document> {
  const made = [programVersion(), kind, label, text].join('\0');
  const file = entryFile(env, made);
  const cached = file === undefined ? undefined : readEntry(file, made);
  if (cached) return cached;
  const { parseDocumentText } = await import('./parse.ts');
  const document = parseDocumentText(kind, label, text);
  if (file !== undefined) writeEntry(file, { made, ...document });
  return document;
}

interface Entry extends Document {
  /** What the document was made of, whole: the file's name is a hash and only likely to be right. */
  readonly made: string;
}

/** Changes with this program: the folder of the bundles with their code, the schema's time with its rules. */
function programVersion(): string {
  const schema = statSync(path.join(packageRoot(), 'schema', 'devenv.schema.json'), {
    throwIfNoEntry: false,
  });
  return `${import.meta.dirname} ${schema?.mtimeMs ?? 0} ${schema?.size ?? 0}`;
}

function entryFile(env: NodeJS.ProcessEnv, made: string): string | undefined {
  try {
    return path.join(cacheDir(env), 'config', `${quickHash(made)}.json`);
  } catch {
    return undefined; // no home to cache in
  }
}

function readEntry(file: string, made: string): Document | undefined {
  try {
    const entry: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isEntry(entry) && entry.made === made ? { value: entry.value, at: entry.at } : undefined;
  } catch {
    return undefined; // not there yet, or damaged: it is made again
  }
}

function isEntry(entry: unknown): entry is Entry {
  return isTree(entry) && isTree(entry['value']) && isTree(entry['at']);
}

function writeEntry(file: string, entry: Entry): void {
  const temporary = `${file}.${randomId()}`;
  try {
    makeDir(path.dirname(file));
    writeFileSync(temporary, JSON.stringify(entry), { mode: 0o600 });
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
