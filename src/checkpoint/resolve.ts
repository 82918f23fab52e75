import { DevenvError, nearest, showName } from '../base/index.ts';
import { readRef, settleImports, type Repo } from '../git/index.ts';
import { checkpointNames, lastGood, readAll, readCheckpoints } from './list.ts';
import type { Draft } from './row.ts';
import { isOfWorktree } from './origin.ts';
import { checkpointRefs, compareNames, encodeHost, hostRefs, pinRefs, trashRefs } from './names.ts';
import { comparePulled, splitPulled } from './pulled.ts';
import type { Checkpoint } from './types.ts';

/**
 * The checkpoint a person names: its tag, a unique beginning of it (with or without `checkpoint-`),
 * `last`, `-1` (the newest of this work tree), `-2`, ...; nothing is the last good one. `HOST/NAME` is one that `host pull` brought, with
 * `present` for the work tree of that box. `root` is the project for which the last good one is asked. Throws 'unknown-tag'.
 */
export async function resolveCheckpoint(
  repo: Repo,
  name: string | undefined,
  root?: string,
): Promise<Checkpoint> {
  await settleImports(repo);
  if (name === undefined) return (await lastGood(repo, root)) ?? noGood();
  const found =
    (await readExact(repo, name)) ?? (await pickPulled(repo, name)) ?? (await pickAlsoTrashed(repo, name));
  return { ...found, filesChanged: found.filesChanged ?? 0 };
}

async function pickPulled(repo: Repo, name: string): Promise<Draft | undefined> {
  const { host, rest } = splitPulled(name);
  if (host === undefined) return undefined;
  const found = await readCheckpoints(repo, [hostRefs + encodeHost(host)]);
  if (found.length === 0)
    throw new DevenvError(
      'unknown-tag',
      `there is no checkpoint ${showName(name)}: nothing was brought from ${showName(host)} yet`,
      `devenv host pull ${showName(host)} brings its checkpoints here`,
    );
  const bare = found
    .toSorted((a, b) => comparePulled(b.tag, a.tag))
    .map((draft) => ({ ...draft, tag: splitPulled(draft.tag).rest }));
  const present = bare.find(({ tag }) => tag === rest && tag === 'present');
  const one =
    present ??
    pick(
      bare.filter(({ tag }) => tag !== 'present'),
      rest,
      name,
    );
  return { ...one, tag: `${host}/${one.tag}` };
}

// One in the trash must be named in full: nobody gets an old one by a slip of the finger.
async function pickAlsoTrashed(repo: Repo, name: string): Promise<Draft> {
  const all = await readAll(repo);
  try {
    return pick(all, name, name, isOfWorktree(repo));
  } catch (error) {
    const trashed = await readCheckpoints(repo, [trashRefs, `${pinRefs}undo`]);
    const found = trashed.find(({ tag }) => tag === name || tag === `checkpoint-${name}`);
    if (!found) throw error;
    return found;
  }
}

// A whole name, or the newest, needs no look at the thousands of others.
async function readExact(repo: Repo, name: string): Promise<Draft | undefined> {
  const names = await checkpointNames(repo);
  const tag =
    name === 'last' || name === '-1'
      ? names[0]
      : names.find((one) => one === name.replace(/^refs\/tags\//, ''));
  if (tag === undefined) return undefined;
  const [found] = await readCheckpoints(repo, [checkpointRefs + tag]);
  const isNamed = name !== 'last' && name !== '-1';
  // The newest may be another work tree's.
  if (found && !isNamed && !isOfWorktree(repo)(found)) return undefined;
  if (!found && isNamed && (await readRef(repo, checkpointRefs + tag)) === undefined) throw brokenRef(tag);
  return found;
}

function brokenRef(name: string): DevenvError {
  return new DevenvError(
    'unknown-tag',
    `${name} is broken (a power cut?)`,
    'devenv doctor --fix puts it aside, or back where a tag still has it',
  );
}

function noGood(): never {
  throw new DevenvError(
    'unknown-tag',
    'there is no good checkpoint yet',
    'name one of `devenv checkpoints`, or make one with `devenv checkpoint`',
  );
}

function pick(
  all: readonly Draft[],
  name: string,
  asked = name,
  isHere: (one: Draft) => boolean = () => true,
): Draft {
  const short = name.replace(/^(refs\/)?(tags\/|devenv\/checkpoints\/)/, '');
  const exact =
    all.find((draft) => draft.tag === short || draft.tag === `checkpoint-${short}`) ??
    fromEnd(all, short, isHere);
  if (exact) return exact;
  const begins = all.filter(
    (draft) =>
      short !== '' &&
      (draft.tag.startsWith(short) ||
        draft.tag.startsWith(`checkpoint-${short}`) ||
        (short.length >= 7 && draft.commit.startsWith(short))),
  );
  if (begins.length === 1 && begins[0]) return begins[0];
  if (begins.length > 1)
    throw new DevenvError(
      'unknown-tag',
      `${asked} could be any of ${begins.length} checkpoints: ${begins
        .slice(0, 3)
        .map((draft) => draft.tag)
        .join(', ')}${begins.length > 3 ? ', ...' : ''}`,
      'write more of the name',
    );
  throw new DevenvError(
    'unknown-tag',
    `there is no checkpoint ${asked === 'last' ? (all.length === 0 ? 'yet' : 'of this work tree yet') : asked}`,
    all.length === 0 || asked === 'last' ? '`devenv checkpoint` makes one' : nearHint(all, short),
  );
}

function nearHint(all: readonly Draft[], name: string): string {
  const tags = all.map((draft) => draft.tag);
  const near = nearest(name, tags);
  if (near !== undefined) return `did you mean ${near}?`;
  // A moment at which there was none: its neighbours are what is looked for.
  const stamp = /^(?:checkpoint-)?(\d{8}(?:-\d{0,6})?)$/.exec(name)?.[1];
  if (stamp === undefined) return 'see `devenv checkpoints`';
  const after = tags.findLast((tag) => compareNames(tag, `checkpoint-${stamp}`) > 0);
  const before = tags.find((tag) => compareNames(tag, `checkpoint-${stamp}`) < 0);
  return `the nearest are ${[before, after].filter((tag) => tag !== undefined).join(' and ')}`;
}

/** What another work tree made (an agent's, one of `devenv open`) is none of the past of this one. */
function fromEnd(all: readonly Draft[], name: string, isHere: (one: Draft) => boolean): Draft | undefined {
  const back = name === 'last' ? 1 : Number(/^-(\d+)$/.exec(name)?.[1]);
  return Number.isNaN(back) ? undefined : all.filter(isHere)[back - 1];
}
