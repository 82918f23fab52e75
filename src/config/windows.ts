import path from 'node:path';
import { windowDefaults } from './defaults.ts';
import { asList, type Reader } from './reader.ts';
import type { WrittenWindow } from './schema.ts';
import type { PaneConfig, ProbeConfig, RestartConfig, WindowConfig } from './types.ts';
import { choices } from './words.ts';

/** One window, complete: defaults in, units parsed. */
export function readWindow(reader: Reader, root: string, name: string, window: WrittenWindow): WindowConfig {
  const at = (...rest: string[]): string[] => ['windows', name, ...rest];
  const given = (['command', 'panes', 'run'] as const).filter((key) => window[key] !== undefined);
  if (given.length > 1)
    reader.problem(
      at(given[1] ?? ''),
      `windows.${name} has ${given.join(' and ')}: one of them says what it runs`,
    );
  return {
    name,
    kind: window.kind === undefined ? inferKind(window) : reader.word(at('kind'), window.kind, choices.kind),
    panes: readPanes(window),
    split: reader.word(at('split'), window.split ?? windowDefaults.split, choices.split),
    focus: window.focus ?? windowDefaults.focus,
    port: readPort(reader, at('port'), window.port),
    ready: window.ready === undefined ? undefined : readProbe(reader, at('ready'), window.ready),
    needs: asList(window.needs),
    restart: readRestart(reader, at('restart'), window.restart),
    stop: {
      signal: reader.word(
        at('stop', 'signal'),
        window.stop?.signal ?? windowDefaults.stop.signal,
        choices.signal,
      ),
      graceMs: reader.durationMs(at('stop', 'grace'), window.stop?.grace ?? windowDefaults.stop.grace),
    },
    run: window.run,
    env: Object.fromEntries(Object.entries(window.env ?? {}).map(([key, value]) => [key, String(value)])),
    cwd: path.resolve(root, window.cwd ?? '.'),
  };
}

const interactive =
  /^(?:exec\s+)?(?:\S*\/)?(?:vi|vim|nvim|emacs|nano|micro|hx|helix|kak|code|less|man|htop|btop|top|lazygit|tig|k9s|ranger|nnn|yazi|mc|psql|sqlite3|mysql|redis-cli|ipython|irb|devenv)\b/;
/** A shell is interactive without a script to run. */
const bareShell = /^(?:exec\s+)?(?:\S*\/)?(?:sh|bash|zsh|fish|nu)(?:\s+-[il]+)*\s*$/;
const editorVariable = /^(?:exec\s+)?"?\$\{?(?:VISUAL|EDITOR|SHELL|PAGER)\b/;

/**
 * What kind of window it is when nothing says so: `run` makes a task; a port, a probe, a restart policy or
 * a way to stop a service; several panes, no command, an editor, a shell or another screen program a tool; else a service.
 */
function inferKind(window: WrittenWindow): WindowConfig['kind'] {
  if (window.run !== undefined) return 'task';
  const { command, port, ready, restart, stop } = window;
  if ([port, ready, restart, stop].some((given) => given !== undefined)) return 'service';
  if (command === undefined) return 'tool';
  return [interactive, bareShell, editorVariable].some((form) => form.test(command)) ? 'tool' : 'service';
}

function readPanes(window: WrittenWindow): readonly PaneConfig[] {
  const panes = window.panes?.map((pane) => ({ command: typeof pane === 'string' ? pane : pane.command }));
  return panes?.length ? panes : [{ command: window.command }];
}

function readPort(reader: Reader, at: readonly string[], port: WrittenWindow['port']): WindowConfig['port'] {
  if (port === undefined || port === 'auto') return port;
  return reader.number(at, port, { min: 1, max: 65_535, whole: true });
}

