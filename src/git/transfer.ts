import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { DevenvError, isAlive, randomId, self } from '../base/index.ts';
import { git, gitArgv, gitError } from './exec.ts';
import { notePack, packSettings } from './packs.ts';
import type { Repo } from './repo.ts';

/** Those of some commits that are here. One process. */
export async function knownCommits(repo: Repo, oids: readonly string[]): Promise<ReadonlySet<string>> {
  if (oids.length === 0) return new Set();
  const args = ['cat-file', '--batch-check=%(objectname) %(objecttype)'];
  const result = await git(repo, args, { input: `${oids.join('\n')}\n` });
  if (!result.ok) throw gitError('looking for commits', result.stderr);
  const found = result.stdout.toString('latin1').matchAll(/^([0-9a-f]+) commit$/gm);
  return new Set([...found].map(([, oid = '']) => oid));
}

/** Where the history of a shallow clone ends; empty for a whole one. */
export function shallowCommits(repo: Repo): readonly string[] {
  const file = path.join(repo.commonDir, 'shallow');
  return existsSync(file) ? readFileSync(file, 'latin1').split('\n').filter(Boolean) : [];
}

/** Whether objects that a remote promised may be missing here (`git clone --filter`). */
export async function isPartial(repo: Repo): Promise<boolean> {
  const names = String.raw`^(remote\..*\.promisor|extensions\.partialclone)$`;
  return (await git(repo, ['config', '--get-regexp', names])).ok;
}

/** How far git is: what it does, and how much of it is done. */
export type PackProgress = (doing: string, percent: number) => void;

/** A pack that is being made: `done` rejects with git's words when it could not be. */
export interface PackStream {
  readonly stdout: Readable;
  readonly done: Promise<void>;
  readonly stop: () => void;
}

/** Packs what `wants` hold and `haves` do not, as a stream; both are commits that are here. */
export function startPack(
  repo: Repo,
  input: {
    readonly wants: readonly string[];
    readonly haves: readonly string[];
    readonly partial?: boolean;
    readonly onProgress?: PackProgress;
  },
): PackStream {
  // `--shallow`: also what is only in `haves` that no want descends from is left out, as with states of a work tree.
  const flags = ['--revs', '--thin', '--shallow', '--stdout', '--delta-base-offset'];
  const shows = input.onProgress ? ['--progress', '--all-progress'] : ['-q'];
  const [file = 'git', ...args] = gitArgv(repo, ['pack-objects', ...flags, ...shows]);
  // What a partial clone lacks is fetched: the other side shall have all of it.
  const env = input.partial ? { ...repo.env, GIT_NO_LAZY_FETCH: '0' } : repo.env;
  const child = spawn(file, args, { cwd: repo.root, env, stdio: 'pipe' });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-16_384);
    const found = [...chunk.matchAll(/(\w+) objects:\s+(\d+)%/g)].at(-1);
    if (found) input.onProgress?.(`${found[1]?.toLowerCase()} objects`, Number(found[2]));
  });
  // EPIPE: git ended early; its exit status tells why.
  child.stdin.on('error', () => {});
  child.stdin.end([...input.wants, ...input.haves.map((oid) => `^${oid}`), ''].join('\n'));
  const done = new Promise<void>((resolve, reject) => {
    child.on('error', (error) => reject(gitError('packing what is sent', error.message)));
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(gitError('packing what is sent', complaint(stderr))),
    );
  });
  done.catch(() => {}); // told where it is awaited
  const stop = (): void => {
    child.kill('SIGKILL');
    // What nobody reads any more would keep it from being closed.
    child.stdout.destroy();
  };
  return { stdout: child.stdout, done, stop };
}

const complaint = (stderr: string): string =>
  stderr
    .split(/[\r\n]/)
    .filter((line) => /^(fatal|error)/.test(line))
    .join('\n');

const roomName = 'tmp_objdir-devenv-';
const smallPack = 16 * 1024 * 1024;

/**
 * Takes a pack in from an open file. It comes into a room of its own first, where git does not look: only when it is
 * complete and `commits` lead to nothing that is missing, it becomes part of the repository. A pack that was cut off
 * is an error `lost` and leaves nothing.
 */
export async function takePack(repo: Repo, from: number, commits: readonly string[]): Promise<void> {
  const objects = path.join(repo.commonDir, 'objects');
  sweepRooms(objects);
  const room = path.join(objects, `${roomName}${self.pid}-${randomId()}`);
  mkdirSync(path.join(room, 'pack'), { recursive: true, mode: 0o700 });
  const env = {
    ...repo.env,
    // What stands in for other objects here is no proof that they came.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OBJECT_DIRECTORY: room,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: asListed(objects),
  };
  try {
    const name = await indexPack(repo, from, env);
    await refuseUnconnected(repo, commits, env);
    const fresh = readdirSync(path.join(objects, 'pack')).every((file) => !file.endsWith('.pack'));
    movePack(path.join(room, 'pack'), path.join(objects, 'pack'), name);
    const { size } = statSync(path.join(objects, 'pack', `${name}.pack`));
    // Small ones that come again and again are folded; a whole history is for git's own gc.
    if (!fresh && size < smallPack) await notePack(repo, name);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

// The variable is a list: what separates its parts must be quoted.
function asListed(dir: string): string {
  return /[:"\n]/.test(dir)
    ? `"${dir.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}"`
    : dir;
}

async function indexPack(repo: Repo, from: number, env: NodeJS.ProcessEnv): Promise<string> {
  const [file = 'git', ...args] = gitArgv(repo, [...packSettings, 'index-pack', '--stdin', '--fix-thin']);
  const child = spawn(file, args, { cwd: repo.root, env, stdio: [from, 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('latin1').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  const hash = /^(?:pack|keep)\t([0-9a-f]+)$/m.exec(stdout)?.[1];
  if (code === 0 && hash !== undefined) return `pack-${hash}`;
  if (/early EOF|premature end|bad pack|corrupt|inflate|SHA1 mismatch|read error/i.test(stderr))
    throw new DevenvError('lost', 'what was sent did not arrive whole', 'nothing was changed; run it again');
  throw gitError('taking in what was sent', stderr);
}

async function refuseUnconnected(
  repo: Repo,
  commits: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const promised = (await isPartial(repo)) ? ['--exclude-promisor-objects'] : [];
  const args = ['rev-list', '--objects', '--quiet', ...promised, '--stdin', '--not', '--all'];
  const result = await git(repo, args, { env, input: `${commits.join('\n')}\n` });
  if (result.ok) return;
  throw new DevenvError(
    'environment',
    'what was sent builds on commits that are missing here',
    'one of the two is a shallow clone: git fetch --unshallow in it, then again',
    new Error(result.stderr),
  );
}

/** The index last: without it no git sees the pack. */
function movePack(from: string, to: string, name: string): void {
  mkdirSync(to, { recursive: true });
  for (const end of ['pack', 'rev', 'idx'])
    if (existsSync(path.join(from, `${name}.${end}`)))
      renameSync(path.join(from, `${name}.${end}`), path.join(to, `${name}.${end}`));
}

/** What a process that was killed left; `git prune` would remove it in time. */
function sweepRooms(objects: string): void {
  for (const name of readdirSync(objects)) {
    const pid = new RegExp(`^${roomName}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && Number(pid) !== self.pid && !isAlive(Number(pid)))
      rmSync(path.join(objects, name), { recursive: true, force: true });
  }
}
