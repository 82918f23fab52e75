import path from 'node:path';
import { gateDefaults, suiteDefaults } from './defaults.ts';
import { asList, type Reader } from './reader.ts';
import type { Written, WrittenGate, WrittenSuite } from './schema.ts';
import type {
  CheckpointConfig,
  Config,
  GateConfig,
  KeepConfig,
  KeepPeriod,
  SuiteConfig,
  WatchConfig,
} from './types.ts';
import { choices } from './words.ts';

const wholeNumber = { min: 0, max: Infinity, whole: true };

/** One suite, complete. */
export function readSuite(reader: Reader, root: string, name: string, suite: WrittenSuite): SuiteConfig {
  const at = (key: string): string[] => ['suites', name, key];
  if (suite.command === undefined) reader.problem(['suites', name], `suites.${name} has no command`);
  return {
    name,
    command: suite.command ?? '',
    results: suite.results,
    affected: reader.word(at('affected'), suite.affected ?? suiteDefaults.affected, choices.affected),
    timeoutMs: reader.timeoutMs(at('timeout'), suite.timeout ?? suiteDefaults.timeout),
    on: reader.word(at('on'), suite.on ?? suiteDefaults.on, choices.on),
    env: Object.fromEntries(Object.entries(suite.env ?? {}).map(([key, value]) => [key, String(value)])),
    cwd: path.resolve(root, suite.cwd ?? '.'),
  };
}

/** What the watcher does; without a list it runs every suite with `on: change`. */
export function readWatch(reader: Reader, written: Written, suites: readonly SuiteConfig[]): WatchConfig {
  const watch = written.watch ?? {};
  return {
    suites:
      watch.suites === undefined
        ? suites.filter((suite) => suite.on === 'change').map((suite) => suite.name)
        : asList(watch.suites),
    debounceMs: reader.durationMs(['watch', 'debounce'], watch.debounce ?? 0),
    ignore: asList(watch.ignore),
  };
}

/** One gate, complete. */
export function readGate(reader: Reader, name: string, gate: WrittenGate): GateConfig {
  const at = (key: string): string[] => ['gates', name, key];
  const kinds = (['suites', 'report', 'command'] as const).filter((key) => gate[key] !== undefined);
  if (kinds.length === 0) reader.problem(['gates', name], `gates.${name} needs suites, report or command`);
  if (kinds.length > 1)
    reader.problem(at(kinds[1] ?? ''), `gates.${name} has ${kinds.join(' and ')}: one of them is the rule`);
  for (const [key, belongsTo] of [
    ['pass_rate', 'suites'],
    ['min', 'report'],
    ['max_warnings', 'command'],
  ] as const)
    if (gate[key] !== undefined && kinds.length === 1 && kinds[0] !== belongsTo)
      reader.problem(at(key), `gates.${name}.${key} belongs to ${belongsTo}, but this gate has ${kinds[0]}`);
  return {
    name,
    suites: gate.suites === undefined ? undefined : asList(gate.suites),
    report: gate.report,
    command: gate.command,
    passRate: reader.number(at('pass_rate'), gate.pass_rate ?? gateDefaults.pass_rate, {
      min: 0,
      max: 1,
      whole: false,
    }),
    min:
      gate.min === undefined
        ? undefined
        : reader.number(at('min'), gate.min, { min: 0, max: 100, whole: false }),
    maxWarnings:
      gate.max_warnings === undefined
        ? undefined
        : reader.number(at('max_warnings'), gate.max_warnings, wholeNumber),
    timeoutMs: reader.timeoutMs(at('timeout'), gate.timeout ?? gateDefaults.timeout),
  };
}

export function readCheckpoint(reader: Reader, written: Written): CheckpointConfig {
  const checkpoint = written.checkpoint ?? {};
  const at = (key: string): string[] => ['checkpoint', key];
  const everyMs = reader.durationMs(at('every'), checkpoint.every ?? 0);
  if (everyMs < 1000) reader.problem(at('every'), 'checkpoint.every must be at least 1s');
  return {
    everyMs,
    quietMs: reader.durationMs(at('quiet'), checkpoint.quiet ?? 0),
    gates: asList(checkpoint.gates),
    onFailure: reader.word(at('on_failure'), checkpoint.on_failure ?? 'auto', choices.onFailure),
    verifyIn: reader.word(at('verify_in'), checkpoint.verify_in ?? 'place', choices.verifyIn),
    tags: reader.word(at('tags'), checkpoint.tags ?? 'all', choices.tags),
    maxFileBytes: reader.bytes(at('max_file'), checkpoint.max_file ?? 0),
    keep: readKeep(reader, checkpoint.keep ?? {}),
  };
}

type WrittenKeep = NonNullable<NonNullable<Written['checkpoint']>['keep']>;

function readKeep(reader: Reader, keep: WrittenKeep): KeepConfig {
  const at = (key: string): string[] => ['checkpoint', 'keep', key];
  const kept = (key: 'last' | KeepPeriod): number => reader.number(at(key), keep[key] ?? 0, wholeNumber);
  const within = (key: 'within' | `within_${KeepPeriod}`): number => reader.ageMs(at(key), keep[key] ?? 0);
  const most = keep.max_disk ?? 'auto';
  return {
    last: kept('last'),
    hourly: kept('hourly'),
    daily: kept('daily'),
    weekly: kept('weekly'),
    monthly: kept('monthly'),
    yearly: kept('yearly'),
    withinMs: {
      all: within('within'),
      hourly: within('within_hourly'),
      daily: within('within_daily'),
      weekly: within('within_weekly'),
      monthly: within('within_monthly'),
      yearly: within('within_yearly'),
    },
    maxDiskBytes: most === 'auto' || most === 'none' ? most : reader.bytes(at('max_disk'), most),
  };
}

export function readLogs(reader: Reader, root: string, written: Written): Config['logs'] {
  const { dir = 'default', max_size = 0, keep = 0 } = written.logs ?? {};
  return {
    dir: dir === 'default' ? undefined : path.resolve(root, dir),
    maxSizeBytes: reader.bytes(['logs', 'max_size'], max_size),
    keep: reader.number(['logs', 'keep'], keep, wholeNumber),
  };
}

export function readWorktree(written: Written): Config['worktree'] {
  const link = asList(written.worktree?.link);
  return {
    link: link.length === 1 && link[0] === 'auto' ? 'auto' : link,
    copy: asList(written.worktree?.copy),
  };
}

export function readHosts(reader: Reader, written: Written): Config['hosts'] {
  return Object.fromEntries(
    Object.entries(written.hosts ?? {}).flatMap(([name, host]) => {
      if (!host) return [];
      if (name === 'all')
        reader.problem(['hosts', name], 'hosts.all: --host all means every box, so give it another name');
      if (host.ssh === undefined) reader.problem(['hosts', name], `hosts.${name} has no ssh address`);
      if (host.ssh?.startsWith('-'))
        reader.problem(['hosts', name, 'ssh'], `hosts.${name}.ssh must not start with "-"`);
      return [
        [
          name,
          {
            ssh: host.ssh ?? '',
            path: host.path,
            transport: host.transport,
            keepaliveMs:
              host.keepalive === undefined
                ? undefined
                : reader.durationMs(['hosts', name, 'keepalive'], host.keepalive),
            forwardAgent: host.forward_agent ?? false,
          },
        ],
      ];
    }),
  );
}
