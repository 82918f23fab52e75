import { formatDuration } from './text.ts';

/** A shell reports a child that a signal ended as 128 + its number; these are the signals that end one. */
const signalExits: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL (out of memory?)',
  139: 'SIGSEGV',
  143: 'SIGTERM',
};

/** How a supervised command ended. */
interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason?: 'timeout' | 'stopped' | 'not-started' | undefined;
}

/** Why the end of a supervised command says nothing about what it checks; undefined where its status tells. */
export function whyUnjudged({ code, signal, reason }: Ended, timeoutMs: number): string | undefined {
  if (reason === 'stopped') return 'stopped before it ended';
  if (reason === 'timeout') return `not done after ${formatDuration(timeoutMs)} (timeout)`;
  if (reason === 'not-started') return 'the command could not be started';
  const by = signal ?? signalExits[code ?? 0];
  if (by !== undefined) return `ended by ${by}`;
  if (code === 127) return 'exit 127: a command was not found';
  return code === 126 ? 'exit 126: a command could not be executed' : undefined;
}