function readRestart(
  reader: Reader,
  at: readonly string[],
  written: WrittenWindow['restart'],
): RestartConfig {
  const restart = typeof written === 'string' ? { policy: written } : (written ?? {});
  // Naming only limits asks for restarts all the same.
  const policy = restart.policy ?? (written === undefined ? windowDefaults.restart.policy : 'on-failure');
  const backoff = restart.backoff ?? windowDefaults.restart.backoff;
  const [first = '', second = first] = backoff.split('..').map((part) => part.trim());
  const backoffMinMs = reader.durationMs([...at, 'backoff'], first);
  const backoffMaxMs = reader.durationMs([...at, 'backoff'], second);
  if (backoffMaxMs < backoffMinMs)
    reader.problem([...at, 'backoff'], `${at.join('.')}.backoff must grow: ${backoff} ends below its start`);
  return {
    policy: reader.word([...at, 'policy'], policy, choices.policy),
    max: reader.number([...at, 'max'], restart.max ?? windowDefaults.restart.max, {
      min: 0,
      max: Infinity,
      whole: true,
    }),
    backoffMinMs,
    backoffMaxMs,
  };
}

const probeKinds = ['http', 'tcp', 'log', 'command'] as const;

function readProbe(
  reader: Reader,
  at: readonly string[],
  written: NonNullable<WrittenWindow['ready']>,
): ProbeConfig | undefined {
  const label = at.join('.');
  const ready = typeof written === 'string' ? shorthand(written) : written;
  const timeoutMs = reader.timeoutMs([...at, 'timeout'], ready.timeout ?? windowDefaults.readyTimeout);
  const given = probeKinds.filter((kind) => ready[kind] !== undefined);
  const [kind] = given;
  if (given.length > 1)
    reader.problem([...at, given[1] ?? ''], `${label} has ${given.join(' and ')}: one of them is the probe`);
  if (kind === undefined) {
    reader.problem(at, `${label} needs one of ${probeKinds.join(', ')}`);
    return undefined;
  }
  if (ready.http !== undefined) return readHttp(reader, at, ready.http, timeoutMs);
  if (ready.tcp !== undefined) return readTcp(reader, at, ready.tcp, timeoutMs);
  if (ready.log === undefined) return { kind: 'command', command: ready.command ?? '', timeoutMs };
  try {
    RegExp(ready.log);
  } catch (error) {
    reader.problem(
      [...at, 'log'],
      `${label}.log is no regular expression: ${error instanceof Error ? error.message : ''}`,
    );
  }
  return { kind: 'log', pattern: ready.log, timeoutMs };
}

function shorthand(url: string): Exclude<NonNullable<WrittenWindow['ready']>, string> {
  return url.startsWith('tcp://') ? { tcp: url.slice('tcp://'.length).replace(/\/$/, '') } : { http: url };
}

/** A port that is not known yet stands as `${port.x}`; for judging, any number will do. */
const unknownPort = /\$\{port\.[^}]*\}/g;

function readHttp(reader: Reader, at: readonly string[], url: string, timeoutMs: number): ProbeConfig {
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url.replaceAll(unknownPort, '1')))
    reader.problem(
      [...at, 'http'],
      `${at.join('.')} must be a URL such as http://localhost:8080/health, not ${JSON.stringify(url)}`,
    );
  return { kind: 'http', url, timeoutMs };
}

function readTcp(
  reader: Reader,
  at: readonly string[],
  written: string | number,
  timeoutMs: number,
): ProbeConfig {
  const match = /^(?:(.+):)?(\d+)$/s.exec(String(written).replaceAll(unknownPort, '0'));
  const port = Number(match?.[2] ?? NaN);
  // 0 is the `auto` port that resolvePorts has still to give.
  if (!(port <= 65_535) || (port === 0 && !/\$\{port\./.test(String(written))))
    reader.problem(
      [...at, 'tcp'],
      `${at.join('.')}.tcp must be a port or host:port, not ${JSON.stringify(written)}`,
    );
  return {
    kind: 'tcp',
    host: match?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? 'localhost',
    port,
    timeoutMs,
  };
}
