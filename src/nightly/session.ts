import { messageOf } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import {
  requireSession,
  restartWindows,
  sessionStatus,
  startSession,
  waitUntilReady,
  withLock,
  type Preflight,
  type SessionDeps,
  type WindowStatus,
} from '../session/index.ts';
import type { SessionReport } from './types.ts';

export interface HealInput {
  /** Called before windows are built: may throw to prevent it (a port that is taken). */
  readonly preflight: Preflight;
  readonly signal: AbortSignal;
}

/**
 * Starts the project's session without anybody attached, or restarts the services of a running one that failed or
 * do not answer; one that a person stopped stays stopped. Never throws: what could not be done is in the report.
 */
export async function healSession(
  deps: SessionDeps,
  project: Project,
  input: HealInput,
): Promise<SessionReport> {
  const none = { restarted: [], notReady: [], why: null };
  try {
    const found = await sessionStatus(deps, project.root);
    if (!found) {
      const { session, started } = await startSession(deps, project, { windows: [], ...input });
      return {
        ...none,
        state: 'started',
        name: session,
        notReady: await whatIsNotReady(deps, project, started, input),
      };
    }
    const { name } = found.session;
    const sick = found.windows.filter(isSick).map((window) => window.name);
    if (sick.length === 0) return { ...none, state: 'running', name };
    const lock = { as: 'restart', root: project.root, signal: input.signal } as const;
    const restarted = await withLock(deps, lock, () => restartWindows(deps, project, found.session, sick));
    return {
      ...none,
      state: 'healed',
      name,
      restarted,
      notReady: await whatIsNotReady(deps, project, restarted, input),
    };
  } catch (error) {
    return { ...none, state: 'failed', name: null, why: messageOf(error) };
  }
}

function isSick({ kind, state, health }: WindowStatus): boolean {
  return kind === 'service' && (state === 'failed' || health === 'unhealthy');
}

/** Waits for services and tells those that are not ready after all. */
async function whatIsNotReady(
  deps: SessionDeps,
  project: Project,
  windows: readonly string[],
  { signal }: HealInput,
): Promise<readonly string[]> {
  const { uid } = await requireSession(deps, project.root);
  const outcomes = await waitUntilReady(deps, uid, { windows, signal });
  return outcomes
    .filter(({ outcome }) => outcome !== 'ready')
    .map(
      ({ name, status }) => `${name} is ${status.state}${status.detail === '' ? '' : `: ${status.detail}`}`,
    );
}
