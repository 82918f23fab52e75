import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { diskPath } from './names.ts';
import { diffCommits, readBlobs, type TreeEntry } from './objects.ts';
import type { Repo } from './repo.ts';

/**
 * Makes a folder that holds one commit hold another one: what differs is written byte for byte, without the line
 * ends and filters of git. A snapshot holds changed files as they were on the disk, and those would be converted
 * a second time.
 */
export async function layOver(
  repo: Repo,
  dir: string,
  commits: { readonly from: string | null; readonly to: string },
): Promise<void> {
  const [entries = []] = await diffCommits(repo, [commits]);
  // Before anything is written: what was a file may be a folder now, and what was a link must not be followed.
  for (const { path: name, oldMode, newMode } of entries) {
    const typeChanged = oldMode.slice(0, 3) !== newMode.slice(0, 3);
    if (typeChanged) rmSync(diskPath(dir, name), { recursive: true, force: true });
  }
  await writeFilesInto(
    repo,
    dir,
    entries.map((entry) => ({ path: entry.path, mode: entry.newMode, oid: entry.newOid })),
  );
}

/** Writes files and links byte for byte below a folder; what is neither is left out. */
export async function writeFilesInto(repo: Repo, dir: string, entries: readonly TreeEntry[]): Promise<void> {
  const files = entries.filter(({ mode }) => mode.startsWith('100') || mode === '120000');
  await readBlobs(
    repo,
    files.map((file) => file.oid),
    (content, index) => {
      const file = files[index];
      if (file) write(dir, file, content);
    },
  );
}

function write(dir: string, { path: name, mode }: TreeEntry, content: Buffer): void {
  const place = diskPath(dir, name);
  mkdirSync(Buffer.from(path.dirname(place.toString('latin1')), 'latin1'), { recursive: true });
  if (mode === '120000') {
    rmSync(place, { force: true });
    symlinkSync(content, place);
    return;
  }
  writeFileSync(place, content);
  chmodSync(place, mode === '100755' ? 0o755 : 0o644);
}
