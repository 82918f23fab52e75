import path from 'node:path';
import { projectId } from '../base/index.ts';
import { defaults, gateDefaults, suiteDefaults, windowDefaults } from './defaults.ts';
import type { Document } from './document.ts';
import { interpolate, mentionedVariables } from './interpolate.ts';
import { mergeDocuments, mergeTrees } from './merge.ts';
import { listOrigins } from './origins.ts';
import { throwProblems, type Problem } from './problems.ts';
import { readNightly } from './nightly.ts';
import { createReader, type Reader } from './reader.ts';
import { resolveReferences } from './resolve.ts';
import { checkRules } from './rules.ts';
import type { Written } from './schema.ts';
import {
  readCheckpoint,
  readGate,
  readHosts,
  readLogs,
  readSuite,
  readWatch,
  readWorktree,
} from './sections.ts';
import type { Config, Project, SuiteConfig, WindowConfig } from './types.ts';
import { readWindow } from './windows.ts';

/** Everything a project is built from, as it was read; the rest is pure. */
export interface Source {
  readonly root: string;
  readonly configFile: string | undefined;
  readonly layout: string | undefined;
  readonly layouts: readonly Document[];
  /** devenv.yaml (or what detection wrote), devenv.local.yaml, DEVENV_* variables. */
  readonly own: readonly Document[];
  readonly env: NodeJS.ProcessEnv;
  readonly fileEnv: Readonly<Record<string, string>>;
  /** The `env_file`s, whether they are there or not. */
  readonly envFiles: readonly string[];
  /** DEVENV_* variables that were applied; they go on to the panes, so that `devenv watch` there agrees. */
  readonly overrides: Readonly<Record<string, string>>;
  readonly detected: readonly string[];
  readonly problems: readonly Problem[];
}

/** What a project remembers of its making, for `resolvePorts`. Invisible to JSON. */
export const madeFrom: unique symbol = Symbol('devenv.source');
export type BuiltProject = Project & { readonly [madeFrom]?: Source };

/** Merges, replaces references, completes and checks. @throws DevenvError 'config' with every problem */
export function buildProject(source: Source, ports: Readonly<Record<string, number>> = {}): Project {
  const merged = mergeDocuments([defaults, ...source.layouts, ...source.own]);
  const name = projectName(merged.value, source);
  const sessionName = sessionNameOf(name);
  const resolved = resolveReferences(merged, { ...source, session: sessionName, ports });
  const reader = createReader(
    merged.at,
    source.configFile === undefined ? 'devenv.yaml (detected)' : 'devenv.yaml',
  );
  const written = isOwn(source.own);
  const config = readConfig(reader, { ...source, name, written }, resolved.value, resolved.env);
  checkRules(config, reader);
  throwProblems([...source.problems, ...resolved.problems, ...reader.problems]);
  const project: BuiltProject = {
    root: source.root,
    id: projectId(source.root),
    sessionName,
    configFile: source.configFile,
    config,
    detected: source.detected,
    // Only `config show` asks.
    get origins() {
      return { ...envOrigins(source, config.env), ...listOrigins(resolved.value, merged.at) };
    },
    [madeFrom]: source,
  };
  return project;
}

/** As `buildProject`, of the name and the boxes alone: all that a command with `--host` has to know here. */
export function buildHosts(
  source: Pick<Source, 'root' | 'own' | 'env' | 'fileEnv' | 'problems'>,
): Pick<Config, 'name' | 'hosts'> {
  const merged = mergeDocuments(source.own);
  const name = projectName(merged.value, source);
  const resolved = resolveReferences(merged, { ...source, session: sessionNameOf(name), ports: {} });
  const reader = createReader(merged.at, 'devenv.yaml');
  const hosts = readHosts(reader, resolved.value);
  throwProblems([...source.problems, ...resolved.problems, ...reader.problems]);
  return { name, hosts };
}

/** The effective configuration in the words of the file, defaults included, for `config show`. */
export function settingsOf(
  source: Source,
  { config, sessionName, origins: _origins }: Project,
): Record<string, unknown> {
  const merged = mergeDocuments([defaults, ...source.layouts, ...source.own]);
  const given = Object.fromEntries(
    config.windows.flatMap(({ name, port }) => (typeof port === 'number' ? [[name, port]] : [])),
  );
  const { value } = resolveReferences(merged, { ...source, session: sessionName, ports: given });
  const { name: _name, layout: _layout, env: _env, windows = {}, suites = {}, gates = {}, ...rest } = value;
  return {
    name: config.name,
    layout: config.layout,
    env: config.env,
    windows: Object.fromEntries(
      config.windows.map(({ name, kind, needs }) => {
        const { readyTimeout: _timeout, ...usual } = windowDefaults;
        return [
          name,
          mergeTrees(usual, { ...windows[name], kind, ...(needs.length > 0 ? { needs } : {}) }, [
            'windows',
            name,
          ]),
        ];
      }),
    ),
    suites: mapValues(suites, (suite) => ({ ...suiteDefaults, ...suite })),
    gates: mapValues(gates, (gate) => ({ timeout: gateDefaults.timeout, ...gate })),
    ...rest,
  };
}

