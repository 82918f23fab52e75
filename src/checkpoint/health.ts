import { mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../base/index.ts';
import { git, mustGit } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { parseMessage } from './message.ts';
import {
  checkpointRefs,
  lookedRefs,
  pinRefs,
  presentRefs,
  tagRefs,
  testedRefs,
  trashRefs,
  undoRefs,
} from './names.ts';

/** A ref of devenv's that leads nowhere: git's fetch and gc may fail because of it. */
export interface BrokenRef {
  readonly ref: string;
  readonly why:
    | 'empty'
    | 'unreadable'
    | 'its commit is missing'
    | 'it points at no commit'
    | 'it stands in the way of others'
    | 'a file of it is missing';
  /** What it points at; undefined where its file holds no id. */
  readonly oid: string | undefined;
}

/** A tag that devenv made, by its name. */
const tagName = /^checkpoint-\d{8}-\d{6}(-\d+)?$/;

/** Where devenv has folders of refs: a ref of that very name (made by hand) leaves no room for them. */
const inTheWay = new Set(
  ['refs/devenv/', checkpointRefs, undoRefs, presentRefs, testedRefs, lookedRefs, pinRefs, trashRefs].map(
    (prefix) => prefix.slice(0, -1),
  ),
);

/** Looks through all refs of devenv's, down to the last file that only they hold. */
export async function findBrokenRefs(repo: Repo): Promise<readonly BrokenRef[]> {
  const length = repo.objectFormat === 'sha256' ? 64 : 40;
  const isId = (text: string): boolean => text.length === length && /^[0-9a-f]+$/.test(text);
  const broken: BrokenRef[] = [];
  const refs = await listedRefs(repo);
  for (const { ref, text } of looseRefs(repo)) {
    if (isId(text)) refs.set(ref, text);
    else {
      refs.delete(ref);
      broken.push({ ref, why: text.replaceAll('\0', '') === '' ? 'empty' : 'unreadable', oid: undefined });
    }
  }
  const types = await objectTypes(repo, [...new Set(refs.values())]);
  const commits = new Map<string, string[]>();
  for (const [ref, oid] of refs) {
    const type = types.get(oid);
    if (inTheWay.has(ref)) broken.push({ ref, why: 'it stands in the way of others', oid });
    else if (type === 'commit') commits.set(oid, [...(commits.get(oid) ?? []), ref]);
    else if (type === undefined) broken.push({ ref, why: 'its commit is missing', oid });
    // A tag of that name that is more than a name is the user's.
    else if (!ref.startsWith('refs/tags/')) broken.push({ ref, why: 'it points at no commit', oid });
  }
  for (const oid of await incomplete(repo, [...commits.keys()]))
    for (const ref of commits.get(oid) ?? []) broken.push({ ref, why: 'a file of it is missing', oid });
  return broken;
}

async function listedRefs(repo: Repo): Promise<Map<string, string>> {
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/devenv', 'refs/tags/checkpoint-*'];
  const result = await git(repo, args);
  const rows = [...result.stdout.toString('utf8').matchAll(/^([0-9a-f]+) (.+)$/gm)];
  return new Map(
    rows
      .map(([, oid = '', ref = '']): [string, string] => [ref, oid])
      .filter(([ref]) => !ref.startsWith('refs/tags/') || tagName.test(ref.slice('refs/tags/'.length))),
  );
}

/** The refs that are files: git itself passes over one that holds no id. */
function looseRefs(repo: Repo): { readonly ref: string; readonly text: string }[] {
  if (repo.refFormat !== 'files') return [];
  return refFiles(repo)
    .filter((ref) => !ref.endsWith('.lock'))
    .flatMap((ref) => {
      const text = readOr(path.join(repo.commonDir, ref));
      return text === undefined ? [] : [{ ref, text: text.trim() }];
    });
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined; // dropped while we looked
    throw error;
  }
}

/** Files of devenv's refs and of its tags, locks included, relative to the git directory. */
export function refFiles(repo: Repo): string[] {
  const files = (dir: string): string[] =>
    readdirOr(path.join(repo.commonDir, dir)).flatMap((entry) =>
      entry.isDirectory() ? files(`${dir}/${entry.name}`) : [`${dir}/${entry.name}`],
    );
  const tags = readdirOr(path.join(repo.commonDir, 'refs/tags'))
    .filter((entry) => entry.isFile() && tagName.test(entry.name.replace(/\.lock$/, '')))
    .map(({ name }) => `refs/tags/${name}`);
  return [...files('refs/devenv'), ...tags];
}

