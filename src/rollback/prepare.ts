import { DevenvError } from '../base/index.ts';
import { isAttributes, savePresent } from '../checkpoint/index.ts';
import type { SavedPresent, SavedState, SavePresentInput } from '../checkpoint/index.ts';
import { diffCommits, displayPath, indexStamp, mayConvert, shownPath } from '../git/index.ts';
import type { IndexUpdate, RawPath, Repo, Status } from '../git/index.ts';
import { checkSteps } from './check.ts';
import type { Checked } from './check.ts';
import { planHead, readPositions, refuseCrowded, refuseElsewhere } from './head.ts';
import type { HeadTarget, Positions } from './head.ts';
import { hiddenOf, withoutIgnored, writtenBy } from './ignored.ts';
import type { HeadMove } from './journal.ts';
import { refuseInTheWay, refuseUnknown, selects } from './paths.ts';
import { planIndex, planRollback } from './plan.ts';
import type { Plan } from './plan.ts';

/** A look at the work tree that was begun early, and the index file as it was before. */
export interface Look {
  readonly status: Promise<Status>;
  readonly stamp: string;
}

export interface PutBackInput extends Omit<
  SavePresentInput,
  'include' | 'moves' | 'to' | 'status' | 'converts'
> {
  readonly saved: SavedState;
  /** Of a step that is taken back: the commit that it had put back. */
  readonly put?: string | undefined;
  /** Where branch and HEAD shall be; undefined leaves them. */
  readonly moveTo: HeadTarget | undefined;
  readonly look?: Look;
  readonly dryRun: boolean;
  /** false: of a dry run only the files are asked for, not the warnings that take a try. */
  readonly tryOut?: boolean;
  readonly yes: boolean;
}

/** All that is known before the first file changes. */
export interface Ready {
  readonly present: SavedPresent;
  readonly checked: Checked;
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  readonly index: readonly IndexUpdate[];
  /** The index file as it was when the present was read. */
  readonly indexStamp: string;
  readonly head: HeadMove | null;
  /** Whether git may convert what a checkout writes. */
  readonly converts: boolean;
}

const tries = 6;

/** Saves the present, plans and compares the plan with the disk, until nothing changes any more in between. */
export async function prepare(repo: Repo, input: PutBackInput): Promise<Ready> {
  const written = await writtenBy(repo, input.saved, input.put);
  const include = new Set<RawPath>(await hiddenOf(repo, written, selects(input.paths)));
  let changed: readonly RawPath[] = [];
  const converts = mayConvert(repo);
  converts.catch(() => {}); // told where it is awaited, if nothing else went wrong before
  for (let attempt = 0; attempt < tries; attempt++) {
    const moves = input.moveTo && (await readPositions(repo, input.moveTo));
    const look = attempt === 0 ? input.look : undefined;
    const stamp = look?.stamp ?? indexStamp(repo);
    const present = await savePresent(repo, {
      ...input,
      to: input.saved.commit,
      moves,
      include: [...include],
      status: look?.status,
      converts,
    });
    if (present.snapshot.unmerged) throw unmerged();
    const { plan, differing, index, head } = await makePlan(repo, input, present, { moves, written });
    const files = new Map(present.capture.files.map((file) => [file.path, file]));
    const paths = new Set([...files.keys(), ...present.capture.deleted]);
    const checked = await checkSteps(repo, plan.steps, { paths, files, since: input.now });
    if (checked.unsaved.length === 0 && checked.changed.length === 0) {
      const raw = present.allRaw ? [] : checked.raw;
      const kept = keptOf([...plan.kept, ...checked.kept], present, selects(input.paths));
      const files = checked.steps.length === differing ? undefined : checked.steps.length;
      const saved = raw.length === 0 && files === undefined ? present : await present.knowing({ raw, files });
      // Attributes that only come with this very step are in force for the files that come with them.
      const brings = plan.steps.some(({ path, after }) => after !== null && isAttributes({ path }));
      return {
        present: saved,
        checked,
        kept,
        index,
        indexStamp: stamp,
        head,
        converts: (await converts) || brings,
      };
    }
    for (const path of checked.unsaved) include.add(path);
    changed = checked.changed;
  }
  throw new DevenvError(
    'refused',
    `files change all the time: ${[...changed, ...include].slice(0, 3).map(shownPath).join(', ')}`,
    'stop what writes them and try again; nothing was changed',
  );
}

