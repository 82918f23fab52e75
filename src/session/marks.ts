import { constants } from 'node:os';
import type { ProbeConfig, WindowConfig } from '../config/index.ts';
import type { Marks, PaneRow } from '../tmux/index.ts';
import { paneCommand } from './pane-env.ts';

/** Where a pane's output goes, and how much of the file was there before. */
export interface PaneLog {
  readonly file: string;
  readonly from: number;
  /** The shell command that `pipe-pane` runs. */
  readonly logger: string;
}

/** The facts about a new pane that every later command reads from tmux instead of the configuration. */
export function paneMarks(
  window: WindowConfig,
  index: number,
  log: PaneLog | undefined,
  startedS: number,
): Marks {
  const probe = index === 0 ? probeOf(window) : undefined;
  const command = paneCommand(window, index);
  return {
    window: window.name,
    pane: String(index),
    kind: window.kind,
    state: firstState(window, command),
    started: String(startedS),
    stop: `${window.stop.signal} ${window.stop.graceMs}`,
    ...(log ? { log: log.file, from: String(log.from) } : {}),
    ...(command === undefined ? {} : { command }),
    ...(typeof window.port === 'number' ? { port: String(window.port) } : {}),
    ...(probe ? { ready: JSON.stringify(probe) } : {}),
    ...(window.needs.length > 0 ? { needs: JSON.stringify(window.needs) } : {}),
    ...(window.run === undefined ? {} : { suite: window.run }),
  };
}

function firstState(window: WindowConfig, command: string | undefined): string {
  if (window.kind === 'task' && command !== undefined) return 'idle';
  return window.needs.length > 0 && command !== undefined ? 'waiting' : 'running';
}

/** How a window is known to be ready: as configured, else by its port, else not at all. */
function probeOf(window: WindowConfig): ProbeConfig | undefined {
  if (window.ready) return window.ready;
  if (window.kind !== 'service' || typeof window.port !== 'number') return undefined;
  return { kind: 'tcp', host: 'localhost', port: window.port, timeoutMs: defaultTimeoutMs };
}

/** How long a window may take to become ready when its probe does not say. */
export const defaultTimeoutMs = 60_000;

/** The probe that a pane's marks carry. */
export function probeFrom(row: PaneRow): ProbeConfig | undefined {
  if (row.marks.ready === undefined) return undefined;
  // Written by `paneMarks` above, read by the same version or one that shares the form.
  const probe: ProbeConfig = JSON.parse(row.marks.ready);
  return probe;
}

/** The windows that a pane waits for. */
export function needsFrom(row: PaneRow): readonly string[] {
  if (row.marks.needs === undefined) return [];
  const needs: readonly string[] = JSON.parse(row.marks.needs);
  return needs;
}

/** The signal and the grace with which a pane's command is ended. */
export function stopFrom(row: PaneRow): { readonly signal: NodeJS.Signals; readonly graceMs: number } {
  const [signal = 'SIGTERM', grace = '5000'] = (row.marks.stop ?? '').split(' ');
  return { signal: isSignal(signal) ? signal : 'SIGTERM', graceMs: Number(grace) };
}

const isSignal = (name: string): name is NodeJS.Signals => name in constants.signals;
