import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { plural } from '../../base/index.ts';
import { blobId, readDiskFile, type Snapshot } from '../../checkpoint/index.ts';
import {
  diskPath,
  git,
  mustGit,
  repoState,
  shallowCommits,
  shownPath,
  type RawPath,
  type Repo,
} from '../../git/index.ts';
import { readLineEnds } from './state.ts';
import type { FreshSettings, LineEnds } from './types.ts';

/** The end of a command line that holds them must stay short enough for every system. */
const longestExcludes = 16 * 1024;

/** What a repository that is made on the box is given of this one. Nothing of it is a secret. */
export async function freshSettings(
  repo: Repo,
): Promise<FreshSettings & { readonly leftOut: readonly string[] }> {
  const { safe, unsafe } = await readRemotes(repo);
  return {
    objectFormat: repo.objectFormat,
    lineEnds: await readLineEnds(repo),
    remotes: safe,
    excludes: await readExcludes(repo),
    shallow: shallowCommits(repo),
    leftOut: unsafe,
  };
}

async function readRemotes(
  repo: Repo,
): Promise<{ readonly safe: FreshSettings['remotes']; readonly unsafe: readonly string[] }> {
  const result = await git(repo, ['config', '--local', '-z', '--get-regexp', String.raw`^remote\..*\.url$`]);
  const rows = result.stdout.toString('utf8').split('\0').filter(Boolean);
  const all = rows.map((row) => {
    const [key = '', ...url] = row.split('\n');
    return { name: key.slice('remote.'.length, -'.url'.length), url: url.join('\n') };
  });
  return {
    safe: all.filter(({ url }) => mayTell(url)),
    unsafe: all.filter(({ url }) => hasSecret(url)).map(({ name }) => name),
  };
}

/** Whether the URL of a remote holds what only this machine may know. Pure. */
export function hasSecret(url: string): boolean {
  const user = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)@/i.exec(url)?.[1];
  if (user === undefined) return /[?&][^=]*(token|secret|password|key)[^=]*=/i.test(url);
  // A plain user name is no secret for ssh; for https it may be a token.
  return (
    user.includes(':') ||
    !/^(git\+)?ssh:/i.test(url) ||
    /[?&][^=]*(token|secret|password|key)[^=]*=/i.test(url)
  );
}

/** Whether the URL means something on another machine, and says no more than where. Pure. */
export function mayTell(url: string): boolean {
  if (hasSecret(url)) return false;
  // `helper::address` runs a program.
  if (/^(https?|ssh|git|git\+ssh):\/\//i.test(url)) return true;
  return /^[^/:]+:(?!:|\/\/)/.test(url) && !/^[a-z]:[\\/]/i.test(url);
}

async function readExcludes(repo: Repo): Promise<string> {
  const named = await git(repo, ['config', '--path', '--get', 'core.excludesFile']);
  const xdg = repo.env['XDG_CONFIG_HOME'] || path.join(repo.env['HOME'] ?? '/', '.config');
  const own = named.ok ? named.stdout.toString('utf8').trimEnd() : path.join(xdg, 'git/ignore');
  const lines = [own, path.join(repo.commonDir, 'info/exclude')].flatMap((file) =>
    existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [],
  );
  const rules = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const text = rules.map((line) => `${line}\n`).join('');
  return text.length > longestExcludes ? '' : text;
}

/** What does not travel, or not as one might think; a line each. */
export async function travelNotes(
  repo: Repo,
  now: Snapshot,
  there: LineEnds | null,
): Promise<readonly string[]> {
  const state = repoState(repo);
  const middle =
    state === 'clean' && !now.unmerged
      ? []
      : [
          `${state === 'clean' ? 'files are unmerged' : `git is ${state}`} here: the files are sent as they are, what git is in the middle of is not`,
        ];
  const here = await readLineEnds(repo);
  const differs = there !== null && (there.autocrlf !== here.autocrlf || there.eol !== here.eol);
  return [
    ...middle,
    ...(await submoduleNotes(repo)),
    ...(await lfsNotes(repo)),
    ...(differs
      ? [
          `line ends are converted otherwise there (core.autocrlf ${there.autocrlf || 'not set'}, here ${here.autocrlf || 'not set'}): unchanged files come as git checks them out there`,
        ]
      : []),
  ];
}

/**
 * Files that lie here as git holds them though a checkout would give them Windows line ends: they were made before
 * git was told to convert, or by hand. git calls them clean, so only their bytes tell.
 */
export async function unconverted(repo: Repo): Promise<readonly RawPath[]> {
  const { autocrlf, eol } = await readLineEnds(repo);
  const file = path.join(repo.root, '.gitattributes');
  const asked = existsSync(file) && readFileSync(file, 'utf8').includes('eol=crlf');
  if (!asked && eol !== 'crlf' && /^(false|input|)$/.test(autocrlf)) return [];
  const out = await mustGit(repo, 'reading line ends', ['ls-files', '-s', '--eol', '-z']);
  const rows = out.toString('latin1').matchAll(/100\d+ (\w+) 0\ti\/(lf|mixed) +w\/\2 [^\t]*\t([^\0]+)\0/g);
  return [...rows]
    .filter(([, oid, , name = '']) => idOnDisk(repo, name) === oid)
    .map(([, , , name = '']) => name);
}

function idOnDisk(repo: Repo, name: RawPath): string | undefined {
  const file = readDiskFile(diskPath(repo.root, name), Infinity);
  return file.kind === 'file' ? blobId(file.content, repo.objectFormat) : undefined;
}

async function submoduleNotes(repo: Repo): Promise<readonly string[]> {
  if (!existsSync(path.join(repo.root, '.gitmodules'))) return [];
  const out = await mustGit(repo, 'looking for submodules', ['ls-files', '-s', '-z']);
  const names = [...out.toString('latin1').matchAll(/(?:^|\0)160000 [^\t]*\t([^\0]*)/g)].map(
    ([, name = '']) => shownPath(name),
  );
  if (names.length === 0) return [];
  const some = `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
  return [
    `of ${plural(names.length, 'submodule')} (${some}) only the commit is sent: git submodule update --init there fetches it`,
  ];
}

async function lfsNotes(repo: Repo): Promise<readonly string[]> {
  const file = path.join(repo.root, '.gitattributes');
  if (!existsSync(file) || !readFileSync(file, 'utf8').includes('filter=lfs')) return [];
  const result = await git(repo, ['ls-files', '-z', ':(attr:filter=lfs)']);
  const count = result.stdout.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0);
  if (!result.ok || count === 0) return [];
  return [
    `${plural(count, 'file')} of git LFS: what is not changed is sent as its pointer; git lfs pull there fetches the content`,
  ];
}
