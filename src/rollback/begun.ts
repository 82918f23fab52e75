import { DevenvError } from '../base/index.ts';
import { listUndoEntries } from '../checkpoint/index.ts';
import type { StepKind } from '../checkpoint/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import type { PutBackResult } from './put-back.ts';
import type { Recovery } from './recover.ts';

/** The very rollback that was asked for had been killed and is finished now: what was edited since is left, as it says. */
export async function goneOn(
  repo: Repo,
  recovered: Recovery,
  wanted: {
    readonly target: string;
    readonly paths: readonly RawPath[] | undefined;
    readonly head: boolean;
  },
): Promise<PutBackResult | undefined> {
  const { kind, outcome, name, undo, left } = recovered;
  if (kind !== 'rollback' || outcome !== 'finished' || name !== wanted.target || left.length === 0)
    return undefined;
  const entry = (await listUndoEntries(repo)).find((one) => one.ref === undo);
  const same =
    entry?.movedHead === wanted.head &&
    JSON.stringify(entry.paths ?? []) === JSON.stringify(wanted.paths ?? []);
  const result = same ? finishedBefore(recovered, 'rollback') : undefined;
  return result && { ...result, warnings: [`what was edited since was left; ${again}`] };
}

const again = 'the same rollback once more puts it back too (devenv undo brings it back then)';

/** What is to be taken back was killed before it changed a file: it is taken back by forgetting it. */
export function givenUp(
  { kind, outcome, present }: Recovery,
  wanted: 'undo' | 'redo',
): PutBackResult | undefined {
  const opposite = wanted === 'undo' ? kind !== 'undo' : kind === 'undo';
  return outcome === 'nothing-done' && opposite ? { ...nothingDone, from: present } : undefined;
}

const nothingDone: Omit<PutBackResult, 'from'> = {
  undo: null,
  written: [],
  deleted: [],
  kept: [],
  staged: false,
  head: false,
  putAway: { files: 0, added: 0, removed: 0 },
  warnings: [],
};

/** What was asked for had been killed half way, and is finished now. */
export function finishedBefore(recovered: Recovery, wanted: StepKind): PutBackResult | undefined {
  const { kind, outcome, undo, name, present, written, deleted, left } = recovered;
  if (kind !== wanted || undo === null) return undefined;
  if (outcome !== 'finished')
    throw new DevenvError(
      'refused',
      `the ${kind} to ${name} was killed half way and HEAD moved since: it was given up`,
      `devenv rollback ${shortUndo(name)} brings back what it was to bring, devenv rollback ${shortUndo(undo)} what was before it`,
    );
  const kept = left.map((path) => ({ path, reason: `edited since the ${kind} was killed` }));
  const putAway = { files: written.length + deleted.length, added: null, removed: null };
  return { ...nothingDone, from: present, undo, written, deleted, kept, staged: true, putAway };
}

function shortUndo(ref: string): string {
  return ref.replace('refs/devenv/', '');
}
