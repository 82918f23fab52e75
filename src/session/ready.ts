import { DevenvError } from '../base/index.ts';
import { listPanes } from '../tmux/index.ts';
import { defaultTimeoutMs, probeFrom } from './marks.ts';
import { ownSessions, windowsOf } from './observe.ts';
import { inspect } from './status.ts';
import type { OwnSession, OwnWindow, SessionDeps, WindowStatus } from './types.ts';

/** What became of one window while it was waited for. */
export interface ReadyOutcome {
  readonly name: string;
  readonly outcome: 'ready' | 'failed' | 'timeout' | 'pending';
  readonly status: WindowStatus;
}

export interface WaitOptions {
  readonly windows: readonly string[];
  /** For all windows, from now; default: each probe's own, from when its command started. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Wait on also for what has failed or was stopped: somebody may mend it. */
  readonly patient?: boolean;
  readonly onUpdate?: (outcome: ReadyOutcome) => void;
}

/** A service that is judged by running only must have done so for this long. */
const steadyMs = 1000;
const probeLimitMs = 1000;
/** One that is restarted on purpose is stopped for a moment. */
const stoppedMs = 5000;
/** A command that failed and was restarted this often while it was waited for will hardly recover. */
const hopelessRestarts = 2;

/**
 * Waits until windows are ready, or one of them has failed or is late: then the rest is `pending`.
 * Throws `no-session` when the session goes away and `interrupted` when the signal is aborted.
 */
export async function waitUntilReady(
  deps: SessionDeps,
  uid: string,
  options: WaitOptions,
): Promise<readonly ReadyOutcome[]> {
  const began = deps.clock.monotonic();
  const watches = new Map<string, Watch>();
  for (let round = 0; ; round++) {
    if (options.signal?.aborted)
      throw new DevenvError('interrupted', 'interrupted while waiting; the session stays');
    const session = ownSessions((await listPanes(deps.tmux)) ?? []).find((own) => own.uid === uid);
    if (!session)
      throw new DevenvError(
        'no-session',
        'the session ended while it was waited for',
        'devenv start builds it again',
      );
    const windows = windowsOf(session).filter((w) => options.windows.includes(w.name));
    const statuses = await inspect(deps, session, windows, probeLimitMs);
    const now = deps.clock.monotonic();
    const outcomes = statuses.map((status, i) => {
      const window = windows[i];
      const watch = watches.get(status.name) ?? newWatch(status);
      watches.set(status.name, watch);
      return {
        name: status.name,
        status,
        outcome: window
          ? judge(window, status, watch, {
              now,
              began,
              limitMs: options.timeoutMs,
              patient: options.patient === true,
            })
          : 'failed',
      };
    });
    await remember(deps, session, outcomes);
    outcomes.forEach((outcome) => options.onUpdate?.(outcome));
    const over =
      outcomes.every((o) => o.outcome === 'ready') ||
      outcomes.some((o) => o.outcome === 'failed' || o.outcome === 'timeout');
    if (over) return outcomes;
    await deps.clock.sleep(round < 20 ? 50 : 200, options.signal);
  }
}

/** What is known of a window from one look to the next. */
interface Watch {
  readonly restartsBefore: number;
  runningSince: number | undefined;
  restartsThen: number;
  stoppedSince: number | undefined;
  done: boolean;
}

const newWatch = (status: WindowStatus): Watch => ({
  restartsBefore: status.restarts,
  runningSince: undefined,
  restartsThen: status.restarts,
  stoppedSince: undefined,
  done: false,
});

interface Moment {
  readonly now: number;
  readonly began: number;
  readonly limitMs: number | undefined;
  readonly patient: boolean;
}

function judge(window: OwnWindow, status: WindowStatus, watch: Watch, at: Moment): ReadyOutcome['outcome'] {
  if (status.kind !== 'service')
    return status.kind === 'tool' && status.state === 'starting' ? late(window, watch, at) : 'ready';
  watch.stoppedSince = status.state === 'stopped' ? (watch.stoppedSince ?? at.now) : undefined;
  if (isOver(status, watch, at)) return at.patient ? 'pending' : 'failed';
  if (status.state === 'ready') return 'ready';
  const [first] = window.panes;
  const running = first?.marks.state === 'running';
  if (!running || status.restarts !== watch.restartsThen) {
    watch.restartsThen = status.restarts;
    watch.runningSince = running ? at.now : undefined;
  } else watch.runningSince ??= at.now;
  if (running && first && !probeFrom(first) && at.now - (watch.runningSince ?? at.now) >= steadyMs)
    return 'ready';
  return late(window, watch, at);
}

/** Whether it will hardly become ready by itself. */
function isOver(status: WindowStatus, watch: Watch, at: Moment): boolean {
  if (status.state === 'failed' || status.state === 'exited') return true;
  if (watch.stoppedSince !== undefined) return at.now - watch.stoppedSince > stoppedMs;
  return status.restarts - watch.restartsBefore >= hopelessRestarts;
}

function late(window: OwnWindow, watch: Watch, at: Moment): 'timeout' | 'pending' {
  if (at.patient) return 'pending';
  if (at.limitMs !== undefined) return at.now - at.began > at.limitMs ? 'timeout' : 'pending';
  const [first] = window.panes;
  const limitMs = (first && probeFrom(first)?.timeoutMs) ?? defaultTimeoutMs;
  // One that waits for others has not begun; what it needs has a limit of its own.
  return watch.runningSince !== undefined && at.now - watch.runningSince > limitMs ? 'timeout' : 'pending';
}

/** Keeps in tmux that a log probe was satisfied, before rotation takes the line away. */
async function remember(
  deps: SessionDeps,
  session: OwnSession,
  outcomes: readonly ReadyOutcome[],
): Promise<void> {
  const found = windowsOf(session).flatMap((window) => {
    const [first] = window.panes;
    const isReady = outcomes.some((o) => o.name === window.name && o.status.state === 'ready');
    return first && isReady && first.marks.seen === undefined && probeFrom(first)?.kind === 'log'
      ? [first.paneId]
      : [];
  });
  for (const pane of found) await deps.tmux.run(['set-option', '-p', '-t', pane, '@devenv_seen', '1']);
}

/** The last lines on a pane's screen, for saying why it failed. */
export async function lastLines(deps: SessionDeps, pane: string, count: number): Promise<readonly string[]> {
  const result = await deps.tmux.run(['capture-pane', '-p', '-J', '-t', pane, '-S', '-200']);
  const lines = result.stdout.split('\n').map((line) => line.trimEnd());
  return lines.filter((line) => line !== '').slice(-count);
}
