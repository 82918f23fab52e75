import { readFileSync } from 'node:fs';
import path from 'node:path';
import { makeDir, replaceFile, shortHash, stateDir } from '../base/index.ts';
import {
  looseState,
  packNames,
  packedState,
  readLooseRefs,
  readObjects,
  readPackedRefs,
  type Repo,
  type SeenRef,
} from '../git/index.ts';
import { checkpointRefs, compareNames } from './names.ts';
import { parseCommit, type Draft } from './row.ts';

/*
 * What the commits of checkpoints say never changes, so it is read from git once; after that only which refs there are,
 * and where they point, is looked at. Losing the file costs only time. A list is never read from it where a pack is gone
 * that it was read from: then git says again what is there.
 */

/** What many checkpoints have in common, so that it is written down once. */
type Rest = Omit<Draft, 'tag' | 'commit' | 'tree' | 'verdict' | 'at' | 'filesChanged'>;
/** Tag, what its ref's file is recognized by ('': it is packed), commit, tree, verdict, moment, files (-1: not known), place of the rest. */
type Row = [string, string, string, string, Draft['verdict'], string, number, number];

const noRest: Rest = {
  branch: null,
  head: null,
  message: '',
  reason: '',
  suites: [],
  session: null,
  worktree: 'main',
  worktreeMark: null,
  project: null,
  partial: false,
  skipped: [],
};

interface Known {
  /** `looseState` and `packedState` when they were read, and the packs of objects there were. */
  readonly loose: string;
  readonly packed: string;
  readonly packs: readonly string[];
  readonly rests: readonly Rest[];
  /** Newest first. */
  readonly rows: readonly Row[];
  readonly broken: readonly string[];
}

/** Checkpoints, newest first, and the names of those whose ref or commit is broken. */
export interface Listing {
  readonly drafts: readonly Draft[];
  readonly broken: readonly string[];
}

/** All checkpoints, newest first; undefined where only git can tell which there are. */
export async function readKnown(repo: Repo): Promise<Listing | undefined> {
  if (repo.refFormat !== 'files') return undefined;
  const packs = [...packNames(repo)];
  const looseNow = looseState(repo, checkpointRefs);
  const known = readFile(repo, packs);
  const isSame = (was: string | undefined, now: string): boolean => now !== '' && was === now;
  if (known && isSame(known.loose, looseNow) && isSame(known.packed, packedState(repo)))
    return { drafts: draftsOf(known), broken: known.broken };
  const rows = known?.rows ?? [];
  const loose = readLoose(repo, rows);
  if (loose === undefined) return undefined;
  // After the loose ones, as git does: one that is packed meanwhile is in both. One that is loose no more may show
  // what was packed under it.
  const when: When = { packs, loose: looseNow, packed: packedState(repo) };
  const isPackedSame =
    isSame(known?.packed, when.packed) && rows.every(([tag, file]) => file === '' || loose.has(tag));
  const packed = isPackedSame ? 'same' : readPackedRefs(repo, checkpointRefs);
  if (packed === undefined) return undefined;
  const packedNow = (tag: string, file: string, commit: string): string | undefined =>
    packed === 'same' ? (file === '' ? commit : undefined) : packed.get(tag);
  const kept = rows.filter(
    ([tag, file, commit]) => (loose.get(tag)?.commit ?? packedNow(tag, file, commit)) === commit,
  );
  const before = draftsOf({ rests: known?.rests ?? [], rows: kept });
  const listing = await addNew(repo, before, { loose, packed });
  if (isWorthIt(known, listing.drafts)) writeFile(repo, when, listing, loose);
  return listing;
}

type Loose = ReadonlyMap<string, SeenRef>;
type When = Pick<Known, 'loose' | 'packed' | 'packs'>;

function readLoose(repo: Repo, rows: readonly Row[]): Loose | undefined {
  const before = new Map<string, SeenRef>();
  for (const [tag, file, commit] of rows) if (file !== '') before.set(tag, { commit, file });
  return readLooseRefs(repo, checkpointRefs, (name) => before.get(name));
}