function readdirOr(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

const mostCorrupt = 100;

/** The type of each object; those that are missing or damaged are not in it. */
async function objectTypes(repo: Repo, oids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const types = new Map<string, string>();
  let left = [...oids];
  // git gives up at an object that is there but damaged: that one is passed over.
  for (let round = 0; left.length > 0 && round < mostCorrupt; round++) {
    const result = await git(repo, ['cat-file', '--batch-check=%(objectname) %(objecttype)'], {
      input: `${left.join('\n')}\n`,
    });
    const lines = result.stdout.toString('latin1').split('\n').filter(Boolean);
    for (const line of lines) {
      const [oid = '', type = ''] = line.split(' ');
      if (type !== 'missing') types.set(oid, type);
    }
    if (result.ok) break;
    left = left.slice(lines.length + 1);
  }
  return types;
}

/** Those of the commits of which something is missing, halved until they are found. */
async function incomplete(repo: Repo, commits: readonly string[]): Promise<string[]> {
  if (commits.length === 0) return [];
  const args = ['rev-list', '--objects', '--quiet', '--exclude-promisor-objects', '--stdin'];
  const others = ['--not', '--branches', '--remotes', '--exclude=checkpoint-*', '--tags'];
  const result = await git(repo, [...args, ...others], { input: `${commits.join('\n')}\n` });
  if (result.ok) return [];
  if (commits.length === 1) return [...commits];
  const half = commits.length >> 1;
  return [
    ...(await incomplete(repo, commits.slice(0, half))),
    ...(await incomplete(repo, commits.slice(half))),
  ];
}

/** Where things that were in the way are put, in the git directory. */
export const quarantineDir = 'devenv/quarantine';

/**
 * Moves refs out of git's sight, as files below `devenv/quarantine/<time>/` in the git directory: moving a file
 * back makes it a ref again. Returns that folder.
 */
export async function quarantineRefs(repo: Repo, broken: readonly BrokenRef[], now: number): Promise<string> {
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const dir = path.join(repo.commonDir, quarantineDir, stamp);
  for (const { ref, oid } of broken) {
    const place = path.join(dir, ref);
    mkdirSync(path.dirname(place), { recursive: true });
    if (moveAside(path.join(repo.commonDir, ref), place)) continue;
    writeFileSync(place, `${oid ?? ''}\n`, { flush: true });
  }
  // Also of packed ones, which are lines of a file that only git may write.
  const packed = await listedRefs(repo);
  const left = broken.filter(({ ref, oid }) => oid !== undefined && packed.get(ref) === oid);
  for (const { ref, oid = '' } of left)
    await mustGit(repo, `putting ${ref} aside`, ['update-ref', '--no-deref', '-d', ref, oid]);
  return dir;
}

/**
 * Makes checkpoints whose ref is broken anew from their tags, which point at the same commit. Not those whose tag is
 * gone, broken too, or of something else. Returns their names.
 */
export async function restoreFromTags(repo: Repo, broken: readonly BrokenRef[]): Promise<readonly string[]> {
  const bad = new Set(broken.map(({ ref }) => ref));
  const names = broken
    .filter(({ ref }) => ref.startsWith(checkpointRefs))
    .map(({ ref }) => ref.slice(checkpointRefs.length))
    .filter((name) => !bad.has(`${tagRefs}${name}`));
  if (names.length === 0) return [];
  const refs = await listedRefs(repo);
  const restored: string[] = [];
  for (const name of names) {
    const oid = refs.get(`${tagRefs}${name}`);
    if (oid === undefined || !(await isCheckpoint(repo, oid))) continue;
    await mustGit(repo, `bringing ${name} back`, ['update-ref', `${checkpointRefs}${name}`, oid, '']);
    restored.push(name);
  }
  return restored;
}

async function isCheckpoint(repo: Repo, oid: string): Promise<boolean> {
  const result = await git(repo, ['log', '-1', '--no-show-signature', '--format=%B', oid, '--']);
  return result.ok && parseMessage(result.stdout.toString('utf8')).fields.has('Verdict');
}

function moveAside(file: string, place: string): boolean {
  try {
    if (!statSync(file).isFile()) return false;
    renameSync(file, place);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}
