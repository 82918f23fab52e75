import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { run } from '../../src/base/index.ts';
import { gitIn, type TestRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { program } from '../support/programs.ts';

/** What `just torture` was asked for; 0 in the everyday run. */
export const minutes = Number(process.env['TORTURE_MINUTES'] ?? 0);

/** How long a test of this kind may take: a bound for the everyday run, the minutes asked for with `just torture`. */
export const tortureTimeoutMs = 180_000 + minutes * 60_000;

/** Where the numbers begin: what `just torture` said when it failed, or always the same. */
export const tortureSeed = Number(process.env['TORTURE_SEED'] ?? 1);

/** The everyday number of rounds, or rounds for as long as `just torture` shall run. */
export function* rounds(short: number): Generator<number> {
  const end = performance.now() + minutes * 60_000;
  for (let n = 0; minutes > 0 ? performance.now() < end : n < short; n++) yield n;
}

/** What a process of `fixtures/act.ts` said; `killed` when it did not come to its end. */
export interface Acted {
  readonly killed: boolean;
  readonly code: number | null;
  readonly said: Readonly<Record<string, unknown>>;
  readonly stderr: string;
}

const actScript = program('act');

/** Starts an act in a process group of its own, for `kill` to end all of it or only devenv itself. */
export function act(
  t: TestRepo,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): {
  readonly begun: Promise<void>;
  readonly ended: Promise<Acted>;
  readonly kill: (whom: 'devenv' | 'all') => void;
} {
  const child = spawn(process.execPath, [actScript, t.dir, ...args], {
    env: { ...t.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let out = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = new Promise<Acted>((resolve) => {
    // Not 'close': a git that outlives devenv holds the pipe.
    child.on('exit', (code) => {
      const last = out.trim().split('\n').at(-1) ?? '';
      const said = last.startsWith('{') ? (JSON.parse(last) as Record<string, unknown>) : {};
      resolve({ killed: code === null, code, said, stderr });
    });
  });
  const begun = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      resolve();
    });
    child.on('exit', () => resolve());
  });
  const kill = (whom: 'devenv' | 'all'): void => {
    try {
      process.kill(whom === 'all' ? -(child.pid ?? 0) : (child.pid ?? 0), 'SIGKILL');
    } catch {
      // Done already.
    }
  };
  return { begun, ended, kill };
}

/** A `git` that stands before the real one in PATH, counts the calls and kills devenv at the chosen one. */
export interface Shim {
  readonly env: (kill?: KillAt) => NodeJS.ProcessEnv;
  readonly calls: () => number;
  /** Waits until every git that was started has ended, also one whose devenv is gone. */
  readonly settled: () => Promise<void>;
}

export interface KillAt {
  readonly call: number;
  /**
   * `before`: devenv dies, git runs on without it; `instead`: both, before git did anything; `during`: git runs on
   * after it; `both`: both in the middle of git's work; `after`: when git is done.
   */
  readonly how: 'before' | 'instead' | 'during' | 'both' | 'after';
  readonly afterMs: number;
}

const shimText = (real: string): string => `#!/bin/sh
n=1
while ! mkdir "$SHIM_DIR/$n" 2>/dev/null; do n=$((n + 1)); done
echo $$ >"$SHIM_DIR/$n/pid"
[ "$n" = "$SHIM_CALL" ] || exec '${real}' "$@"
case $SHIM_HOW in
before) kill -9 $PPID; exec '${real}' "$@" ;;
instead) kill -9 $PPID; exit 1 ;;
after) '${real}' "$@"; kill -9 $PPID; exit 1 ;;
esac
exec 3<&0
'${real}' "$@" <&3 3<&- &
git=$!
exec 3<&-
sleep "$SHIM_SECONDS"
kill -9 $PPID
[ "$SHIM_HOW" = both ] && kill -9 $git
wait
`;

export async function makeShim(t: TestRepo): Promise<Shim> {
  const bin = tempDir('shim');
  const counts = tempDir('calls');
  const real = (await run(['sh', '-c', 'command -v git'], { env: t.env })).stdout.trim();
  writeFileSync(path.join(bin, 'git'), shimText(real));
  chmodSync(path.join(bin, 'git'), 0o755);
  const calls = (): string[] => readdirSync(counts);
  return {
    env: (kill) => {
      rmSync(counts, { recursive: true });
      mkdirSync(counts);
      return {
        PATH: `${bin}:${t.env['PATH']}`,
        SHIM_DIR: counts,
        SHIM_CALL: String(kill?.call ?? 0),
        SHIM_HOW: kill?.how ?? 'after',
        SHIM_SECONDS: String((kill?.afterMs ?? 0) / 1000),
      };
    },
    calls: () => calls().length,
    settled: async () => {
      await until('every git to end', () => calls().every((n) => hasEnded(path.join(counts, n, 'pid'))));
    },
  };
}

function hasEnded(pidFile: string): boolean {
  if (!existsSync(pidFile)) return true; // it was killed before it could say who it was
  const pid = readFileSync(pidFile, 'utf8').trim();
  if (pid === '') return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true;
  }
}

/** Waits until no git works in a repository any more: that of a killed devenv may take another moment. */
export async function gitEnded(t: TestRepo): Promise<void> {
  const isHere = (pid: string): boolean => {
    try {
      const comm = readFileSync(`/proc/${pid}/comm`, 'utf8');
      return comm.startsWith('git') && readlinkSync(`/proc/${pid}/cwd`).startsWith(t.dir);
    } catch {
      return false;
    }
  };
  await until(
    'every git to end',
    () => !readdirSync('/proc').some((name) => /^\d+$/.test(name) && isHere(name)),
  );
}

/**
 * Everything in `.git` that a dead process left and that is in somebody's way: locks, crash reports, half objects,
 * files of devenv's own. The lock of a name that nobody will ask for again is in nobody's way.
 */
export function litterIn(gitDir: string): string[] {
  return readdirSync(gitDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => path.relative(gitDir, path.join(entry.parentPath, entry.name)))
    .filter((file) => /\.(lock|keep)$|fast_import_crash|^devenv\/|(^|\/)tmp_/.test(file))
    .filter(
      (file) => !file.endsWith('.keep') || readFileSync(path.join(gitDir, file), 'latin1') === 'fast-import',
    )
    .filter((file) => !/^refs\/(devenv\/checkpoints|tags)\/checkpoint-.*\.lock$/.test(file))
    .sort();
}

/** The tree of everything in the work tree that is not ignored, made by git with an index of its own. */
export async function treeNow(t: TestRepo): Promise<string> {
  const git = gitIn(t.dir, { ...t.env, GIT_INDEX_FILE: path.join(tempDir('index'), 'index') });
  await git('add', '-A');
  return git('write-tree');
}

/** git finds nothing wrong, and everything that a ref names is there. */
export async function expectSound(t: TestRepo): Promise<void> {
  const fsck = await run(['git', 'fsck', '--strict', '--full', '--no-dangling'], { cwd: t.dir, env: t.env });
  expect([fsck.code, fsck.stdout + fsck.stderr]).toEqual([
    0,
    expect.not.stringMatching(/error|missing|broken/),
  ]);
}
