import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { errnoOf } from '../base/index.ts';
import { gitArgv, gitError } from './exec.ts';
import { missingGit } from './env.ts';
import {
  closeRecord,
  leaveRecord,
  notePair,
  noteProcess,
  openPacks,
  openRecord,
  removeCrashReport,
} from './import-record.ts';
import { notePack, packSettings } from './packs.ts';
import { settlePair, type RefPair } from './ref-pair.ts';
import type { Repo } from './repo.ts';

/** A running `git fast-import`: one process writes blobs, trees, commits and refs, without any index. */
export interface Importer {
  /** Sends commands or data; waits when git is slower than we are. */
  write(chunk: string | Buffer): Promise<void>;
  /** The next line of git's answer to `ls` or `get-mark`. */
  line(): Promise<string>;
  /**
   * Ends the stream and waits until objects and refs are written. `moved` is false when a ref was not ours to write.
   * `pair` are the names that the stream moves: whatever happens, they end up at one commit.
   */
  finish(pair?: RefPair): Promise<{ readonly moved: boolean }>;
  /** Gives up: nothing is written, no ref moves. */
  abort(): Promise<void>;
}

/**
 * Names stay what `git status` said: folded, an entry would get the content of another one, and what only other
 * systems cannot have (`git~1`) is no danger in a tree.
 */
const asNamed = ['core.ignoreCase=false', 'core.protectNTFS=false', 'core.protectHFS=false'];

/**
 * glibc gives memory back to the system whenever the last 128 kB of the heap are free, and fast-import asks for 260 kB
 * for each object and frees them: every object had its pages mapped and filled with zeros again, a third of all that an
 * import costs. https://man7.org/linux/man-pages/man3/mallopt.3.html (M_TRIM_THRESHOLD); elsewhere it means nothing.
 */
const keepHeap = { MALLOC_TRIM_THRESHOLD_: '33554432', MALLOC_TOP_PAD_: '1048576' };

/** Starts an import; `force` lets it move refs that exist. */
export function startImport(repo: Repo, options: { readonly force?: boolean } = {}): Importer {
  const record = openRecord(repo);
  const [file = 'git', ...args] = gitArgv(repo, [
    ...packSettings,
    '-c',
    'fastimport.unpackLimit=0',
    ...asNamed.flatMap((setting) => ['-c', setting]),
    'fast-import',
    '--quiet',
    '--done',
    ...(record === undefined ? [] : [`--export-pack-edges=${record}`]),
    ...(options.force ? ['--force'] : []),
  ]);
  const child = spawn(file, args, { cwd: repo.root, env: { ...keepHeap, ...repo.env }, stdio: 'pipe' });
  noteProcess(record, child.pid);
  const lines: string[] = [];
  let rest = '';
  let stderr = '';
  let waiting: (() => void) | undefined;
  let ended: { readonly code: number | null } | undefined;
  let missing = false;
  const wake = (): void => {
    waiting?.();
    waiting = undefined;
  };
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  // EPIPE only says that git gave up; its exit status and its words tell why.
  child.stdin.on('error', wake);
  child.on('error', (error) => {
    missing = errnoOf(error) === 'ENOENT';
    ended = { code: null };
    wake();
  });
  const closed = new Promise<void>((resolve) => {
    const onEnd = (code: number | null): void => {
      ended ??= { code };
      wake();
      resolve();
    };
    child.on('close', onEnd);
    child.on('error', () => onEnd(null));
  });
  const failure = (): Error =>
    missing ? missingGit() : gitError('saving a checkpoint', stderr, [repo.gitDir]);
  return {
    async write(chunk) {
      if (ended || child.stdin.destroyed) return;
      if (!(typeof chunk === 'string' ? child.stdin.write(chunk, 'latin1') : child.stdin.write(chunk))) {
        await new Promise<void>((resolve) => {
          waiting = resolve;
          child.stdin.once('drain', resolve);
        });
      }
    },
    async line() {
      while (lines.length === 0) {
        if (ended) throw failure();
        await new Promise<void>((resolve) => (waiting = resolve));
      }
      return lines.shift() ?? '';
    },
    async finish(pair) {
      if (pair) notePair(record, pair);
      child.stdin.end('done\n');
      await closed;
      let moved = ended?.code === 0;
      if (!moved) {
        const error = wasTaken(ended?.code, stderr) ? undefined : failure();
        removeCrashReport(repo, child.pid);
        moved = pair !== undefined && (await settlePair(repo, pair));
        if (error && !moved) {
          closeRecord(record);
          throw error;
        }
      }
      // Also where it was killed, or failed, behind the first of two names: it is done all the same.
      const pack = closeRecord(record);
      if (moved && pack !== undefined) await notePack(repo, pack);
      return { moved };
    },
    async abort() {
      const packs = openPacks(child.pid);
      child.kill('SIGKILL');
      await closed;
      for (const pack of packs) rmSync(pack, { force: true });
      leaveRecord(record);
      removeCrashReport(repo, child.pid);
    },
  };
}

/** Whether another process made the ref, or the very same pack, meanwhile; everything else is a failure. */
function wasTaken(code: number | null | undefined, stderr: string): boolean {
  if (/cannot create keep file: File exists/.test(stderr)) return true;
  return (
    code === 1 && /Not updating|reference already exists|cannot lock ref.*(is at|File exists)/s.test(stderr)
  );
}
