import { spawn } from 'node:child_process';
import { gitArgv, gitError, mustGit } from './exec.ts';
import type { RawPath } from './names.ts';
import type { Repo } from './repo.ts';

/** One path that differs between two trees; a mode of `000000` is absent. */
export interface DiffEntry {
  readonly path: RawPath;
  readonly oldMode: string;
  readonly oldOid: string;
  readonly newMode: string;
  readonly newOid: string;
}

/**
 * What differs from each `from` to each `to` (commits; `from` null is the empty tree; or two trees), all in one process; only at
 * `paths` (as git takes them, seen from `dir`), where they are given.
 */
export async function diffCommits(
  repo: Repo,
  pairs: readonly { readonly from: string | null; readonly to: string; readonly trees?: boolean }[],
  only: { readonly paths: readonly string[]; readonly dir: string } = { paths: [], dir: repo.root },
): Promise<DiffEntry[][]> {
  // A commit followed by another one is compared with that one as if it were its parent.
  const input = pairs
    .map(({ from, to, trees }) => (from === null ? to : trees === true ? `${from} ${to}` : `${to} ${from}`))
    .join('\n');
  const flags = [
    '--stdin',
    '-r',
    '-z',
    '--raw',
    '--no-renames',
    '--no-abbrev',
    '--root',
    '--always',
    '--ignore-submodules=none',
  ];
  const out = await mustGit(
    repo,
    'comparing trees',
    ['-C', only.dir, 'diff-tree', ...flags, '--', ...only.paths],
    {
      input: `${input}\n`,
    },
  );
  const groups = parseDiffs(out.toString('latin1'));
  return pairs.map((_, i) => groups[i] ?? []);
}

/** What a tree holds at a path. */
export interface TreeEntry {
  readonly path: RawPath;
  readonly mode: string;
  readonly oid: string;
}

/** All that a commit's tree holds below any folder. */
export async function listTree(repo: Repo, commit: string): Promise<readonly TreeEntry[]> {
  const out = await mustGit(repo, 'looking into a tree', ['ls-tree', '-r', '-z', '--full-tree', commit]);
  const lines = out.toString('latin1').split('\0').filter(Boolean);
  return lines.map((line) => {
    const [mode = '', , oid = ''] = line.slice(0, line.indexOf('\t')).split(' ');
    return { path: line.slice(line.indexOf('\t') + 1), mode, oid };
  });
}

/** Parses the output of `diff-tree --stdin -z --raw --always`: each header (a commit) starts a group. */
export function parseDiffs(text: string): DiffEntry[][] {
  const groups: DiffEntry[][] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] !== ':') {
      const end = /[\n\0]/g;
      end.lastIndex = at;
      groups.push([]);
      at = (end.exec(text)?.index ?? text.length) + 1;
      continue;
    }
    const metaEnd = text.indexOf('\0', at);
    const pathEnd = text.indexOf('\0', metaEnd + 1);
    const [oldMode = '', newMode = '', oldOid = '', newOid = ''] = text.slice(at + 1, metaEnd).split(' ');
    groups.at(-1)?.push({ path: text.slice(metaEnd + 1, pathEnd), oldMode, newMode, oldOid, newOid });
    at = pathEnd + 1;
  }
  return groups;
}

/** Reads blobs in one process, in order; `take` gets each as soon as it is there, so that memory holds one at a time. */
export function readBlobs(
  repo: Repo,
  oids: readonly string[],
  take: (content: Buffer, index: number) => void,
): Promise<void> {
  return readObjects(repo, { doing: 'reading saved files', oids }, (content, index, type) => {
    if (type !== 'blob') throw gitError('reading saved files', `${oids[index]} is a ${type}`);
    take(content, index);
  });
}

/** The same for objects of any type. An object that is missing is an error. */
export async function readObjects(
  repo: Repo,
  { doing, oids }: { readonly doing: string; readonly oids: readonly string[] },
  take: (content: Buffer, index: number, type: string) => void,
): Promise<void> {
  if (oids.length === 0) return;
  const [file = 'git', ...args] = gitArgv(repo, ['cat-file', '--batch', '--buffer']);
  const child = spawn(file, args, { cwd: repo.root, env: repo.env, stdio: 'pipe' });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  // EPIPE: git ended early; what is missing below tells.
  child.stdin.on('error', () => {});
  child.stdin.end(`${oids.join('\n')}\n`);
  let index = 0;
  let rest: Buffer[] = [];
  let have = 0;
  let need = 1;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    rest.push(chunk);
    have += chunk.length;
    if (have < need) continue;
    let data = rest.length === 1 ? chunk : Buffer.concat(rest);
    for (;;) {
      const line = data.indexOf(10);
      if (line < 0) {
        need = data.length + 1;
        break;
      }
      const { size, type } = readHeader(doing, data.toString('latin1', 0, line));
      need = line + 1 + size + 1;
      if (data.length < need) break;
      take(data.subarray(line + 1, line + 1 + size), index++, type);
      data = data.subarray(need);
      need = 1;
      if (data.length === 0) break;
    }
    rest = data.length > 0 ? [data] : [];
    have = data.length;
  }
  if (index !== oids.length) throw gitError(doing, stderr || `${oids.length - index} objects are missing`);
}

function readHeader(doing: string, header: string): { readonly size: number; readonly type: string } {
  const [, type = '', size] = /^[0-9a-f]+ ([a-z]+) (\d+)$/.exec(header) ?? [];
  if (size === undefined) throw gitError(doing, header.replace(/^(\S+) missing$/, 'missing object $1'));
  return { size: Number(size), type };
}
