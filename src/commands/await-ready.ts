import { DevenvError, systemClock } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import {
  lastLines,
  requireSession,
  waitUntilReady,
  type ReadyOutcome,
  type SessionDeps,
  type WindowStatus,
} from '../session/index.ts';
import type { CommandContext, ProgressState } from './context.ts';

interface AwaitInput {
  readonly windows: readonly string[];
  /** The session's name, for people. */
  readonly session: string;
  readonly timeoutMs: number | undefined;
}

/** Shows services becoming ready; throws `not-ready` with the last lines of the first that does not. */
export async function awaitReady(
  ctx: CommandContext,
  deps: SessionDeps,
  project: Pick<Project, 'root'>,
  { windows, session, timeoutMs }: AwaitInput,
): Promise<void> {
  const progress = ctx.progress(windows);
  const shown = new Map<string, string>();
  const onUpdate = (o: ReadyOutcome): void => {
    // Once it is ready, how that was found out is no news.
    const now = o.outcome === 'ready' ? 'ready' : `${o.outcome} ${o.status.state} ${o.status.detail}`;
    if (shown.get(o.name) === now) return;
    shown.set(o.name, now);
    progress.update(o.name, picture(o), o.status.detail);
  };
  let outcomes: readonly ReadyOutcome[];
  try {
    outcomes = await whileItStays(ctx.signal, session, async () =>
      waitUntilReady(deps, (await requireSession(deps, project.root)).uid, {
        windows,
        timeoutMs,
        signal: ctx.signal,
        onUpdate,
      }),
    );
    for (const o of outcomes)
      if (o.outcome === 'pending') progress.update(o.name, 'skipped', 'not waited for');
  } finally {
    await progress.end();
  }
  const bad = outcomes.find((o) => o.outcome === 'failed') ?? outcomes.find((o) => o.outcome === 'timeout');
  if (bad) throw await notReady(deps, bad, session);
}

const heardMs = 50;

/** Whether Ctrl-C came. Of the tmux client that it ended as well we may hear before the signal reaches us. */
export async function isInterrupted(signal: AbortSignal): Promise<boolean> {
  if (!signal.aborted) await systemClock.sleep(heardMs, signal);
  return signal.aborted;
}

/** Asks about a session that runs. Ctrl-C also ends the tmux client that asks, which then fails in words of its own. */
export async function whileItStays<T>(
  signal: AbortSignal,
  session: string,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(await isInterrupted(signal))) throw error;
    throw new DevenvError(
      'interrupted',
      `interrupted while waiting; session ${session} stays and keeps running`,
      'devenv stop ends it',
      error,
    );
  }
}

/** In the words of `devenv status`. */
function picture({ outcome, status }: ReadyOutcome): ProgressState {
  if (outcome === 'ready') return 'ready';
  if (outcome === 'failed' || outcome === 'timeout') return 'failed';
  if (status.detail.startsWith('waits for')) return 'waiting';
  return status.state === 'starting' ? 'starting' : 'running';
}

async function notReady(
  deps: SessionDeps,
  { name, outcome, status }: ReadyOutcome,
  session: string,
): Promise<DevenvError> {
  const how = howItFailed(outcome, status);
  const [pane] = status.panes;
  const lines = pane ? await lastLines(deps, pane.id, 12) : [];
  const tail =
    lines.length > 0 ? `; the last lines of its pane:\n${lines.map((line) => `    ${line}`).join('\n')}` : '';
  return new DevenvError(
    'not-ready',
    `${name} ${how}${tail}`,
    `session ${session} stays: devenv attach ${name} shows it, devenv restart ${name} tries again, devenv stop ends it`,
  );
}

function howItFailed(outcome: ReadyOutcome['outcome'], { state, detail, panes }: WindowStatus): string {
  if (outcome === 'timeout') return `is not ready in time: ${detail || 'nothing says why'}`;
  if (state === 'stopped') return 'is stopped';
  const exit = panes.find((pane) => pane.exit !== null)?.exit;
  return exit === undefined ? 'has failed' : `exited with status ${exit}`;
}
