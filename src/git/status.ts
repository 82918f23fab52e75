import { existsSync } from 'node:fs';
import path from 'node:path';
import { git, gitError } from './exec.ts';
import { rawPath } from './names.ts';
import type { RawPath } from './names.ts';
import type { Repo } from './repo.ts';

/** One tracked path that differs somewhere between HEAD, index and work tree. Modes are octal text, '000000' is absent. */
export interface TrackedChange {
  readonly path: RawPath;
  /** As in `git status`: what differs HEAD-index, index-work tree. */
  readonly xy: string;
  /** `N...`, or `S` with what differs inside a submodule. */
  readonly sub: string;
  readonly headMode: string;
  readonly headOid: string;
  readonly indexMode: string;
  readonly indexOid: string;
  readonly diskMode: string;
  /** Several versions are in the index: a merge waits for a decision. */
  readonly unmerged: boolean;
}

export interface Status {
  /** The commit of HEAD; null before the first one. */
  readonly head: string | null;
  /** null when HEAD is detached. */
  readonly branch: string | null;
  readonly tracked: readonly TrackedChange[];
  /** Files not tracked and not ignored; a trailing `/` is another repository. */
  readonly untracked: readonly RawPath[];
  /** git could not look everywhere. */
  readonly warned: boolean;
  /** Of those places the ones that it named. */
  readonly unreadable: readonly RawPath[];
}

const flags = ['--porcelain=v2', '-z', '--branch', '-uall', '--no-renames', '--no-ahead-behind'];

/** The last two: an edit that leaves size and time as they were shows in the inode alone. */
const settings = [
  'status.showUntrackedFiles=all',
  'core.quotePath=false',
  'core.checkStat=default',
  'core.trustctime=true',
];

// git's own watcher is asked when it runs; a hook is not run, and no watcher is started.
function fsmonitor(repo: Repo): readonly string[] {
  return existsSync(path.join(repo.gitDir, 'fsmonitor--daemon.ipc')) ? [] : ['core.fsmonitor=false'];
}

/** What differs from HEAD, by one `git status` that takes no lock. */
export async function readStatus(repo: Repo): Promise<Status> {
  const submodules = existsSync(path.join(repo.root, '.gitmodules')) ? 'none' : 'dirty';
  const result = await git(repo, [
    ...[...settings, ...fsmonitor(repo)].flatMap((setting) => ['-c', setting]),
    'status',
    ...flags,
    `--ignore-submodules=${submodules}`,
  ]);
  if (!result.ok) throw gitError('reading what changed', result.stderr);
  // LC_ALL=C: these words are the same everywhere.
  const warned = /could not (open directory|lstat)|Permission denied/.test(result.stderr);
  const unreadable = warned ? parseUnreadable(result.stderr) : [];
  return { ...parseStatus(result.stdout.toString('latin1')), warned, unreadable };
}

/** The places that git's warnings name. */
export function parseUnreadable(stderr: string): readonly RawPath[] {
  const named = stderr.matchAll(/could not (?:open directory|lstat) '(.*?)\/?'/g);
  return [...new Set([...named].map(([, name = '']) => rawPath(name)))].filter((name) => name !== '');
}

/** Parses `git status --porcelain=v2 -z --branch`. */
export function parseStatus(text: string): Omit<Status, 'warned' | 'unreadable'> {
  let head: string | null = null;
  let branch: string | null = null;
  const tracked: TrackedChange[] = [];
  const untracked: RawPath[] = [];
  for (const record of text.split('\0')) {
    if (record.startsWith('1 ')) tracked.push(parseChanged(record));
    else if (record.startsWith('u ')) tracked.push(parseUnmerged(record));
    else if (record.startsWith('? ')) untracked.push(record.slice(2));
    else if (record.startsWith('# branch.oid '))
      head = record.endsWith('(initial)') ? null : record.slice(13);
    else if (record.startsWith('# branch.head '))
      branch = record.endsWith('(detached)')
        ? null
        : Buffer.from(record.slice(14), 'latin1').toString('utf8');
  }
  return { head, branch, tracked, untracked };
}

function fields(record: string, count: number): string[] {
  const parts = record.split(' ');
  return [...parts.slice(0, count), parts.slice(count).join(' ')];
}

// 1 XY sub mH mI mW hH hI path
function parseChanged(record: string): TrackedChange {
  const [
    ,
    xy = '',
    sub = '',
    headMode = '',
    indexMode = '',
    diskMode = '',
    headOid = '',
    indexOid = '',
    path = '',
  ] = fields(record, 8);
  return { path, xy, sub, headMode, headOid, indexMode, indexOid, diskMode, unmerged: false };
}

// u XY sub m1 m2 m3 mW h1 h2 h3 path: of the staged versions ours is kept, else theirs.
function parseUnmerged(record: string): TrackedChange {
  const [, xy = '', sub = '', , m2 = '', m3 = '', diskMode = '', , h2 = '', h3 = '', path = ''] = fields(
    record,
    10,
  );
  const ours = m2 !== '000000';
  return {
    path,
    xy,
    sub,
    headMode: m2,
    headOid: h2,
    indexMode: ours ? m2 : m3,
    indexOid: ours ? h2 : h3,
    diskMode,
    unmerged: true,
  };
}
