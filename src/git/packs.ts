import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isAlive, randomId, self } from '../base/index.ts';
import { git } from './exec.ts';
import { listsPacks } from './locks.ts';
import type { Repo } from './repo.ts';

/**
 * What a snapshot writes stays in the pack it was written as. Loose objects would be counted by the user's
 * `git gc --auto` (6,700 of them start it: some 130 snapshots), and so are packs (50). So now and then ours are
 * folded into one that has a `.keep`, which is not counted. No object is ever deleted by devenv: the user's own
 * `git add` may rely on one that is only in here.
 *
 * A pack that git has seen without a `.keep` must never get one: a running `git repack` would leave out what is in
 * it, and then delete it all the same. So only packs that are made out of git's sight are kept.
 */
const keepText = 'devenv\n';
/** Whatever the user has set: one pack, with an index that can be read here. */
export const packSettings = ['-c', 'pack.packSizeLimit=0', '-c', 'pack.indexVersion=2'] as const;
const mostPacks = 32;
/** A pack of this size is given to git: its `.keep` goes, and the user's next `gc` treats it like any other. */
const grownBytes = 64 * 1024 * 1024;

const packDir = (repo: Repo): string => path.join(repo.commonDir, 'objects', 'pack');
/** The names of packs that imports wrote; one that is not in it is only never folded. */
const notesFile = (repo: Repo): string => path.join(repo.commonDir, 'objects', 'info', 'devenv-packs');

/** A repository under `git maintenance` has an index over many packs, and folds small ones by itself. */
function isMaintained(dir: string): boolean {
  return existsSync(path.join(dir, 'multi-pack-index')) || existsSync(path.join(dir, 'multi-pack-index.d'));
}

/**
 * Notes a pack that an import just wrote (`pack-<hash>`), and folds ours when they are many. What was imported is
 * there, whatever goes wrong here.
 */
export async function notePack(repo: Repo, name: string): Promise<void> {
  try {
    if (isMaintained(packDir(repo))) return;
    mkdirSync(path.dirname(notesFile(repo)), { recursive: true });
    appendFileSync(notesFile(repo), `${name}\n`, { mode: 0o600 });
    if (notedNames(repo).length >= mostPacks) await foldPacks(repo);
  } catch {
    // A full disk, a folder that cannot be written: then it is a pack like any other.
  }
}

function notedNames(repo: Repo): string[] {
  const file = notesFile(repo);
  const names = existsSync(file) ? readFileSync(file, 'latin1').split('\n').filter(Boolean) : [];
  return [...new Set(names)].filter((name) => existsSync(path.join(packDir(repo), `${name}.pack`)));
}

interface Pack {
  readonly name: string;
  readonly bytes: number;
}

/** Our packs, the smallest first. */
function ownPacks(repo: Repo): Pack[] {
  return [...new Set([...keptNames(repo), ...notedNames(repo)])]
    .flatMap((name) => {
      const stat = statSync(path.join(packDir(repo), `${name}.pack`), { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ name, bytes: stat.size }];
    })
    .toSorted((a, b) => a.bytes - b.bytes);
}

/** Those with a `.keep` of ours. */
function keptNames(repo: Repo): string[] {
  const dir = packDir(repo);
  return readdirSync(dir)
    .filter((file) => /^pack-[0-9a-f]+\.keep$/.test(file))
    .filter((file) => isOurs(path.join(dir, file)))
    .map((file) => file.slice(0, -'.keep'.length));
}

function isOurs(keep: string): boolean {
  try {
    return readFileSync(keep, 'latin1') === keepText;
  } catch {
    return false; // another process folds at this moment
  }
}

/**
 * Which packs go into one: as many of the smallest as it takes for each larger one to be at least twice as big
 * as all before it (`git repack --geometric` does the same). So every object is copied a few times at most.
 */
export function choosePacks<T extends { readonly bytes: number }>(sorted: readonly T[]): readonly T[] {
  let sum = 0;
  let count = 0;
  for (const [i, pack] of sorted.entries()) {
    if (i > 0 && pack.bytes >= 2 * sum && count >= sorted.length / 2) break;
    sum += pack.bytes;
    count += 1;
  }
  return count < 2 ? [] : sorted.slice(0, count);
}

const roomName = 'devenv-fold-';

/**
 * Makes one pack of many small ones of ours; where that does not work, they are packs like any other from then on.
 * Not while a git of the user's looks through all packs.
 */
