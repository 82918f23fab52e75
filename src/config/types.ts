/**
 * The configuration as every slice reads it: defaults filled in, layout merged, `${...}` replaced,
 * durations and sizes parsed. The written form (what a person types) is `schema.ts`.
 */
export interface Config {
  readonly name: string;
  readonly layout: string | undefined;
  /** The project's variables (`env_file`s read first, `env` over them). */
  readonly env: Readonly<Record<string, string>>;
  /** In the order they appear in the session. */
  readonly windows: readonly WindowConfig[];
  readonly suites: readonly SuiteConfig[];
  readonly watch: WatchConfig;
  readonly gates: readonly GateConfig[];
  readonly checkpoint: CheckpointConfig;
  readonly nightly: NightlyConfig;
  readonly worktree: {
    readonly link: 'auto' | readonly string[];
    /** Copied into scratch work trees, since the suites write there. */
    readonly copy: readonly string[];
  };
  readonly logs: { readonly dir: string | undefined; readonly maxSizeBytes: number; readonly keep: number };
  readonly hosts: Readonly<Record<string, HostConfig>>;
}

/** A remote box as it is written; what is not written is decided where the host is used. */
export interface HostConfig {
  /** What OpenSSH is given as destination. */
  readonly ssh: string;
  readonly path: string | undefined;
  readonly transport: 'openssh' | 'node-ssh' | undefined;
  /** Between two signs of life of the connection. */
  readonly keepaliveMs: number | undefined;
  readonly forwardAgent: boolean;
}

export interface WindowConfig {
  readonly name: string;
  /** service: expected to keep running; task: runs on demand and ends; tool: interactive. */
  readonly kind: 'service' | 'task' | 'tool';
  readonly panes: readonly PaneConfig[];
  /** A tmux layout: even-horizontal, even-vertical, main-horizontal, main-vertical or tiled. */
  readonly split: string;
  readonly focus: boolean;
  /** `auto` stands until `resolvePorts` gave it a number. */
  readonly port: number | 'auto' | undefined;
  readonly ready: ProbeConfig | undefined;
  /** Windows that must be ready before this one starts. */
  readonly needs: readonly string[];
  readonly restart: RestartConfig;
  readonly stop: { readonly signal: NodeJS.Signals; readonly graceMs: number };
  /** The suite that a task window runs (`run: e2e`). */
  readonly run: string | undefined;
  /** The window's own variables; the project's `env` and PORT are not repeated here. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string;
}

export interface PaneConfig {
  /** A shell command; undefined is an interactive shell. */
  readonly command: string | undefined;
}

export type ProbeConfig =
  | { readonly kind: 'http'; readonly url: string; readonly timeoutMs: number }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly timeoutMs: number }
  | { readonly kind: 'log'; readonly pattern: string; readonly timeoutMs: number }
  | { readonly kind: 'command'; readonly command: string; readonly timeoutMs: number };

export interface RestartConfig {
  readonly policy: 'no' | 'on-failure' | 'always';
  /** Restarts in a row before it is given up; a run of a minute starts the count anew. */
  readonly max: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

export interface SuiteConfig {
  readonly name: string;
  readonly command: string;
  /** Where the command leaves JUnit XML, relative to the root; undefined judges by the exit status alone. */
  readonly results: string | undefined;
  readonly affected: 'auto' | 'off';
  readonly timeoutMs: number;
  /** `change`: the watcher may run it; `demand`: only when asked for by name. */
  readonly on: 'change' | 'demand';
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export interface WatchConfig {
  readonly suites: readonly string[];
  readonly debounceMs: number;
  readonly ignore: readonly string[];
}

export interface GateConfig {
  readonly name: string;
  /** One of these three is set. */
  readonly suites: readonly string[] | undefined;
  readonly report: string | undefined;
  readonly command: string | undefined;
  readonly passRate: number;
  /** Least line coverage in per cent, for `report`. */
  readonly min: number | undefined;
  readonly maxWarnings: number | undefined;
  readonly timeoutMs: number;
}

export interface CheckpointConfig {
  readonly everyMs: number;
  readonly quietMs: number;
  /** Names of gates; empty: all suites of `watch.suites` must pass. */
  readonly gates: readonly string[];
  readonly onFailure: 'auto' | 'ask' | 'reset' | 'keep';
  /** Where checkpoints are judged: in the work tree itself, or in a scratch work tree of the snapshot. */
  readonly verifyIn: 'place' | 'worktree';
  readonly tags: 'all' | 'good' | 'none';
  readonly keep: KeepConfig;
  readonly maxFileBytes: number;
}

/** What `devenv nightly` does. */
export interface NightlyConfig {
  /** `HH:MM`; undefined: the schedule chooses. */
  readonly at: string | undefined;
  readonly timeoutMs: number;
  readonly suites: readonly string[];
  readonly gates: readonly string[];
  readonly minDiskBytes: number;
  readonly onFailure: 'reset' | 'keep';
  readonly keepReportsMs: number;
  readonly notify: {
    readonly command: string | undefined;
    readonly webhook: string | undefined;
    readonly desktop: boolean;
  };
}

/** The units of time of which one checkpoint each is kept. */
export type KeepPeriod = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly';

/** Which checkpoints are kept: those that any rule names. */
export interface KeepConfig extends Readonly<Record<KeepPeriod, number>> {
  readonly last: number;
  /** How far back, in milliseconds, each rule reaches; `all` keeps every one. */
  readonly withinMs: Readonly<Record<'all' | KeepPeriod, number>>;
  readonly maxDiskBytes: number | 'auto' | 'none';
}

/** A project as found on disk. */
export interface Project {
  /** The real, absolute path of the project's folder. */
  readonly root: string;
  /** Stable id of that path, under which its state is kept. */
  readonly id: string;
  /** The tmux session's name: `config.name` reduced to [A-Za-z0-9_-]. */
  readonly sessionName: string;
  /** The `devenv.yaml` read; undefined when the configuration was detected. */
  readonly configFile: string | undefined;
  readonly config: Config;
  /** What detection found, one line each, when there is no `devenv.yaml`. */
  readonly detected: readonly string[];
  /** Where each value came from, by dotted key (`windows.api.port` -> `devenv.yaml:7:5`), for `config show`. */
  readonly origins: Readonly<Record<string, string>>;
}
