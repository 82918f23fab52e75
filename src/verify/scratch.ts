import { realpathSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import { listTree, scratchWorktree, submoduleMode, type RawPath } from '../git/index.ts';
import type { SuiteResult } from '../suites/index.ts';
import { changeTimes } from './touched.ts';
import type { Present, VerifyDeps } from './types.ts';

/** The place where suites and gates run. */
export interface Place extends AsyncDisposable {
  /** Where the project lies for them; undefined: in the work tree itself. */
  readonly at: string | undefined;
  /** What names the scratch work tree, in the terms of the project. */
  readonly mapped: (text: string) => string;
  /** The files of the tree that were written, or taken away, in a scratch work tree since it was made. */
  readonly rewritten: () => Promise<readonly RawPath[]>;
}

/** The work tree itself. */
export const inPlace: Place = {
  at: undefined,
  mapped: (text) => text,
  rewritten: () => Promise.resolve([]),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/**
 * A scratch work tree of exactly the snapshot's tree: what changes in the live one meanwhile is not in it, and
 * what is written there is thrown away. A text comes back when there can be none.
 */
export async function openScratch(
  project: Project,
  { repo, snapshot }: Present,
  signal: AbortSignal | undefined,
): Promise<Place | string> {
  if (!repo || !snapshot) return 'this is not a git repository';
  try {
    const scratch = await scratchWorktree(repo, snapshot.commit, {
      ...project.config.worktree,
      base: snapshot.head,
      ...(signal ? { signal } : {}),
    });
    const at = path.join(scratch.path, path.relative(repo.root, project.root));
    const files = (await listTree(repo, snapshot.commit)).filter(({ mode }) => mode !== submoduleMode);
    const paths = files.map((file) => file.path);
    const before = await changeTimes(scratch.path, paths);
    const names = [...new Set([scratch.path, realpathSync(scratch.path)])];
    return {
      at,
      mapped: (text) => names.reduce((all, name) => all.replaceAll(name, repo.root), text),
      // Nobody can set a change time, so also what was written and put back is seen.
      rewritten: async () => {
        const after = await changeTimes(scratch.path, paths);
        return paths.filter((_, i) => before[i] !== after[i]);
      },
      [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
    };
  } catch (error) {
    return messageOf(error);
  }
}

/** A result with the paths of the scratch work tree told as those of the project. */
export function mapResult(result: SuiteResult, { at, mapped }: Place): SuiteResult {
  if (at === undefined) return result;
  return {
    ...result,
    output: mapped(result.output),
    failures: result.failures.map((one) => ({
      ...one,
      file: one.file === null ? null : mapped(one.file),
      message: mapped(one.message),
    })),
    ...(result.why === undefined ? {} : { why: mapped(result.why) }),
  };
}

const lacks =
  'a scratch work tree holds no ignored files: name those it needs in worktree.link or worktree.copy, or set checkpoint.verify_in: place';

/**
 * What a scratch work tree says against what is known of the place: a suite that cannot run there, or that fails
 * there although it passed on this very tree in place, tells about the scratch work tree and not about the code.
 */
export function judgeScratch(
  { store }: Pick<VerifyDeps, 'store'>,
  project: Project,
  tree: string | null,
  result: SuiteResult,
): SuiteResult {
  if (result.verdict === 'broken')
    return { ...result, why: `${result.why ?? 'broken'} (in a scratch work tree; ${lacks})` };
  if (result.verdict !== 'failed' || tree === null) return result;
  const known = store.runOn(project.id, result.name, tree);
  if (known?.verdict !== 'passed' || known.reason.endsWith(inScratch)) return result;
  return {
    ...result,
    verdict: 'broken',
    why: `it passes in place on this very tree, but fails in a scratch work tree (${lacks})`,
  };
}

/** Ends the reason of a run that was recorded in a scratch work tree. */
export const inScratch = ' in worktree';