/** Adds what is not known yet, all of it read in one process; newest first. */
async function addNew(
  repo: Repo,
  known: readonly Draft[],
  { loose, packed }: { readonly loose: Loose; readonly packed: ReadonlyMap<string, string> | 'same' },
): Promise<Listing> {
  const have = new Set(known.map(({ tag }) => tag));
  const asked = [...loose].map(([tag, { commit }]) => ({ tag, commit }));
  if (packed !== 'same') for (const [tag, commit] of packed) if (!loose.has(tag)) asked.push({ tag, commit });
  const broken = new Set(asked.filter(({ commit }) => commit === '').map(({ tag }) => tag));
  const lacking = asked.filter(({ tag }) => !broken.has(tag) && !have.has(tag));
  if (lacking.length === 0) return { drafts: known, broken: [...broken] };
  const found = [...known];
  const oids = lacking.map(({ commit }) => commit);
  await readObjects(repo, { doing: 'reading the checkpoints', oids }, (bytes, i, type) => {
    const { tag = '', commit = '' } = lacking[i] ?? {};
    // Nothing else is ours.
    if (type === 'commit') found.push(parseCommit(tag, commit, bytes));
    else broken.add(tag);
  });
  return { drafts: found.sort((a, b) => compareNames(b.tag, a.tag)), broken: [...broken] };
}

/** To write down thousands costs more than to read some few again. */
function isWorthIt(known: Known | undefined, drafts: readonly Draft[]): boolean {
  if (known === undefined || drafts.length < 1000) return true;
  return Math.abs(drafts.length - known.rows.length) > drafts.length / 50;
}

// Of the common folder, for the linked work trees of a repository have the same checkpoints.
const cacheFile = (repo: Repo): string =>
  path.join(stateDir(repo.env), 'checkpoints', `${shortHash(repo.commonDir)}.list.v3.json`);

function readFile(repo: Repo, packs: readonly string[]): Known | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file; the version in its name changes with its shape
    const known = JSON.parse(readFileSync(cacheFile(repo), 'latin1')) as Known;
    const there = new Set(packs);
    return known.packs.every((name) => there.has(name)) ? known : undefined;
  } catch {
    return undefined; // not there yet, or damaged
  }
}

function draftsOf({ rests, rows }: Pick<Known, 'rests' | 'rows'>): Draft[] {
  return rows.map(([tag, , commit, tree, verdict, at, files, place]) => {
    const rest = rests[place] ?? noRest;
    // One by one: a spread of thousands is felt.
    return {
      tag,
      commit,
      tree,
      verdict,
      at,
      branch: rest.branch,
      head: rest.head,
      message: rest.message,
      filesChanged: files < 0 ? undefined : files,
      reason: rest.reason,
      suites: rest.suites,
      session: rest.session,
      worktree: rest.worktree,
      worktreeMark: rest.worktreeMark,
      project: rest.project,
      partial: rest.partial,
      skipped: rest.skipped,
    };
  });
}

function writeFile(repo: Repo, when: When, { drafts, broken }: Listing, loose: Loose): void {
  const rests: Rest[] = [];
  const places = new Map<string, number>();
  const rows = drafts.map(({ tag, commit, tree, verdict, at, filesChanged, ...rest }): Row => {
    const text = JSON.stringify(rest);
    const place = places.get(text) ?? rests.push(rest) - 1;
    places.set(text, place);
    return [tag, loose.get(tag)?.file ?? '', commit, tree, verdict, at, filesChanged ?? -1, place];
  });
  const known: Known = { ...when, rests, rows, broken };
  try {
    makeDir(path.dirname(cacheFile(repo)));
    replaceFile(cacheFile(repo), asAscii(JSON.stringify(known)));
  } catch {
    // A read-only or full state directory: the next list takes the long way again.
  }
}

/** So that it can be read as bytes, which for megabytes is felt. */
const asAscii = (json: string): string =>
  json.replaceAll(/[\u0080-\uFFFF]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
