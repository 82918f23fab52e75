import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../base/index.ts';
import { git } from './exec.ts';
import type { Repo } from './repo.ts';

/**
 * What a snapshot writes stays in the pack it was written as. Loose objects would be counted by the user's
 * `git gc --auto` (6,700 of them start it: some 130 snapshots), and so would packs (50), but not those with a
 * `.keep` file. So devenv keeps its own packs, and folds them together now and then. No object is ever deleted
 * by devenv: the user's own `git add` may rely on one that is only in here.
 */
const keepText = 'devenv\n';
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

/** Keeps a pack that an import just wrote (`pack-<hash>`), and folds the kept ones when they are many. */
export async function keepPack(repo: Repo, name: string): Promise<void> {
  const dir = packDir(repo);
  const names = readdirSync(dir);
  if (isMaintained(names) || !names.includes(`${name}.idx`)) return;
  writeKeep(dir, name);
  const kept = names.filter((file) => file.endsWith('.keep')).length;
  if (kept >= mostPacks) await foldPacks(repo);
}

function writeKeep(dir: string, name: string): void {
  try {
    writeFileSync(path.join(dir, `${name}.keep`), keepText, { mode: 0o444, flag: 'wx' });
  } catch (error) {
    // On a full disk it is a pack like any other.
    if (!['EEXIST', 'ENOSPC', 'EDQUOT', 'EACCES', 'EROFS'].includes(errnoOf(error) ?? '')) throw error;
  }
}

interface Pack {
  readonly name: string;
  readonly bytes: number;
}

/** Our packs, the smallest first. */
function ownPacks(dir: string): Pack[] {
  return readdirSync(dir)
    .filter((file) => /^pack-[0-9a-f]+\.keep$/.test(file))
    .map((file) => file.slice(0, -'.keep'.length))
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

/** Makes one pack of many small ones of ours. Where that does not work, they become packs like any other. */
export async function foldPacks(
  repo: Repo,
  choose: (sorted: readonly Pack[]) => readonly Pack[] = choosePacks,
): Promise<void> {
  const dir = packDir(repo);
  const old = choose(ownPacks(dir));
  if (old.length < 2) return;
  const made = await git(
    repo,
    [...packSettings, 'pack-objects', '--quiet', '--threads=1', '--stdin-packs', path.join(dir, 'pack')],
    { input: `${old.map((pack) => `${pack.name}.pack`).join('\n')}\n` },
  );
  const name = `pack-${made.stdout.toString('latin1').trim()}`;
  if (!made.ok || !holdsAll(dir, name, old)) return unkeep(dir, old);
  const grown = statSync(path.join(dir, `${name}.pack`)).size > grownBytes;
  if (!grown) writeKeep(dir, name);
  // The index first: without it no other process begins to read the pack.
  for (const pack of old)
    if (pack.name !== name)
      for (const end of ['keep', 'idx', 'pack', 'rev', 'bitmap'])
        rmSync(path.join(dir, `${pack.name}.${end}`), { force: true });
}

/**
 * Gives all our packs to git, as one, when checkpoints were dropped for good: the user's next `gc` then frees what
 * nothing needs any more. With less than `leastBytes` in them it is not worth one more pack.
 */
export async function releasePacks(repo: Repo, leastBytes = 0): Promise<void> {
  const bytes = ownPacks(packDir(repo)).reduce((sum, pack) => sum + pack.bytes, 0);
  if (bytes < leastBytes) return;
  await foldPacks(repo, (sorted) => sorted);
  unkeep(packDir(repo), ownPacks(packDir(repo)));
}

function unkeep(dir: string, packs: readonly Pack[]): void {
  for (const { name } of packs) rmSync(path.join(dir, `${name}.keep`), { force: true });
}

/** Whether every object of the old packs is in the new one. */
function holdsAll(dir: string, name: string, old: readonly Pack[]): boolean {
  try {
    const have = new Set(objectIds(path.join(dir, `${name}.idx`)));
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
