import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, self } from '../base/index.ts';
import { resolveCheckpoint } from '../checkpoint/index.ts';
import { readMarker, type OpenedMarker, type Project } from '../config/index.ts';
import { mustGit, openRepo, removeScratch, type Repo } from '../git/index.ts';
import { linkNeeded } from './links.ts';
import { makePlace, markerFile, sweepPlace, writeMarker } from './places.ts';

export interface Opened extends OpenedMarker {
  /** Made now; else it was open already. */
  readonly created: boolean;
}

/**
 * Gives a checkpoint a work tree of its own, beside the state of devenv, never inside the project; open already is
 * fine. Neither the live work tree nor its index or HEAD is touched.
 */
export async function openCheckpoint(
  env: NodeJS.ProcessEnv,
  project: Project,
  input: { readonly name: string; readonly signal?: AbortSignal },
): Promise<Opened> {
  const repo = await openRepo({ cwd: project.root, env });
  const found = await resolveCheckpoint(repo, input.name);
  const { commit } = found;
  const tag = openedName(found.tag);
  const place = makePlace(project.root, env);
  refuseInside(repo, place);
  sweepPlace(repo, place);
  const tree = path.join(place, tag);
  const known = readMarker(markerFile(place, tag));
  if (known && known.making === undefined && existsSync(path.join(tree, '.git')))
    return { ...known, created: false };
  clearPlace(tree, known);
  const marker: OpenedMarker = {
    tag,
    commit,
    name: `${project.config.name}@${tag}`,
    of: project.root,
    tree,
    root: path.join(tree, path.relative(repo.root, project.root)),
    links: [],
  };
  writeMarker(place, { ...marker, making: self.pid });
  await addWorktree(repo, tree, commit, input.signal);
  const links = await linkNeeded(repo, tree, {
    link: project.config.worktree.link,
    project: project.root,
  });
  // The project may have been a folder that was not there yet.
  mkdirSync(marker.root, { recursive: true });
  writeMarker(place, { ...marker, links });
  return { ...marker, links, created: true };
}

/** One that was brought from a box has its host before it: that is no folder here. */
export const openedName = (tag: string): string => tag.replaceAll('/', '-');

function refuseInside(repo: Repo, place: string): void {
  if (!`${place}${path.sep}`.startsWith(`${repo.root}${path.sep}`)) return;
  throw new DevenvError(
    'refused',
    `the state directory lies inside of this project: ${place}`,
    'set XDG_STATE_HOME to a directory elsewhere',
  );
}

// A folder that nobody knows anything of stays.
function clearPlace(tree: string, known: OpenedMarker | undefined): void {
  if (known?.making !== undefined && known.making !== self.pid)
    throw new DevenvError('refused', `process ${known.making} is at work on ${known.tag}`, 'try again');
  if (lstatSync(tree, { throwIfNoEntry: false }))
    throw new DevenvError(
      'refused',
      `there is a folder ${tree} already, and nothing says that it is a whole work tree`,
      'look what is in it and move it away',
    );
}

async function addWorktree(
  repo: Repo,
  tree: string,
  commit: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await mustGit(
      repo,
      'making a work tree',
      ['-c', 'advice.detachedHead=false', 'worktree', 'add', '--quiet', '--force', '--detach', tree, commit],
      signal ? { signal } : {},
    );
  } catch (error) {
    removeScratch(repo, tree);
    throw error;
  }
}