type Kept = Ready['kept'];

// No snapshot holds how these differ from HEAD, so none puts them back: to be said, or all would seem to be as it was.
function keptOf(planned: Kept, { capture }: SavedPresent, chosen: (path: RawPath) => boolean): Kept {
  const named = new Set(planned.map(({ path }) => path));
  const lacking = capture.skipped.filter((one) => one.changed && chosen(one.raw) && !named.has(one.path));
  return [...planned, ...lacking.map(({ path, reason }) => ({ path, reason }))];
}

function unmerged(): DevenvError {
  return new DevenvError(
    'refused',
    'files are unmerged: putting files back now would mix two states',
    'resolve them and `git add` them, or take them as they were committed: git checkout HEAD -- FILE',
  );
}

interface Planned {
  readonly plan: Plan;
  /** How many files differ, of those that were asked for. */
  readonly differing: number;
  readonly index: readonly IndexUpdate[];
  readonly head: HeadMove | null;
}

async function makePlan(
  repo: Repo,
  input: PutBackInput,
  present: SavedPresent,
  known: { readonly moves: Positions | undefined; readonly written: ReadonlySet<RawPath> },
): Promise<Planned> {
  const { saved, paths } = input;
  const { moves: positions, written } = known;
  const head = input.moveTo && positions ? planHead(present.snapshot, positions, input.moveTo) : null;
  if (head) {
    await refuseElsewhere(repo, head);
    await refuseCrowded(repo, head);
  }
  // With HEAD moving to another commit, the whole index goes along; else only what was staged, on top of the HEAD that stays.
  const whole = head !== null && head.commit !== present.snapshot.head;
  const [found = [], staged = [], raw = []] = await diffCommits(repo, [
    { from: present.snapshot.commit, to: saved.commit },
    { from: whole ? present.snapshot.staged : saved.head, to: saved.staged },
    ...(saved.head === null ? [] : [{ from: saved.head, to: saved.commit }]),
  ]);
  const chosen = selects(paths);
  const { diff, left } = await withoutIgnored(repo, found, {
    saved,
    present: present.snapshot,
    moves: whole,
    written,
  });
  if (paths) await refuseUnknown(repo, paths, { diff, to: saved.commit, name: input.target });
  const uncovered = new Map(
    [...present.snapshot.skipped, ...saved.skipped].map((skip) => [skip.path, skip.reason]),
  );
  const wholly = saved.raw === 'all' || saved.head === null ? diff : raw;
  const rawPaths = new Set(wholly.map((entry) => entry.path));
  if (saved.raw !== 'all') for (const one of saved.raw) rawPaths.add(one);
  const planned = planRollback({
    diff: paths ? diff.filter((entry) => chosen(entry.path)) : diff,
    raw: rawPaths,
    uncovered,
    partial: saved.partial,
  });
  const ignored = left.filter(chosen).map((path) => ({ path: displayPath(path), reason: 'ignored then' }));
  const plan = { steps: planned.steps, kept: [...planned.kept, ...ignored] };
  const differing = found.filter((entry) => chosen(entry.path)).length;
  if (paths) refuseInTheWay(plan.steps, diff);
  const index = planIndex({
    present: whole ? [] : present.capture.staged,
    target: staged,
    announcedNow: present.capture,
    announcedThen: saved,
  });
  if (!paths) return { plan, differing, index, head };
  const named = index.filter((update) => chosen(update.path));
  // git would take a staged file out of the index without a word when one below it comes in.
  refuseInTheWay(
    named.map((update) => ({ path: update.path, after: isGone(update) ? null : update })),
    index.map((update) => ({ path: update.path, newMode: update.mode })),
  );
  return { plan, differing, index: named, head };
}

const isGone = ({ mode }: IndexUpdate): boolean => mode === '000000';