function mapValues<T extends object>(
  section: Readonly<Record<string, T | null | false>>,
  map: (item: T) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(entries(section).map(([name, item]) => [name, map(item)]));
}

/** Variables that no `env` wrote: from DEVENV_* settings, an env file, or the environment commands mention. */
function envOrigins({ fileEnv, overrides }: Source, env: Config['env']): Record<string, string> {
  const originOf = (name: string): string =>
    Object.hasOwn(fileEnv, name) ? 'env_file' : Object.hasOwn(overrides, name) ? name : 'environment';
  return Object.fromEntries(Object.keys(env).map((name) => [`env.${name}`, originOf(name)]));
}

function projectName(
  value: Written,
  { root, env, fileEnv }: Pick<Source, 'root' | 'env' | 'fileEnv'>,
): string {
  const variable = (name: string): string | undefined => fileEnv[name] ?? env[name];
  // What is wrong in it is told with everything else, when all references are replaced.
  const { text } = interpolate(value.name ?? '', { variable, ports: new Map(), root, session: '' });
  return text || path.basename(root) || 'root';
}

/** A name reduced to what tmux takes everywhere (`.` and `:` are its own). */
function sessionNameOf(name: string): string {
  return (
    name
      .normalize('NFKD')
      .replaceAll(/\p{M}+/gu, '')
      .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'project'
  );
}

type IsOwn = (...path: readonly string[]) => boolean;

/** Whether the project itself, not only a layout, says something at a path. */
function isOwn(own: readonly Document[]): IsOwn {
  return (...path) => own.some(({ at }) => Object.hasOwn(at, path.join('.')));
}

interface Around {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly overrides: Readonly<Record<string, string>>;
  readonly layout: string | undefined;
  readonly name: string;
  readonly written: IsOwn;
}

function readConfig(
  reader: Reader,
  around: Around,
  value: Written,
  env: Readonly<Record<string, string>>,
): Config {
  const suites = entries(value.suites).map(([name, suite]) => readSuite(reader, around.root, name, suite));
  const all = entries(value.windows).map(([name, window]) => readWindow(reader, around.root, name, window));
  const windows = withoutIdle(all, suites, around.written, reader);
  const gates = entries(value.gates).map(([name, gate]) => readGate(reader, name, gate));
  const commands = [...windows.flatMap((window) => window.panes), ...suites, ...gates].flatMap(
    ({ command }) => command ?? [],
  );
  return {
    name: around.name,
    layout: around.layout,
    env: { ...mentioned(commands, around.env), ...around.overrides, ...env },
    windows,
    suites,
    watch: readWatch(reader, value, suites),
    gates,
    checkpoint: readCheckpoint(reader, value),
    nightly: readNightly(reader, value, { suites, gates }),
    worktree: readWorktree(value),
    logs: readLogs(reader, around.root, value),
    hosts: readHosts(reader, value),
  };
}

function entries<T>(section: Readonly<Record<string, T | null | false>> | undefined): [string, T][] {
  return Object.entries(section ?? {}).flatMap(([name, item]) => (item ? [[name, item]] : []));
}

/**
 * A layout's window that has nothing to run in this project does not appear, and nobody waits for it. One
 * that the project itself mentions must have something to run.
 */
function withoutIdle(
  windows: readonly WindowConfig[],
  suites: readonly SuiteConfig[],
  own: IsOwn,
  reader: Reader,
): readonly WindowConfig[] {
  const hasWork = (window: WindowConfig): boolean => {
    if (window.run !== undefined)
      return suites.some((suite) => suite.name === window.run) || own('windows', window.name);
    if (window.kind === 'tool' || window.panes.some((pane) => pane.command !== undefined)) return true;
    if (!own('windows', window.name)) return false;
    reader.problem(
      ['windows', window.name],
      `windows.${window.name} is a ${window.kind} with nothing to run: give it a command`,
    );
    return true;
  };
  const kept = windows.filter(hasWork);
  const names = new Set(kept.map((window) => window.name));
  return kept.map((window) =>
    own('windows', window.name, 'needs')
      ? window
      : { ...window, needs: window.needs.filter((need) => names.has(need)) },
  );
}

/** Variables that belong to each process, not to the project. */
const personal =
  /^(PATH|HOME|PWD|OLDPWD|SHLVL|PORT|TERM|TMUX|TMUX_PANE|USER|LOGNAME|SHELL|HOSTNAME|LINES|COLUMNS|IFS|_|DEVENV_.*)$/;

/**
 * Variables of this environment that commands mention. A tmux server keeps the environment it was started
 * with; these are passed on, so that `${EDITOR:-vi}` in a pane means what it means where devenv was called.
 */
function mentioned(commands: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const names = new Set(commands.flatMap(mentionedVariables).filter((name) => !personal.test(name)));
  return Object.fromEntries(
    [...names].toSorted().flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}