export async function foldPacks(
  repo: Repo,
  choose: (sorted: readonly Pack[]) => readonly Pack[] = choosePacks,
): Promise<void> {
  const dir = packDir(repo);
  sweepRooms(dir);
  // The next snapshot tries again.
  if (listsPacks(repo)) return;
  const own = ownPacks(repo);
  const old = choose(own);
  if (old.length < 2) return writeNotes(repo, []);
  const room = `${path.dirname(dir)}/${roomName}${self.pid}-${randomId()}`;
  mkdirSync(room);
  try {
    const made = await git(
      repo,
      [...packSettings, 'pack-objects', '--quiet', '--threads=1', '--stdin-packs', path.join(room, 'pack')],
      { input: `${old.map((pack) => `${pack.name}.pack`).join('\n')}\n` },
    );
    const name = `pack-${made.stdout.toString('latin1').trim()}`;
    if (!made.ok || !holdsAll(room, name, dir, old)) return writeNotes(repo, []);
    const gone = old.filter((pack) => pack.name !== name);
    if (listsPacks(repo)) return;
    if (gone.length === old.length) place(room, dir, name);
    removePacks(dir, gone);
    writeNotes(repo, gone);
    if (statSync(path.join(dir, `${name}.pack`)).size > grownBytes) unkeep(dir, [name]);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

/** The `.keep` first, the index last: without it no git sees the pack. */
function place(room: string, dir: string, name: string): void {
  writeFileSync(path.join(dir, `${name}.keep`), keepText, { mode: 0o444 });
  for (const end of ['pack', 'rev', 'idx'])
    if (existsSync(path.join(room, `${name}.${end}`)))
      renameSync(path.join(room, `${name}.${end}`), path.join(dir, `${name}.${end}`));
}

/** All indexes first: without its index no other process begins to read a pack, or lists it. */
function removePacks(dir: string, packs: readonly Pack[]): void {
  for (const end of ['idx', 'pack', 'rev', 'bitmap', 'keep'])
    for (const { name } of packs) rmSync(path.join(dir, `${name}.${end}`), { force: true });
}

/** Forgets the noted packs, but those that came while others were folded. */
function writeNotes(repo: Repo, folded: readonly Pack[]): void {
  const file = notesFile(repo);
  const done = new Set(folded.map(({ name }) => name));
  const left = folded.length === 0 ? [] : notedNames(repo).filter((name) => !done.has(name));
  const fresh = `${file}.${self.pid}`;
  writeFileSync(fresh, left.map((name) => `${name}\n`).join(''), { mode: 0o600 });
  renameSync(fresh, file);
}

/** What a fold that was killed left; git does not look there. */
function sweepRooms(dir: string): void {
  const objects = path.dirname(dir);
  for (const name of readdirSync(objects)) {
    const pid = new RegExp(`^${roomName}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && Number(pid) !== self.pid && !isAlive(Number(pid)))
      rmSync(path.join(objects, name), { recursive: true, force: true });
  }
}

/**
 * Gives all our packs to git, as one, when checkpoints were dropped for good: the user's next `gc` then frees what
 * nothing needs any more. With less than `leastBytes` in them it is not worth one more pack.
 */
export async function releasePacks(repo: Repo, leastBytes = 0): Promise<void> {
  const bytes = ownPacks(repo).reduce((sum, pack) => sum + pack.bytes, 0);
  if (bytes < leastBytes) return;
  await foldPacks(repo, (sorted) => sorted);
  unkeep(packDir(repo), keptNames(repo));
}

function unkeep(dir: string, names: readonly string[]): void {
  for (const name of names) rmSync(path.join(dir, `${name}.keep`), { force: true });
}

/** Whether every object of the old packs is in the new one. */
function holdsAll(room: string, name: string, dir: string, old: readonly Pack[]): boolean {
  try {
    const have = new Set(objectIds(path.join(room, `${name}.idx`)));
    return old.every((pack) => objectIds(path.join(dir, `${pack.name}.idx`)).every((id) => have.has(id)));
  } catch {
    return false;
  }
}

/**
 * The ids in a pack's index, version 2 (gitformat-pack): 8 bytes, 256 counts of 4 bytes, then the ids in order.
 * Throws for another version.
 */
function objectIds(file: string): string[] {
  const index = readFileSync(file);
  if (index.readUInt32BE(0) !== 0xff744f63 || index.readUInt32BE(4) !== 2) throw new Error('not an index');
  const count = index.readUInt32BE(8 + 255 * 4);
  const start = 8 + 256 * 4;
  // Behind the ids: 4 bytes of checksum and 4 of place for each (8 more for a place over 2 GB), and two ids.
  const width = (index.length - start - count * 8) / (count + 2) >= 32 ? 32 : 20;
  return Array.from({ length: count }, (_, i) =>
    index.toString('latin1', start + i * width, start + (i + 1) * width),
  );
}

/** The packs there are, ours and others. */
export function packNames(repo: Repo): ReadonlySet<string> {
  if (!existsSync(packDir(repo))) return new Set();
  return new Set(readdirSync(packDir(repo)).filter((name) => name.endsWith('.pack')));
}

/** Whether one of these is gone: somebody repacks, or prunes. */
export function packsWent(repo: Repo, before: ReadonlySet<string>): boolean {
  const now = packNames(repo);
  return [...before].some((name) => !now.has(name));
}

/** Whether everything is there that a commit has and another one has not. */
export async function isWhole(repo: Repo, commit: string, besides: string | null): Promise<boolean> {
  const not = besides === null ? [] : ['--not', besides];
  return (await git(repo, ['rev-list', '--objects', '--quiet', commit, ...not])).ok;
}
