import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../base/index.ts';
import type { Look } from '../checkpointer/index.ts';
import type { IgnoreRules } from './ignore.ts';

interface KnownFile {
  readonly stamp: string;
  readonly hash: string;
}

/** Looks by itself where there is no repository: the key is a hash over names and contents. */
export function lookAtFolder(root: string, rules: IgnoreRules, outputs: readonly string[]): Look {
  let known = new Map<string, KnownFile>();
  return () => {
    const now = new Map<string, KnownFile>();
    for (const file of walk(root, '', rules)) {
      if (outputs.includes(file)) continue;
      const found = readFile(path.join(root, file), known.get(file));
      if (found) now.set(file, found);
    }
    const names = new Set([...known.keys(), ...now.keys()]);
    const changed = [...names].filter((file) => known.get(file)?.hash !== now.get(file)?.hash);
    known = now;
    const hash = createHash('sha256');
    for (const [file, { hash: content }] of [...now].sort(([a], [b]) => (a < b ? -1 : 1)))
      hash.update(`${file}\0${content}\0`);
    return Promise.resolve({
      key: `content:${hash.digest('hex').slice(0, 40)}`,
      present: { repo: undefined, snapshot: undefined, tree: null },
      changed: () => Promise.resolve(changed),
    });
  };
}

function* walk(root: string, folder: string, rules: IgnoreRules): Generator<string> {
  for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
    const relative = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (rules.ignores(relative, entry.isDirectory())) continue;
    if (entry.isDirectory()) yield* walk(root, relative, rules);
    else if (entry.isFile()) yield relative;
  }
}

function readFile(file: string, before: KnownFile | undefined): KnownFile | undefined {
  try {
    const info = statSync(file, { bigint: true });
    const stamp = `${info.ino} ${info.ctimeNs} ${info.mtimeNs} ${info.size}`;
    if (before?.stamp === stamp) return before;
    return { stamp, hash: createHash('sha256').update(readFileSync(file)).digest('hex') };
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EISDIR'].includes(errnoOf(error) ?? '')) return undefined; // gone, or not ours to read
    throw error;
  }
}
