import { listPanes } from '../tmux/index.ts';
import { probeFrom } from './marks.ts';
import { ownSessions, windowsOf } from './observe.ts';
import { checkProbe, type ProbeResult } from './probes/index.ts';
import { windowStatus } from './state.ts';
import type { OwnSession, OwnWindow, SessionDeps, WindowStatus } from './types.ts';

/** A running session as `status` shows it. */
export interface SessionStatus {
  readonly session: OwnSession;
  readonly windows: readonly WindowStatus[];
}

/** The running session of a project, with its windows' health; undefined when none runs. One tmux call, no configuration. */
export async function sessionStatus(deps: SessionDeps, root: string): Promise<SessionStatus | undefined> {
  return (await allStatuses(deps, (session) => session.root === root))[0];
}

/** Every session that devenv made on this tmux server. */
export async function allStatuses(
  deps: SessionDeps,
  wanted: (session: OwnSession) => boolean = () => true,
): Promise<readonly SessionStatus[]> {
  const sessions = ownSessions((await listPanes(deps.tmux)) ?? []).filter(wanted);
  return Promise.all(
    sessions.map(async (session) => ({
      session,
      windows: await inspect(deps, session, windowsOf(session), statusLimitMs),
    })),
  );
}

const statusLimitMs = 300;

/** The state and health of windows, all probes at once. */
export function inspect(
  deps: SessionDeps,
  session: OwnSession,
  windows: readonly OwnWindow[],
  limitMs: number,
): Promise<readonly WindowStatus[]> {
  return Promise.all(
    windows.map(async (window) =>
      windowStatus(window, await probeWindow(deps, session, window, limitMs), deps.clock.now()),
    ),
  );
}

async function probeWindow(
  deps: SessionDeps,
  session: OwnSession,
  window: OwnWindow,
  limitMs: number,
): Promise<ProbeResult | undefined> {
  const [first] = window.panes;
  const probe = first && probeFrom(first);
  if (!probe || first.dead || first.marks.state !== 'running') return undefined;
  // A log only grows and is rotated: what was found once stands until the next start.
  if (probe.kind === 'log' && first.marks.seen !== undefined) return { ok: true, detail: 'the log said so' };
  return checkProbe(probe, {
    env: deps.env,
    cwd: session.root,
    limitMs,
    logFile: first.marks.log,
    logFrom: Number(first.marks.from ?? 0),
  });
}
