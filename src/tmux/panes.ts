import { sendSignal, type RunResult } from '../base/index.ts';
import { explain, isGone, type Tmux } from './client.ts';
import { decodeMark } from './quote.ts';

/** devenv's marks: user options of sessions and panes, here without their prefix `@devenv_`. */
const markNames = [
  'id',
  'root',
  'name',
  'project',
  'window',
  'pane',
  'kind',
  'state',
  'exit',
  'restarts',
  'started',
  'port',
  'ready',
  'needs',
  'stop',
  'stopping',
  'log',
  'from',
  'seen',
  'command',
  'suite',
] as const;

export type Marks = Readonly<Partial<Record<(typeof markNames)[number], string>>>;

/** One pane of a tmux server. */
export interface PaneRow {
  /** tmux's ids: `$1`, `@2`, `%3`. */
  readonly sessionId: string;
  readonly windowId: string;
  readonly paneId: string;
  readonly sessionName: string;
  readonly windowName: string;
  readonly windowIndex: number;
  /** How many clients look at the session. */
  readonly attached: number;
  readonly panePid: number;
  readonly dead: boolean;
  /** Exit status and signal of a dead pane, where tmux knows them. */
  readonly deadStatus: number | undefined;
  readonly deadSignal: string | undefined;
  readonly serverPid: number;
  readonly version: string;
  readonly marks: Marks;
}

const fields = [
  'session_id',
  'window_id',
  'pane_id',
  'session_name',
  'window_name',
  'window_index',
  'session_attached',
  'pane_pid',
  'pane_dead',
  'pane_dead_status',
  'pane_dead_signal',
  'pid',
  'version',
] as const;

/** The format of `list-panes -F`: every fact in one listing. */
const paneFormat = [...fields.map((f) => `#{${f}}`), ...markNames.map((m) => `#{@devenv_${m}}`)].join('\t');

/** One line of that listing. */
function parsePane(line: string): PaneRow {
  const cells = line.split('\t');
  const cell = (name: (typeof fields)[number]): string => cells[fields.indexOf(name)] ?? '';
  const marks = markNames.flatMap((name, i) => {
    const value = cells[fields.length + i];
    return value ? [[name, decodeMark(value)] as const] : [];
  });
  return {
    sessionId: cell('session_id'),
    windowId: cell('window_id'),
    paneId: cell('pane_id'),
    sessionName: cell('session_name'),
    windowName: cell('window_name'),
    windowIndex: Number(cell('window_index')),
    attached: Number(cell('session_attached')),
    panePid: Number(cell('pane_pid')),
    dead: cell('pane_dead') === '1',
    deadStatus: cell('pane_dead_status') === '' ? undefined : Number(cell('pane_dead_status')),
    deadSignal: cell('pane_dead_signal') || undefined,
    serverPid: Number(cell('pid')),
    version: cell('version'),
    marks: Object.fromEntries(marks),
  };
}

/** Every pane of the server, by one call; undefined when no server runs. Throws when tmux is missing or fails. */
export async function listPanes(tmux: Tmux): Promise<readonly PaneRow[] | undefined> {
  if (!(await tmux.alive())) return undefined;
  const rows = await list(tmux);
  if (!rows?.some(lacksStatus)) return rows;
  // A quick exit can be lost on tmux below 3.6 (built with utempter); told to look again, it finds it.
  sendSignal(rows[0]?.serverPid ?? 0, 'SIGCHLD');
  return list(tmux);
}

const lacksStatus = (row: PaneRow): boolean =>
  row.dead &&
  row.marks.window !== undefined &&
  row.deadStatus === undefined &&
  row.deadSignal === undefined &&
  row.serverPid > 1;

/** What lists them. */
export const listCommand = ['list-panes', '-a', '-F', paneFormat] as const;

/** The rows of that listing; undefined when it must be asked for again, for what it lacks. */
export function parsePanes(listing: string): readonly PaneRow[] | undefined {
  const rows = listing.split('\n').filter(Boolean).map(parsePane);
  return rows.some(lacksStatus) ? undefined : rows;
}

/** The same server, whose first `listPanes` is under way from now on. */
export function listingAhead(tmux: Tmux): Tmux {
  let ahead: Promise<RunResult> | undefined = tmux.run(listCommand);
  return {
    ...tmux,
    alive: async () => (ahead ? (await ahead).reason === undefined : tmux.alive()),
    run: (args, options) => {
      const asked = args === listCommand ? ahead : undefined;
      ahead = undefined;
      return asked ?? tmux.run(args, options);
    },
  };
}

async function list(tmux: Tmux): Promise<readonly PaneRow[] | undefined> {
  const result = await tmux.run(listCommand);
  // Ctrl-C goes to every program of the terminal: whoever asks hears of it too, and has more to say.
  if (result.signal === 'SIGINT') return list(tmux);
  if (!result.ok) {
    if (isGone(result)) return undefined;
    throw explain(result, 'listing its panes');
  }
  return result.stdout.split('\n').filter(Boolean).map(parsePane);
}
