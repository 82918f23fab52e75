import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DevenvError, errnoOf } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import { listPanes, type PaneRow } from '../tmux/index.ts';
import { makeRecipe } from './build.ts';
import { requireFolders } from './folders.ts';
import { exitOf } from './state.ts';
import { respawn } from './restart.ts';
import { stopWindows } from './stop.ts';
import type { OwnSession, OwnWindow, SessionDeps } from './types.ts';

export interface TaskOptions {
  readonly signal?: AbortSignal | undefined;
  /** What the task prints, as its log gets it. */
  readonly onOutput?: (text: string) => void;
}

/**
 * Runs a window's command in its own pane, now, and waits for its end. Returns its exit status. When
 * the signal is aborted the task is stopped. Throws `refused` when it is running already.
 */
export async function runInWindow(
  deps: SessionDeps,
  project: Project,
  session: OwnSession,
  window: OwnWindow,
  options: TaskOptions = {},
): Promise<number> {
  const [first] = window.panes;
  if (first && !first.dead && first.marks.state === 'running') {
    throw new DevenvError(
      'refused',
      `${window.name} is running already in its window`,
      `devenv attach ${window.name} shows it, devenv stop ${window.name} ends it`,
    );
  }
  requireFolders(project, [window]);
  const recipe = makeRecipe(deps, project, session.uid);
  await respawn(deps, recipe, [window], true);
  const pane = await find(deps, window.panes[0]?.paneId ?? '');
  const follow = follower(pane?.marks.log, Number(pane?.marks.from ?? 0), options.onOutput);
  for (;;) {
    follow();
    const row = await find(deps, first?.paneId ?? '');
    if (!row) throw new DevenvError('no-session', `the window ${window.name} went away while its task ran`);
    if (row.dead || row.marks.state === 'exited' || row.marks.state === 'stopped') {
      await drained(deps, follow);
      return exitOf(row) ?? 1;
    }
    if (options.signal?.aborted) {
      await stopWindows(deps, session, [{ ...window, panes: [row] }]);
      throw new DevenvError('interrupted', `interrupted; ${window.name} was stopped`);
    }
    await deps.clock.sleep(100, options.signal);
  }
}

async function find(deps: SessionDeps, pane: string): Promise<PaneRow | undefined> {
  return (await listPanes(deps.tmux))?.find((row) => row.paneId === pane);
}

/** The logger may be a moment behind the pane: until nothing comes any more. */
async function drained(deps: SessionDeps, follow: () => boolean): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    await deps.clock.sleep(40);
    quiet = follow() ? 0 : quiet + 1;
  }
}

/** Reads what was added to a log since the last call; true when there was something. */
function follower(file: string | undefined, from: number, onOutput: TaskOptions['onOutput']): () => boolean {
  let at = from;
  let rest = '';
  let blank = '';
  return () => {
    if (file === undefined) return false;
    const added = readFrom(file, at);
    if (added.length === 0) return false;
    at += added.length;
    const lines = (rest + added.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const text = line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, '');
      if (text.includes('[devenv] ')) blank = '';
      else if (text.trim() === '') blank += '\n';
      else {
        onOutput?.(`${blank}${text}\n`);
        blank = '';
      }
    }
    return true;
  };
}

function readFrom(file: string, from: number): Buffer {
  try {
    const fd = openSync(file, 'r');
    try {
      const { size } = fstatSync(fd);
      const start = size < from ? 0 : from;
      const buffer = Buffer.alloc(size - start);
      return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, start));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
