import { existsSync, lstatSync, readdirSync, readlinkSync, rmSync, rmdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { makeDir } from '../base/index.ts';
import { findDependencies, git, type Repo } from '../git/index.ts';

/**
 * Links what is ignored, and so in no checkpoint, but needed to run: folders of dependencies (or the paths
 * configured), and settings of this machine. Of a folder its contents are linked, so that it is a real folder:
 * the ignore rule `node_modules/` holds for it, and what is installed anew in it does not get into the live one.
 * Returns the links, below `tree`.
 */
export async function linkNeeded(
  repo: Repo,
  tree: string,
  input: { readonly link: 'auto' | readonly string[]; readonly project: string },
): Promise<readonly string[]> {
  const wanted = input.link === 'auto' ? await findDependencies(repo) : input.link;
  const settings = await ignoredSettings(repo, input.project);
  return [...wanted, ...settings].flatMap((relative) => linkOne(repo.root, tree, relative));
}

const settingsFile = /^(\.env(\..+)?|devenv\.local\.yaml)$/;

async function ignoredSettings(repo: Repo, project: string): Promise<readonly string[]> {
  const folder = path.relative(repo.root, project);
  const found = readdirSync(project)
    .filter((name) => settingsFile.test(name))
    .map((name) => path.join(folder, name));
  if (found.length === 0) return found;
  const result = await git(repo, ['check-ignore', '-z', '--stdin'], {
    input: found.map((name) => `${name}\0`).join(''),
  });
  return result.stdout.toString('utf8').split('\0').filter(Boolean);
}

function linkOne(root: string, tree: string, relative: string): string[] {
  const [source, target] = [path.resolve(root, relative), path.resolve(tree, relative)];
  const inside = target.startsWith(tree + path.sep);
  if (!inside || !existsSync(source) || lstatSync(target, { throwIfNoEntry: false })) return [];
  if (!lstatSync(source).isDirectory()) {
    makeDir(path.dirname(target));
    symlinkSync(source, target);
    return [path.relative(tree, target)];
  }
  makeDir(target);
  return readdirSync(source)
    .filter((name) => !isCache(name))
    .map((name) => {
      symlinkSync(path.join(source, name), path.join(target, name));
      return path.join(path.relative(tree, target), name);
    });
}

// Two servers must not write one cache: `.vite`, `.cache`. The others are parts of the installation.
function isCache(name: string): boolean {
  return (
    name.startsWith('.') && !['.bin', '.pnpm', '.store', '.package-lock.json', '.modules.yaml'].includes(name)
  );
}

/** Whether a path of the work tree is still the link that was made there. */
export function isOurLink(root: string, tree: string, relative: string): boolean {
  try {
    return readlinkSync(path.join(tree, relative)) === path.join(root, relative);
  } catch {
    return false; // gone, or something else by now
  }
}

/** Takes the links away again, with the folders that were made for them; never what they point at. */
export function unlinkNeeded(root: string, tree: string, links: readonly string[]): void {
  for (const relative of links)
    if (isOurLink(root, tree, relative)) rmSync(path.join(tree, relative), { force: true });
  for (const folder of new Set(links.map((relative) => path.dirname(relative)))) removeEmpty(tree, folder);
}

function removeEmpty(tree: string, folder: string): void {
  for (let dir = folder; dir !== '.' && dir !== ''; dir = path.dirname(dir)) {
    try {
      rmdirSync(path.join(tree, dir));
    } catch {
      return; // something is in it, or it is gone
    }
  }
}
