import type { Stats } from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { watch, type FSWatcher } from 'chokidar';
import { createIgnoreRules } from './ignore.ts';
import type { ThreadInput, ThreadMessage } from './messages.ts';

// A thread that does nothing else: while the main one is busy the kernel's queue of events must not run over.

const namedAtMost = 100;
const rememberAtMost = 10_000;

/** Watches until the thread is ended. */
function startWatching(input: ThreadInput, tell: (message: ThreadMessage) => void): void {
  let rules = createIgnoreRules(input);
  const seen = new Map<string, string>();
  let pending: Set<string> | undefined;
  let degraded = false;

  const relativeOf = (file: string): string => path.relative(input.top, file).split(path.sep).join('/');
  const hint = (relative: string): void => {
    if (!pending) {
      pending = new Set();
      // One message for all events of the same turn.
      setImmediate(() => {
        const paths = [...(pending ?? [])];
        pending = undefined;
        tell({ kind: 'changed', paths: paths.slice(0, namedAtMost), more: paths.length > namedAtMost });
      });
    }
    if (pending.size <= namedAtMost) pending.add(relative);
  };
  /** Another event about a file that is as it was told of last. */
  const known = (relative: string, stats: Stats | undefined): boolean => {
    const stamp = stats ? `${stats.ino} ${stats.ctimeMs} ${stats.size}` : 'gone';
    if (seen.get(relative) === stamp) return true;
    if (seen.size > rememberAtMost) seen.clear();
    seen.set(relative, stamp);
    return false;
  };
  const fail = (error: unknown): void => {
    if (degraded) return;
    degraded = true;
    tell({ kind: 'degraded', why: explain(error) });
  };

  // What changed before everything was watched was not noticed: each time it is, that is a reason to look.
  let waitingFor = input.gitDir === undefined ? 1 : 2;
  const onReady = (): void => {
    waitingFor--;
    if (waitingFor <= 0) tell({ kind: 'ready' });
  };

  const open = (): FSWatcher => {
    const watcher = watch(input.top, {
      ignoreInitial: true,
      followSymlinks: false,
      // Only folders are pruned here; files are filtered when something happens to them.
      ignored: (file, stats) => stats?.isDirectory() === true && rules.ignores(relativeOf(file), true),
    });
    watcher.on('error', fail);
    watcher.on('ready', onReady);
    watcher.on('all', (event, file, stats) => {
      const relative = relativeOf(file);
      if (event === 'addDir' || event === 'unlinkDir') return; // git knows no empty folders
      const counts = input.always.includes(file) || !rules.ignores(relative, false);
      if (!counts || known(relative, event === 'unlink' ? undefined : stats)) return;
      hint(relative);
      if (path.basename(file) === '.gitignore') reopen();
    });
    return watcher;
  };
  const reopen = (): void => {
    // Other rules: folders that were pruned may count now, and the other way round.
    rules = createIgnoreRules(input);
    const old = watcher;
    watcher = open();
    void old.close();
  };
  let watcher = open();
  if (input.gitDir !== undefined) {
    watch([path.join(input.gitDir, 'HEAD'), path.join(input.gitDir, 'index')], {
      ignoreInitial: true,
      followSymlinks: false,
    })
      .on('ready', onReady)
      .on('all', () => hint('.git'))
      .on('error', fail);
  }
}

function explain(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC')
    return "this user's limit of watched folders is used up (raise fs.inotify.max_user_watches)";
  if (code === 'EMFILE')
    return "this user's limit of watchers is used up (raise fs.inotify.max_user_instances)";
  return error instanceof Error ? error.message : String(error);
}

const port = parentPort;
if (port) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own source.ts starts this thread
  startWatching(workerData as ThreadInput, (message) => port.postMessage(message));
}
