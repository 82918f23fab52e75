import { readFileSync } from 'node:fs';
import path from 'node:path';
import { makeDir, replaceFile, shortHash, stateDir } from '../base/index.ts';
import { packNames, readObjects, readRefFiles, refState, type Repo, type SeenRef } from '../git/index.ts';
import { checkpointRefs, compareNames } from './names.ts';
import { parseCommit, type Draft } from './row.ts';

/*
 * What the commits of checkpoints say never changes, so it is read from git once; after that only which refs there are,
 * and where they point, is looked at. Losing the file costs only time. A list is never read from it where a pack is gone
 * that it was read from: then git says again what is there.
 */

/** What many checkpoints have in common, so that it is written down once. */
type Rest = Omit<Draft, 'tag' | 'commit' | 'tree' | 'verdict' | 'at' | 'filesChanged'>;
/** Tag, what its ref's file is recognized by, commit, tree, verdict, moment, files (-1: not known), place of the rest. */
type Row = [string, string, string, string, Draft['verdict'], string, number, number];

const noRest: Rest = {
  branch: null,
  head: null,
  message: '',
  reason: '',
  suites: [],
  session: null,
  worktree: 'main',
  project: null,
  partial: false,
  skipped: [],
};

interface Known {
  /** `refState` when they were read. */
  readonly state: string;
  readonly packs: readonly string[];
  readonly rests: readonly Rest[];
  /** Newest first. */
  readonly rows: readonly Row[];
}

/** All checkpoints, newest first; undefined where only git can tell which there are. */
export async function readKnown(repo: Repo): Promise<Draft[] | undefined> {
  const packs = [...packNames(repo)];
  const state = refState(repo, checkpointRefs);
  const known = readFile(repo, packs);
  if (known !== undefined && state !== '' && known.state === state) return draftsOf(known);
  const refs = readRefFiles(repo, checkpointRefs, seenOf(known));
  if (refs === undefined) return undefined;
  const drafts = await readNew(repo, refs, known === undefined ? [] : draftsOf(known));
  if (isWorthIt(known, drafts)) writeFile(repo, { state, packs }, drafts, refs);
  return drafts;
}

const seenOf = (known: Known | undefined): ReadonlyMap<string, SeenRef> =>
  new Map(known?.rows.map(([tag, file, commit]): [string, SeenRef] => [tag, { commit, file }]));

/** What the refs point at, newest first; only commits that are not known yet are read, all in one process. */
async function readNew(
  repo: Repo,
  refs: ReadonlyMap<string, SeenRef>,
  known: readonly Draft[],
): Promise<Draft[]> {
  const found = known.filter(({ tag, commit }) => refs.get(tag)?.commit === commit);
  const have = new Set(found.map(({ tag }) => tag));
  const asked = [...refs].filter(([tag]) => !have.has(tag));
  if (asked.length === 0) return found;
  const oids = asked.map(([, { commit }]) => commit);
  await readObjects(repo, { doing: 'reading the checkpoints', oids }, (bytes, i, type) => {
    const [tag, { commit }] = asked[i] ?? ['', { commit: '' }];
    // Nothing else is ours.
    if (type === 'commit') found.push(parseCommit(tag, commit, bytes));
  });
  return found.sort((a, b) => compareNames(b.tag, a.tag));
}

/** To write down thousands costs more than to read some few again. */
function isWorthIt(known: Known | undefined, drafts: readonly Draft[]): boolean {
  if (known === undefined || drafts.length < 1000) return true;
  return Math.abs(drafts.length - known.rows.length) > drafts.length / 50;
}

// Of the common folder, for the linked work trees of a repository have the same checkpoints.
const cacheFile = (repo: Repo): string =>
  path.join(stateDir(repo.env), 'checkpoints', `${shortHash(repo.commonDir)}.list.v1.json`);

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

function draftsOf({ rests, rows }: Known): Draft[] {
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
      project: rest.project,
      partial: rest.partial,
      skipped: rest.skipped,
    };
  });
}

function writeFile(
  repo: Repo,
  when: Pick<Known, 'state' | 'packs'>,
  drafts: readonly Draft[],
  refs: ReadonlyMap<string, SeenRef>,
): void {
  const rests: Rest[] = [];
  const places = new Map<string, number>();
  const rows = drafts.map(({ tag, commit, tree, verdict, at, filesChanged, ...rest }): Row => {
    const text = JSON.stringify(rest);
    const place = places.get(text) ?? rests.push(rest) - 1;
    places.set(text, place);
    return [tag, refs.get(tag)?.file ?? '', commit, tree, verdict, at, filesChanged ?? -1, place];
  });
  const known: Known = { ...when, rests, rows };
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
