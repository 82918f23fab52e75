import { DevenvError, plural, showName } from '../base/index.ts';
import { countLines, displayPath, git } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { carryOut } from './carry-out.ts';
import { describeLeaving, readLeaving, warnPushed } from './head.ts';
import { deletesMuch } from './plan.ts';
import type { Step } from './plan.ts';
import { prepare } from './prepare.ts';
import type { PutBackInput } from './prepare.ts';
import { wayBack } from './recover.ts';
import { foretell } from './stage.ts';

/** The work that goes away, as lines of text: what it had added and removed, against what comes back. */
export interface PutAway {
  readonly files: number;
  /** null: too many files to count their lines. */
  readonly added: number | null;
  readonly removed: number | null;
}

/** `+12 -3 lines`, as the work that goes had them; '' when they were not counted. */
export function describeLines({ added, removed }: PutAway): string {
  return added === null || removed === null ? '' : `+${added} -${removed} lines`;
}

/** `a.ts put back and b.ts deleted`; more files than `named` are counted. */
export function describeFiles(
  { written, deleted }: Pick<PutBackResult, 'written' | 'deleted'>,
  named = 3,
): string {
  const few = written.length + deleted.length <= named;
  const what = (paths: readonly string[], done: string): readonly string[] => {
    if (paths.length === 0) return [];
    return [`${few ? paths.map(showName).join(', ') : plural(paths.length, 'file')} ${done}`];
  };
  return [...what(written, 'put back'), ...what(deleted, 'deleted')].join(' and ') || 'no file changed';
}

/** What was (or, for a dry run, would be) done. Paths as people read them, sorted. */
export interface PutBackResult {
  /** The commit that holds the present. */
  readonly from: string;
  /** The ref that keeps it; null when nothing was done. */
  readonly undo: string | null;
  readonly written: readonly string[];
  readonly deleted: readonly string[];
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  /** The staged state was put back too. */
  readonly staged: boolean;
  /** Branch or HEAD moved too. */
  readonly head: boolean;
  readonly putAway: PutAway;
  /** What must be known of it, a line each. */
  readonly warnings: readonly string[];
}

/** Of more files than this the lines are not counted: git would read each of them twice. */
const mostCounted = 500;

/**
 * Makes the work tree and the staged state what a commit of devenv's holds: the present is saved first,
 * then planned, checked, staged beside the work tree, journalled, and only then done, file by file.
 */
export async function putBack(repo: Repo, input: PutBackInput): Promise<PutBackResult> {
  const ready = await prepare(repo, input);
  const steps = ready.checked.steps.map(({ step }) => step);
  const names = (deleted: boolean): string[] =>
    steps
      .filter((step) => (step.after === null) === deleted)
      .map((step) => displayPath(step.path))
      .sort();
  const [deleted, { snapshot }] = [names(true), ready.present];
  if (!input.yes && !input.dryRun) await refuseMuch(repo, snapshot.tree, deleted.length, input);
  const counting = count(repo, { from: input.saved.commit, to: snapshot.commit, steps });
  const warnings = ready.head ? await warnPushed(repo, ready.head) : [];
  const leaving = ready.head ? await readLeaving(repo, ready.head) : [];
  const nothing = steps.length === 0 && ready.index.length === 0 && ready.head === null;
  // Nothing differs. An undo is noted all the same, else the next one would stop at the same entry.
  const does = !input.dryRun && !(nothing && input.kind === 'rollback');
  const done = does ? await carryOut(repo, input, ready) : null;
  const undo = done?.undo ?? null;
  const tries = input.dryRun && input.tryOut !== false && ready.converts;
  const foretold = tries ? await foretell(repo, input.saved.commit, steps) : [];
  return {
    from: snapshot.commit,
    undo,
    written: names(false),
    deleted,
    kept: ready.kept,
    staged: ready.index.length > 0,
    head: ready.head !== null,
    putAway: await counting,
    warnings: [
      ...warnings,
      ...describeLeaving(leaving, { undo, present: snapshot.head }),
      ...(done?.warnings ?? foretold),
    ],
  };
}

// Beside the work, not before it. What cannot be counted must not stop it.
async function count(
  repo: Repo,
  about: { readonly from: string; readonly to: string; readonly steps: readonly Step[] },
): Promise<PutAway> {
  const files = about.steps.length;
  if (files === 0) return { files, added: 0, removed: 0 };
  if (files > mostCounted) return { files, added: null, removed: null };
  try {
    const counts = await countLines(repo, { from: about.from, to: about.to });
    const mine = about.steps.map((step) => counts.get(step.path));
    const sum = (of: 'added' | 'removed'): number => mine.reduce((all, one) => all + (one?.[of] ?? 0), 0);
    return { files, added: sum('added'), removed: sum('removed') };
  } catch {
    return { files, added: null, removed: null };
  }
}

async function refuseMuch(repo: Repo, tree: string, deleted: number, input: PutBackInput): Promise<void> {
  if (deleted <= 20) return;
  const listing = await git(repo, ['ls-tree', '-r', '-z', '--name-only', tree]);
  const files = listing.stdout.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
  if (!deletesMuch(deleted, files)) return;
  throw new DevenvError(
    'refused',
    `the ${input.kind} to ${input.target} would delete ${deleted} of ${files} files`,
    `see them with --dry-run; go ahead with --yes (${wayBack(input.kind)} brings them back)`,
  );
}
