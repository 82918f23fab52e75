import {
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
import { errnoOf, isAlive, randomId, self, systemClock } from '../base/index.ts';
import { git } from './exec.ts';
import type { Repo } from './repo.ts';

/**
 * What a snapshot writes stays in the pack it was written as. Loose objects would be counted by the user's
 * `git gc --auto` (6,700 of them start it: some 130 snapshots), and so would packs (50), but not those with a
 * `.keep` file. So devenv keeps its own packs, and folds them together now and then. No object is ever deleted
 * by devenv: the user's own `git add` may rely on one that is only in here.
 */
const keepText = 'devenv\n';
const foldedText = 'devenv: folded into ';
/** Whatever the user has set: one pack, with an index that can be read here. */
export const packSettings = ['-c', 'pack.packSizeLimit=0', '-c', 'pack.indexVersion=2'] as const;
const mostPacks = 32;
/** A pack of this size is given to git: its `.keep` goes, and the user's next `gc` treats it like any other. */
const grownBytes = 64 * 1024 * 1024;

const packDir = (repo: Repo): string => path.join(repo.commonDir, 'objects', 'pack');

/** A repository under `git maintenance` has an index over many packs, and folds small ones by itself. */
function isMaintained(names: readonly string[]): boolean {
  return names.some((name) => name.startsWith('multi-pack-index'));
}

/**
 * Keeps a pack that an import just wrote (`pack-<hash>`), and folds the kept ones when they are many. What was
 * imported is there, whatever goes wrong here.
 */
export async function keepPack(repo: Repo, name: string): Promise<void> {
  try {
    await keepAndFold(repo, name);
  } catch {
    // A full disk, a folder that cannot be written: then it is a pack like any other.
  }
}

async function keepAndFold(repo: Repo, name: string): Promise<void> {
  const dir = packDir(repo);
  const names = readdirSync(dir);
  if (isMaintained(names) || !names.includes(`${name}.idx`)) return;
  writeKeep(dir, name);
  const kept = names.filter((file) => file.endsWith('.keep')).length;
  // Those that were folded a moment ago count too: so not at each import from then on.
  if (kept >= mostPacks && kept % 8 === 0) await foldPacks(repo);
}

function writeKeep(dir: string, name: string): void {
  try {
    writeFileSync(path.join(dir, `${name}.keep`), keepText, { mode: 0o444, flag: 'wx' });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

interface Pack {
  readonly name: string;
  readonly bytes: number;
}

function keptNames(dir: string): string[] {
  return readdirSync(dir)
    .filter((file) => /^pack-[0-9a-f]+\.keep$/.test(file))
    .map((file) => file.slice(0, -'.keep'.length));
}

/** Our packs, the smallest first; not those that were folded. */
function ownPacks(dir: string): Pack[] {
  return keptNames(dir)
    .flatMap((name) => {
      try {
        if (readFileSync(path.join(dir, `${name}.keep`), 'latin1') !== keepText) return [];
        return [{ name, bytes: statSync(path.join(dir, `${name}.pack`)).size }];
      } catch {
        return []; // another process folds at this moment
      }
    })
    .toSorted((a, b) => a.bytes - b.bytes);
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

/**
 * Makes one pack of many small ones of ours; where that does not work, they become packs like any other. A running
 * `git repack` deletes every pack that it once saw without a `.keep`, so the new one is made elsewhere and has its
 * `.keep` before git can see it. The old ones stay a while: another git may just be reading them.
 */
export async function foldPacks(
  repo: Repo,
  choose: (sorted: readonly Pack[]) => readonly Pack[] = choosePacks,
  graceMs = graceAfterFoldMs,
): Promise<void> {
  const dir = packDir(repo);
  sweepRooms(dir);
  dropFolded(dir, graceMs);
  const old = choose(ownPacks(dir));
  if (old.length < 2) return;
  const room = `${path.dirname(dir)}/${roomName}${self.pid}-${randomId()}`;
  mkdirSync(room);
  try {
    const made = await git(
      repo,
      [...packSettings, 'pack-objects', '--quiet', '--threads=1', '--stdin-packs', path.join(room, 'pack')],
      { input: `${old.map((pack) => `${pack.name}.pack`).join('\n')}\n` },
    );
    const name = `pack-${made.stdout.toString('latin1').trim()}`;
    if (!made.ok || !holdsAll(path.join(room, name), dir, old)) return unkeep(dir, old);
    if (!old.some((pack) => pack.name === name)) place(room, dir, name);
    for (const pack of old) if (pack.name !== name) markFolded(dir, pack.name, name);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

const graceAfterFoldMs = 10 * 60_000;
const roomName = 'devenv-fold-';

/** The `.keep` first, the index last: without it no git sees the pack. */
function place(room: string, dir: string, name: string): void {
  writeFileSync(path.join(dir, `${name}.keep`), keepText, { mode: 0o444 });
  for (const end of ['pack', 'rev', 'idx'])
    if (existsSync(path.join(room, `${name}.${end}`)))
      renameSync(path.join(room, `${name}.${end}`), path.join(dir, `${name}.${end}`));
}

/** Still kept, but all that is in it is in another pack of ours too. */
function markFolded(dir: string, name: string, into: string): void {
  const file = path.join(dir, `${name}.keep`);
  const fresh = `${file}.${randomId()}`;
  writeFileSync(fresh, `${foldedText}${into}\n`, { mode: 0o444 });
  renameSync(fresh, file);
}

/** Removes the packs that were folded into another one a while ago, if that one is there and holds all of theirs. */
function dropFolded(dir: string, graceMs: number): void {
  for (const { name, into, ageMs } of foldedPacks(dir)) {
    if (ageMs < graceMs) continue;
    if (!existsSync(path.join(dir, `${into}.pack`)) || !holdsAll(path.join(dir, into), dir, [{ name }])) {
      // The other one is gone: this one counts again.
      rmSync(path.join(dir, `${name}.keep`), { force: true });
      writeKeep(dir, name);
      continue;
    }
    // The index first: without it no other process begins to read the pack.
    for (const end of ['idx', 'pack', 'rev', 'bitmap', 'keep'])
      rmSync(path.join(dir, `${name}.${end}`), { force: true });
  }
  const waiting = new Set(foldedPacks(dir).map(({ into }) => into));
  unkeep(
    dir,
    ownPacks(dir).filter(({ name, bytes }) => bytes > grownBytes && !waiting.has(name)),
  );
}

function foldedPacks(
  dir: string,
): { readonly name: string; readonly into: string; readonly ageMs: number }[] {
  return keptNames(dir).flatMap((name) => {
    try {
      const file = path.join(dir, `${name}.keep`);
      const text = readFileSync(file, 'latin1');
      if (!text.startsWith(foldedText)) return [];
      const ageMs = Math.abs(systemClock.now() - statSync(file).mtimeMs);
      return [{ name, into: text.slice(foldedText.length).trim(), ageMs }];
    } catch {
      return []; // another process folds at this moment
    }
  });
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
  const dir = packDir(repo);
  const bytes = ownPacks(dir).reduce((sum, pack) => sum + pack.bytes, 0);
  if (bytes < leastBytes) return;
  await foldPacks(repo, (sorted) => sorted);
  dropFolded(dir, 0);
  if (foldedPacks(dir).length === 0) unkeep(dir, ownPacks(dir));
}

function unkeep(dir: string, packs: readonly Pack[]): void {
  for (const { name } of packs) rmSync(path.join(dir, `${name}.keep`), { force: true });
}

/** Whether every object of the old packs is in the new one, named by its path without the ending. */
function holdsAll(made: string, dir: string, old: readonly Pick<Pack, 'name'>[]): boolean {
  try {
    const have = new Set(objectIds(`${made}.idx`));
    return old.every(({ name }) => objectIds(path.join(dir, `${name}.idx`)).every((id) => have.has(id)));
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
