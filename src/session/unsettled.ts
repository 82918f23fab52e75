import { needsFrom } from './marks.ts';
import { findSession, windowsOf } from './observe.ts';
import { inspect } from './status.ts';
import type { OwnWindow, SessionDeps, WindowStatus } from './types.ts';

export interface UnsettledInput {
  /** The windows asked for and what they need. */
  readonly wanted: readonly string[];
  /** Somebody is about to look at the session: what is down by now is theirs to see, not to be waited for. */
  readonly attaching: boolean;
}

const probeLimitMs = 300;
/** A service without a probe is ready when it has run for a second; tmux keeps whole seconds. */
const freshMs = 2000;

/**
 * The windows of a running session that a start, called again, has to wait for: those still starting and services
 * that are down. One that a person stopped stays stopped, unless another one waits for it.
 */
export async function unsettledWindows(
  deps: SessionDeps,
  root: string,
  input: UnsettledInput,
): Promise<readonly string[]> {
  const session = await findSession(deps, root);
  if (!session) return [];
  const windows = windowsOf(session).filter(({ name }) => input.wanted.includes(name));
  const statuses = await inspect(deps, session, windows, probeLimitMs);
  return pickUnsettled(windows, statuses, { ...input, nowMs: deps.clock.now() });
}

/** As `unsettledWindows`, from what was seen. Pure. */
export function pickUnsettled(
  windows: readonly OwnWindow[],
  statuses: readonly WindowStatus[],
  { attaching, nowMs }: Pick<UnsettledInput, 'attaching'> & { readonly nowMs: number },
): readonly string[] {
  const seen = new Map(
    windows.map((window, i) => [window.name, { window, how: settled(window, statuses[i], nowMs) }]),
  );
  const picked = new Set<string>();
  const pick = (name: string): void => {
    const found = seen.get(name);
    if (!found || found.how === 'settled' || picked.has(name)) return;
    picked.add(name);
    const [first] = found.window.panes;
    if (found.how === 'settling' && first) needsFrom(first).forEach(pick);
  };
  for (const [name, { how }] of seen) if (how === 'settling' || (how === 'down' && !attaching)) pick(name);
  return windows.map(({ name }) => name).filter((name) => picked.has(name));
}

function settled(
  { panes: [first] }: OwnWindow,
  status: WindowStatus | undefined,
  nowMs: number,
): 'settled' | 'settling' | 'down' | 'stopped' {
  if (status?.state === 'starting') return 'settling';
  if (status?.kind !== 'service' || status.state === 'ready') return 'settled';
  if (status.state === 'stopped') return 'stopped';
  if (status.state !== 'running' || status.health === 'unhealthy') return 'down';
  return nowMs - Number(first?.marks.started ?? 0) * 1000 < freshMs ? 'settling' : 'settled';
}
