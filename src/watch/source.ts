import { existsSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf, run } from '../base/index.ts';
import type { Repo } from '../git/index.ts';
import type { ThreadInput, ThreadMessage } from './messages.ts';

/** Tells of changes until it is disposed of. */
export interface ChangeSource extends AsyncDisposable {
  /** Resolves when everything is watched, or cannot be. */
  readonly ready: Promise<void>;
}

export interface ChangeListener {
  /** Something may have changed. It is a hint: the tree is the truth. */
  readonly changed: (paths: readonly string[]) => void;
  /** Some changes will not be noticed: the sweep has to find them. */
  readonly degraded: (why: string) => void;
}

/** Watches the files below `top` in a thread of its own. */
export function watchFiles(input: ThreadInput, listener: ChangeListener): ChangeSource {
  const worker = new Worker(threadFile(), {
    workerData: input,
    // The scan's garbage is what costs memory: a small nursery gives it back at once.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
    stderr: true,
  });
  const ready = Promise.withResolvers<void>();
  worker.on('message', (message: ThreadMessage) => {
    if (message.kind === 'ready') {
      ready.resolve();
      listener.changed([]);
    } else if (message.kind === 'changed') listener.changed(message.paths);
    else {
      listener.degraded(message.why);
      ready.resolve();
    }
  });
  worker.on('error', (error) => {
    wanted = true; // that it ends, too, says no more
    listener.degraded(messageOf(error));
    ready.resolve();
  });
  let wanted = false;
  worker.on('exit', () => {
    if (!wanted) listener.degraded('the thread that watches has ended');
    ready.resolve();
  });
  return {
    ready: ready.promise,
    [Symbol.asyncDispose]: async () => {
      wanted = true;
      await worker.terminate();
    },
  };
}

/** Beside this file: as source while developing, as its own bundle in dist/. */
function threadFile(): URL {
  const bundled = new URL('watcher-thread.js', import.meta.url);
  return existsSync(bundled) ? bundled : new URL('watcher-thread.ts', import.meta.url);
}

/** The files of rules that git reads besides .gitignore: the user's own and this repository's. */
export async function excludeFiles(
  repo: Repo | undefined,
  env: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  if (!repo) return [];
  const configured = await run(['git', 'config', '--type=path', 'core.excludesFile'], {
    cwd: repo.root,
    env,
  });
  const home = env['XDG_CONFIG_HOME'] || path.join(env['HOME'] ?? '/', '.config');
  const own = configured.ok ? configured.stdout.trim() : path.join(home, 'git', 'ignore');
  return [own, path.join(repo.commonDir, 'info', 'exclude')];
}
