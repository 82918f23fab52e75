import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../base/index.ts';
import { gitArgv, gitError } from './exec.ts';
import { missingGit } from './env.ts';
import type { Repo } from './repo.ts';

/** A running `git fast-import`: one process writes blobs, trees, commits and refs, without any index. */
export interface Importer {
  /** Sends commands or data; waits when git is slower than we are. */
  write(chunk: string | Buffer): Promise<void>;
  /** The next line of git's answer to `ls` or `get-mark`. */
  line(): Promise<string>;
  /** Ends the stream and waits until objects and refs are written. `moved` is false when a ref was not ours to write. */
  finish(): Promise<{ readonly moved: boolean }>;
  /** Gives up: nothing is written, no ref moves. */
  abort(): Promise<void>;
}

/** Starts an import; `force` lets it move refs that exist. */
export function startImport(repo: Repo, options: { readonly force?: boolean } = {}): Importer {
  const [file = 'git', ...args] = gitArgv([
    'fast-import',
    '--quiet',
    '--done',
    ...(options.force ? ['--force'] : []),
  ]);
  const child = spawn(file, args, { cwd: repo.root, env: repo.env, stdio: 'pipe' });
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
  const failure = (): Error => {
    removeCrashReport(repo, child.pid);
    return missing ? missingGit() : gitError('saving a checkpoint', stderr);
  };
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
    async finish() {
      child.stdin.end('done\n');
      await closed;
      // Exit status 1 and one of these: another process made the ref meanwhile; everything else is a failure.
      if (
        ended?.code === 1 &&
        /Not updating|reference already exists|cannot lock ref.*(is at|File exists)/s.test(stderr)
      )
        return { moved: false };
      if (ended?.code !== 0) throw failure();
      return { moved: true };
    },
    async abort() {
      const packs = openPacks(child.pid);
      child.kill('SIGKILL');
      await closed;
      for (const pack of packs) rmSync(pack, { force: true });
      removeCrashReport(repo, child.pid);
    },
  };
}

function removeCrashReport(repo: Repo, pid: number | undefined): void {
  if (pid === undefined) return;
  rmSync(path.join(repo.gitDir, `fast_import_crash_${pid}`), { force: true });
}

// A killed import leaves the pack it was writing, whose name says nothing of whose it is; while it lives, /proc does.
function openPacks(pid: number | undefined): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
      .filter((file) => /\/objects\/pack\/tmp_[^/]*$/.test(file));
  } catch {
    return []; // gone, or no /proc here: `git gc` removes it in time
  }
}
