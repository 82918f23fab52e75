import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../base/index.ts';
import { git, gitError } from './exec.ts';
import type { Repo } from './repo.ts';

/** The commit a ref points at, or undefined; for refs kept as files no process is started. */
export async function readRef(repo: Repo, name: string): Promise<string | undefined> {
  if (repo.refFormat !== 'files') {
    const result = await git(repo, ['rev-parse', '--verify', '--quiet', name]);
    return result.ok ? result.stdout.toString('latin1').trim() : undefined;
  }
  const perWorktree = name === 'HEAD' || /^refs\/(bisect|worktree|rewritten)\//.test(name);
  const text = readFile(path.join(perWorktree ? repo.gitDir : repo.commonDir, name))?.trim();
  if (text?.startsWith('ref: ')) return readRef(repo, text.slice(5));
  if (text) return text;
  return packedRef(repo, name);
}

/** One ref among packed ones: they are text, and there can be thousands, so that text is searched, not taken apart. */
function packedRef(repo: Repo, name: string): string | undefined {
  const text = packedText(repo);
  // A line is `<id> <name>`; the line break keeps longer names out.
  const at = text.indexOf(` ${name}\n`);
  return at < 0 ? undefined : text.slice(text.lastIndexOf('\n', at) + 1, at);
}

/** The branch that is checked out, or null; read from HEAD as git writes it. */
export async function currentBranch(repo: Repo): Promise<string | null> {
  if (repo.refFormat !== 'files') {
    const result = await git(repo, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
    return result.ok ? result.stdout.toString('utf8').trim() : null;
  }
  return /^ref: refs\/heads\/(.*?)\n?$/.exec(readFile(path.join(repo.gitDir, 'HEAD')) ?? '')?.[1] ?? null;
}

const tries = 20;

/**
 * Moves a ref from one commit to another (null: it does not exist, or shall not; undefined: wherever it is);
 * there already is fine. Waits up
 * to 2 s for whoever holds its lock: it may be the git of a killed process of ours, doing the very same.
 */
export async function setRef(
  repo: Repo,
  move: {
    readonly ref: string;
    readonly from: string | null | undefined;
    readonly to: string | null;
    readonly doing: string;
    readonly log?: string;
  },
): Promise<void> {
  const { ref, from, to } = move;
  const none = '0'.repeat(repo.objectFormat === 'sha256' ? 64 : 40);
  const expected = from === undefined ? [] : [from ?? none];
  const log = move.log === undefined ? [] : ['-m', move.log];
  for (let attempt = 1; ((await readRef(repo, ref)) ?? null) !== to; attempt++) {
    const target = to === null ? ['-d', ref] : [...log, ref, to];
    const result = await git(repo, ['update-ref', ...target, ...expected], { reflog: log.length > 0 });
    if (result.ok) return;
    if (attempt === tries) throw gitError(move.doing, result.stderr);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Names under a prefix (`refs/devenv/undo/`) with their commits. */
export async function listRefs(repo: Repo, prefix: string): Promise<ReadonlyMap<string, string>> {
  if (repo.refFormat !== 'files') {
    const result = await git(repo, ['for-each-ref', '--format=%(refname) %(objectname)', prefix]);
    return new Map(
      [...result.stdout.toString('utf8').matchAll(/^(\S+) (\S+)$/gm)].map((match): [string, string] => [
        match[1] ?? '',
        match[2] ?? '',
      ]),
    );
  }
  const found = new Map(packedRefs(repo, prefix));
  for (const name of readDir(path.join(repo.commonDir, prefix))) {
    if (name.endsWith('.lock')) continue;
    found.set(prefix + name, readFile(path.join(repo.commonDir, prefix, name))?.trim() ?? '');
  }
  return found;
}

/** Only the names under a prefix, without reading each ref. */
export async function listRefNames(repo: Repo, prefix: string): Promise<readonly string[]> {
  if (repo.refFormat !== 'files') return [...(await listRefs(repo, prefix)).keys()];
  const loose = readDir(path.join(repo.commonDir, prefix))
    .filter((name) => !name.endsWith('.lock'))
    .map((name) => prefix + name);
  return [...new Set([...packedRefs(repo, prefix).keys(), ...loose])];
}

/**
 * The names under a prefix that begin as the last of them does, by their first `start` characters behind the prefix.
 * Packed refs are sorted, so only the end of thousands is looked at.
 */
export async function lastRefNames(repo: Repo, prefix: string, start: number): Promise<readonly string[]> {
  if (repo.refFormat !== 'files') return listRefNames(repo, prefix);
  const text = packedText(repo);
  if (!/^#.* sorted /.test(text) && text !== '') return listRefNames(repo, prefix);
  let stem = '';
  let last: string[] = [];
  // Returns false for a name that comes before others.
  const take = (name: string): boolean => {
    const own = name.slice(0, start);
    if (own < stem) return false;
    if (own > stem) last = [];
    stem = own;
    last.push(prefix + name);
    return true;
  };
  for (const name of readDir(path.join(repo.commonDir, prefix))) if (!name.endsWith('.lock')) take(name);
  for (let at = text.lastIndexOf(` ${prefix}`); at >= 0; at = text.lastIndexOf(` ${prefix}`, at - 1))
    if (!take(text.slice(at + 1 + prefix.length, text.indexOf('\n', at)))) break;
  return last;
}

/** Tells whether a ref exists, as things stand now. */
export async function refFinder(repo: Repo, prefix: string): Promise<(name: string) => boolean> {
  if (repo.refFormat !== 'files') {
    const names = new Set(await listRefNames(repo, prefix));
    return (name) => names.has(name);
  }
  return (name) => existsSync(path.join(repo.commonDir, name)) || packedRef(repo, name) !== undefined;
}

let known = { file: '', stamp: '', text: '' };

/** The file of packed refs; kept while it is the same, as git itself does: it can be megabytes. */
function packedText(repo: Repo): string {
  const file = path.join(repo.commonDir, 'packed-refs');
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return '';
  const stamp = `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
  if (known.file !== file || known.stamp !== stamp) known = { file, stamp, text: readFile(file) ?? '' };
  return known.text;
}

/** The packed refs under a prefix, with their commits. */
export function packedRefs(repo: Repo, prefix: string): Map<string, string> {
  const found = new Map<string, string>();
  const text = packedText(repo);
  if (!text.includes(` ${prefix}`)) return found;
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0 && line[0] !== '#' && line.startsWith(prefix, space + 1))
      found.set(line.slice(space + 1), line.slice(0, space));
  }
  return found;
}

function readFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

function readDir(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}
