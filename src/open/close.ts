import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, self, showName, type Clock } from '../base/index.ts';
import { createCheckpoint, snapshot, type Snapshot } from '../checkpoint/index.ts';
import type { OpenedMarker } from '../config/index.ts';
import { dependencyFolders, mustGit, openRepo, readRef, removeScratch, type Repo } from '../git/index.ts';
import { unlinkNeeded } from './links.ts';
import { makePlace, markerFile, writeMarker } from './places.ts';

export interface CloseDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Ends what runs in it. */
  readonly stop: (root: string) => Promise<void>;
}

export interface CloseInput {
  readonly opened: OpenedMarker;
  readonly tags: 'all' | 'good' | 'none';
  readonly maxFileBytes: number;
  /** Also when something would be lost that no checkpoint can hold. */
  readonly yes: boolean;
}

export interface Closed {
  readonly tag: string;
  /** The checkpoint (or ref) that holds what was changed there; null when nothing was. */
  readonly kept: string | null;
  /** Ignored files that went. */
  readonly dropped: readonly string[];
}

/**
 * Ends the session of an opened checkpoint and removes its work tree. What was changed in it is kept as a
 * checkpoint first; where something cannot be kept (ignored files, files too large) it is refused.
 */
export async function closeOpened(deps: CloseDeps, input: CloseInput): Promise<Closed> {
  const { opened } = input;
  const home = await openRepo({ cwd: opened.of, env: deps.env });
  if (!existsSync(path.join(opened.tree, '.git'))) {
    refuseUnreadable(input);
    await deps.stop(opened.root);
    removeTree(deps, home, opened);
    return { tag: opened.tag, kept: null, dropped: [] };
  }
  const repo = await openRepo({ cwd: opened.tree, env: deps.env });
  // Before anything ends; and once more after, since a service may write when it is stopped.
  await look(deps, repo, input);
  await deps.stop(opened.root);
  const { snap, dropped } = await look(deps, repo, input);
  unlinkNeeded(home.root, opened.tree, opened.links);
  const kept = await keep(deps, home, repo, input, snap);
  await dropOwnRefs(home, repo);
  removeTree(deps, home, opened);
  return { tag: opened.tag, kept, dropped };
}

// Without its link to the repository nothing can be kept of what lies there.
function refuseUnreadable({ opened: { tag, tree }, yes }: CloseInput): void {
  if (yes || !existsSync(tree) || readdirSync(tree).length === 0) return;
  throw new DevenvError(
    'refused',
    `${tree} is no work tree of git any more (its .git is gone), so nothing that lies in it can be kept`,
    `copy from it what you need, then: devenv open --close ${tag} --yes`,
  );
}

// From here on it is no work tree any more: killed half way, the next opening clears it away.
function removeTree(deps: CloseDeps, home: Repo, opened: OpenedMarker): void {
  const place = makePlace(opened.of, deps.env);
  writeMarker(place, { ...opened, making: self.pid });
  removeScratch(home, opened.tree);
  rmSync(markerFile(place, opened.tag), { force: true });
}

async function look(
  deps: CloseDeps,
  repo: Repo,
  { opened, maxFileBytes, yes }: CloseInput,
): Promise<{ readonly snap: Snapshot; readonly dropped: readonly string[] }> {
  const snap = await snapshot(repo, { now: deps.clock.now(), purpose: 'look', maxFileBytes });
  const dropped = await ignoredIn(repo, opened);
  const lost = [
    ...snap.skipped.map(({ path: name, reason }) => `${showName(name)} (${reason})`),
    ...dropped.map(showName),
  ];
  if (lost.length > 0 && !yes) {
    const more = lost.length > 5 ? ` and ${lost.length - 5} more` : '';
    throw new DevenvError(
      'refused',
      `no checkpoint can hold these: ${lost.slice(0, 5).join(', ')}${more}`,
      `copy from ${opened.tree} what you need, then: devenv open --close ${opened.tag} --yes`,
    );
  }
  return { snap, dropped };
}

/** Ignored files and folders, but those that can be made again: dependencies, and our links. */
async function ignoredIn(repo: Repo, { tree, links }: OpenedMarker): Promise<readonly string[]> {
  const out = await mustGit(repo, 'looking for ignored files', [
    'ls-files',
    '-z',
    '--others',
    '--ignored',
    '--exclude-standard',
    '--directory',
  ]);
  const ours = new Set(links);
  const onlyLinks = (name: string): boolean =>
    name.endsWith('/')
      ? readdirSync(path.join(tree, name)).every((child) => onlyLinks(childName(tree, name, child)))
      : ours.has(name);
  return out
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '' && !name.split('/').some((part) => dependencyFolders.has(part)))
    .filter((name) => !onlyLinks(name));
}

function childName(tree: string, folder: string, child: string): string {
  const name = `${folder}${child}`;
  return lstatSync(path.join(tree, name)).isDirectory() ? `${name}/` : name;
}

async function keep(
  deps: CloseDeps,
  home: Repo,
  repo: Repo,
  { opened, tags, maxFileBytes }: CloseInput,
  looked: Snapshot,
): Promise<string | null> {
  // The links are gone now.
  const snap =
    opened.links.length === 0
      ? looked
      : await snapshot(repo, { now: deps.clock.now(), purpose: 'look', maxFileBytes });
  const tree = await mustGit(home, 'reading the checkpoint', ['rev-parse', `${opened.commit}^{tree}`]);
  const sameTree = snap.tree === tree.toString('latin1').trim();
  const sameHead = snap.head === opened.commit;
  if (sameTree && sameHead) return null;
  const made = await createCheckpoint(repo, {
    snapshot: snap,
    verdict: 'unverified',
    message: `changed in ${opened.tag} while it was open`,
    reason: 'close',
    tags,
    now: deps.clock.now(),
    maxFileBytes,
  });
  if (made.created || sameHead) return made.tag;
  // The newest checkpoint has this tree, but not the commits that were made here.
  const ref = `refs/devenv/closed/${opened.tag}-${snap.commit.slice(0, 7)}`;
  await mustGit(home, 'keeping the commits', ['update-ref', ref, snap.commit]);
  return ref;
}

// What was only tested or looked at in a work tree is needed no more when that is gone.
async function dropOwnRefs(home: Repo, gone: Repo): Promise<void> {
  for (const kind of ['looked', 'tested', 'present']) {
    const ref = `refs/devenv/${kind}/${path.basename(gone.gitDir)}`;
    if ((await readRef(home, ref)) !== undefined)
      await mustGit(home, 'removing what is not needed any more', ['update-ref', '-d', ref]);
  }
}
