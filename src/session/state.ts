import type { PaneRow } from '../tmux/index.ts';
import { defaultTimeoutMs, needsFrom, probeFrom } from './marks.ts';
import type { ProbeResult } from './probes/index.ts';
import type { OwnWindow, PaneStatus, WindowState, WindowStatus } from './types.ts';

/** How a pane's command ended; null while it runs or where nobody knows. */
export function exitOf(row: PaneRow): number | null {
  if (row.dead) return row.deadStatus ?? signalStatus(row.deadSignal);
  return row.marks.exit === undefined ? null : Number(row.marks.exit);
}

/** As shells count: 128 and the signal's number. */
function signalStatus(signal: string | undefined): number | null {
  return signal !== undefined && /^\d+$/.test(signal) ? 128 + Number(signal) : null;
}

/** What state one pane is in, by its marks alone. */
function paneState(row: PaneRow): WindowState {
  const ended = exitOf(row) === 0 ? 'exited' : 'failed';
  if (row.dead) return row.marks.stopping === undefined && row.marks.state !== 'stopped' ? ended : 'stopped';
  switch (row.marks.state) {
    case 'waiting':
    case 'restarting':
      return 'starting';
    case 'exited':
      return ended;
    case 'stopped':
    case 'idle':
      return 'stopped';
    default:
      return 'running';
  }
}

// What a window is called by, when its panes differ: trouble first.
const precedence: readonly WindowState[] = ['failed', 'starting', 'running', 'exited', 'stopped', 'ready'];

/** A window's state from its panes and, when it runs and has one, from its probe. Pure. */
export function windowStatus(
  window: OwnWindow,
  probed: ProbeResult | undefined,
  nowMs: number,
): WindowStatus {
  const [first] = window.panes;
  const states = window.panes.map(paneState);
  const state = precedence.find((s) => states.includes(s)) ?? 'stopped';
  const judged = state === 'running' && probed ? judge(first, probed, nowMs) : undefined;
  const restarting = window.panes.some((row) => row.marks.state === 'restarting');
  return {
    name: window.name,
    id: window.id,
    kind: first?.marks.kind ?? 'tool',
    state: judged?.state ?? state,
    health: judged?.health ?? (state === 'failed' || restarting ? 'unhealthy' : 'unknown'),
    port: first?.marks.port === undefined ? null : Number(first.marks.port),
    restarts: window.panes.reduce((sum, row) => sum + Number(row.marks.restarts ?? 0), 0),
    panes: window.panes.map(paneStatus),
    detail: detail(window, probed),
  };
}

function judge(
  first: PaneRow | undefined,
  probed: ProbeResult,
  nowMs: number,
): Pick<WindowStatus, 'state' | 'health'> {
  if (probed.ok) return { state: 'ready', health: 'healthy' };
  const timeoutMs = (first && probeFrom(first)?.timeoutMs) ?? defaultTimeoutMs;
  const late = nowMs - Number(first?.marks.started ?? 0) * 1000 > timeoutMs;
  return late ? { state: 'running', health: 'unhealthy' } : { state: 'starting', health: 'unknown' };
}

/** Told to end, and not ended yet. */
const isStopping = (row: PaneRow): boolean =>
  row.marks.stopping !== undefined && /running|starting/.test(paneState(row));

function detail(window: OwnWindow, probed: ProbeResult | undefined): string {
  const [first] = window.panes;
  if (first?.marks.state === 'idle') return 'idle';
  if (window.panes.some(isStopping)) return 'stopping';
  if (first?.marks.state === 'waiting') return `waits for ${needsFrom(first).join(', ')}`;
  const ended = window.panes.find((row) => paneState(row) === 'failed');
  if (ended) return `exited with status ${exitOf(ended) ?? 'unknown'}`;
  const restarting = window.panes.find((row) => row.marks.state === 'restarting');
  if (restarting) return `exited with status ${exitOf(restarting) ?? 'unknown'}, restarts`;
  return probed?.detail ?? '';
}

function paneStatus(row: PaneRow): PaneStatus {
  return { id: row.paneId, pid: row.panePid, command: row.marks.command ?? null, exit: exitOf(row) };
}
