import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../base/index.ts';
import type { Snapshot } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import type { Repo } from '../git/index.ts';
import {
  codeDifference,
  isOutput,
  lookAt,
  outputPaths,
  type Present,
  type VerifyDeps,
} from '../verify/index.ts';
import { keyOf, marksOf, treeOf } from '../checkpointer/index.ts';
import type { IgnoreRules } from './ignore.ts';

/** What a look at the tree found. */
export interface Looked {
  /** Equal keys are equal code: reports of the suites and what `watch.ignore` names do not count. */
  readonly key: string;
  readonly present: Present;
  /** The files that differ from the look before; asked for only when they matter, since it costs a process. */
  readonly changed: () => Promise<readonly string[]>;
}

/** Looks at the tree, one look at a time. */
export type Look = () => Promise<Looked>;

interface Before {
  readonly key: string;
  /** The key of the last look, which may differ from `key` in what does not count. */
  readonly latest: string;
  /** What the tree of the key differed in from its HEAD. */
  readonly keyFiles: readonly string[];
  readonly head: string | null;
}

const nothing: Pick<Snapshot, 'tree' | 'files' | 'head' | 'skipped'> = {
  tree: '',
  files: [],
  head: null,
  skipped: [],
};

/** Looks through git: the key names a tree. */
export function lookThroughGit(
  deps: VerifyDeps,
  project: Project,
  repo: Repo,
  ignored: (path: string) => boolean,
): Look {
  let before: Before | undefined;
  const outputs = outputPaths(repo, project);
  const matters = (file: string): boolean => !ignored(file) && !isOutput(outputs, file);
  return async () => {
    const present = await lookAt(deps, project, repo);
    const { tree, files, head, skipped } = present.snapshot ?? nothing;
    const old = before;
    const latest = await keyOf(present);
    if (old?.latest === latest) return { key: old.key, present, changed: () => Promise.resolve([]) };
    const differs = (from: string): Promise<readonly string[]> =>
      codeDifference(repo, project, { from: treeOf(from), to: tree }, ignored);
    const changedSince = async (one: Before): Promise<readonly string[]> => [
      ...(await differs(one.latest)),
      ...(marksOf(latest) === marksOf(one.latest) ? [] : skipped.map((file) => file.path)),
    ];
    // Compared with the key itself: many small changes that do not count must not add up unseen. When none
    // of the files that can differ is one that does not count, the trees need not be compared at all.
    const obvious = old === undefined || (old.head === head && [...old.keyFiles, ...files].every(matters));
    const same = !obvious && marksOf(latest) === marksOf(old.key) && (await differs(old.key)).length === 0;
    before = same ? { ...old, latest } : { key: latest, latest, keyFiles: files, head };
    return { key: before.key, present, changed: () => (old ? changedSince(old) : Promise.resolve([])) };
  };
}

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
