import { existsSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureDir, isAlive, projectId, self } from '../base/index.ts';
import { openedDir, readMarker, readOpened, type OpenedMarker } from '../config/index.ts';
import { removeScratch, type Repo } from '../git/index.ts';

/** The folder of the live project: inside an opened work tree, the one that it was opened from. */
export function homeOf(root: string, env: NodeJS.ProcessEnv): string {
  return readOpened(root, env)?.of ?? root;
}

/** Where the opened work trees of a project lie. */
export function makePlace(root: string, env: NodeJS.ProcessEnv): string {
  return realpathSync(ensureDir(path.join(openedDir(env), projectId(root))));
}

/** The marker file of an opened checkpoint. */
export const markerFile = (place: string, tag: string): string => path.join(place, `${tag}.json`);

/** Writes a marker, whole or not at all. */
export function writeMarker(place: string, marker: OpenedMarker): void {
  const file = markerFile(place, marker.tag);
  writeFileSync(`${file}.${self.pid}`, JSON.stringify(marker), { mode: 0o600 });
  renameSync(`${file}.${self.pid}`, file);
}

/**
 * Removes what an opening or a closing left that was killed: a work tree that nobody was given yet, or one whose
 * changes are kept already.
 */
export function sweepPlace(repo: Repo, place: string): void {
  for (const marker of markersIn(place)) {
    if (marker.making === undefined || marker.making === self.pid || isAlive(marker.making)) continue;
    removeScratch(repo, marker.tree);
    rmSync(markerFile(place, marker.tag), { force: true });
  }
}

function markersIn(place: string): readonly OpenedMarker[] {
  return readdirSync(place)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .flatMap((name) => readMarker(path.join(place, name)) ?? []);
}

/** Whether the work tree was removed by hand: then only the mark of it is left. */
export const isGone = ({ tree }: OpenedMarker): boolean => !existsSync(path.join(tree, '.git'));

/** What is open of a project, by tag; those that are only being made are left out. */
export function listOpened(root: string, env: NodeJS.ProcessEnv): readonly OpenedMarker[] {
  const place = path.join(openedDir(env), projectId(root));
  return existsSync(place) ? markersIn(place).filter((marker) => marker.making === undefined) : [];
}
