import type { Snapshot } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import type { Repo } from '../git/index.ts';
import { codeDifference, judgedFiles, lookAt, type Present, type VerifyDeps } from '../verify/index.ts';
import { keyOf, marksOf, treeOf } from './key.ts';

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
  const matters = judgedFiles(repo, project, ignored);
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
