import { placeIn, type Document } from './document.ts';
import { interpolate, interpolateCommand, type Scope } from './interpolate.ts';
import type { Problem } from './problems.ts';
import type { Written } from './schema.ts';
import { treeOf } from './tree.ts';

type Path = readonly (string | number)[];
type Variables = Readonly<Record<string, string>>;

/** What surrounds the configuration while its `${...}` are replaced. */
export interface Surroundings {
  readonly root: string;
  readonly session: string;
  /** The environment devenv was started with. */
  readonly env: NodeJS.ProcessEnv;
  /** What the `env_file`s hold. */
  readonly fileEnv: Variables;
  /** Ports given to `auto` windows. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface Resolved {
  readonly value: Written;
  /** The project's variables: files first, `env` over them. */
  readonly env: Variables;
  readonly ports: ReadonlyMap<string, number | 'auto'>;
  readonly problems: readonly Problem[];
}

/** Replaces every `${...}` of a merged document. Pure; problems carry the place of the value. */
export function resolveReferences(document: Document, around: Surroundings): Resolved {
  const problems: Problem[] = [];
  const note = (path: Path) => (message: string) =>
    problems.push({
      at: placeIn(document.at, path) ?? 'devenv.yaml',
      message: `${path.join('.')}: ${message}`,
    });
  const outer = (name: string): string | undefined => around.fileEnv[name] ?? around.env[name];
  const basis = { root: around.root, session: around.session };
  const early = resolveVariables(
    document.value.env ?? {},
    outer,
    { ...basis, ports: new Map() },
    () => () => {},
  );
  const ports = readPorts(
    document,
    { ...basis, variable: (name) => early[name] ?? outer(name), ports: new Map() },
    around.ports,
  );
  const env = resolveVariables(document.value.env ?? {}, outer, { ...basis, ports }, (key) =>
    note(['env', key]),
  );
  const known = (name: string): string | undefined => (Object.hasOwn(env, name) ? env[name] : outer(name));
  const scope: Scope = { ...basis, variable: known, ports };
  const value = Object.fromEntries(
    Object.entries(document.value).map(([section, content]) => {
      if (section === 'env') return [section, env];
      if (section === 'windows')
        return [section, mapEntries(content, (name, window) => resolveWindow(name, window, scope, note))];
      return [section, walk(content, [section], scope, note)];
    }),
  ) as Written;
  return { value, env: { ...around.fileEnv, ...env }, ports, problems };
}

type Note = (path: Path) => (message: string) => void;

/** Ports by window. What is no port is left out: it stays in the window, where it is judged. */
function readPorts(
  document: Document,
  scope: Scope,
  given: Readonly<Record<string, number>>,
): Map<string, number | 'auto'> {
  const ports = new Map<string, number | 'auto'>();
  for (const [name, window] of Object.entries(document.value.windows ?? {})) {
    if (!window || window.port === undefined) continue;
    const { text } = interpolate(String(window.port), scope);
    const port = text === 'auto' ? (given[name] ?? 'auto') : Number(text);
    if (port === 'auto' || (Number.isInteger(port) && port > 0)) ports.set(name, port);
  }
  return ports;
}

/** Variables that may refer to each other in any order; one that refers to itself means the outer one. */
function resolveVariables(
  written: Readonly<Record<string, string | number | boolean>>,
  outer: (name: string) => string | undefined,
  basis: Omit<Scope, 'variable'>,
  note: (key: string) => (message: string) => void,
): Record<string, string> {
  const done = new Map<string, string>();
  const resolveOne = (name: string, asking: readonly string[]): string | undefined => {
    if (done.has(name)) return done.get(name);
    if (!Object.hasOwn(written, name) || asking.at(-1) === name) return outer(name);
    if (asking.includes(name)) {
      note(name)(
        `the variables ${[...asking.slice(asking.indexOf(name)), name].join(' -> ')} refer to each other`,
      );
      return '';
    }
    const scope = { ...basis, variable: (inner: string) => resolveOne(inner, [...asking, name]) };
    const text = interpolateNoting(String(written[name]), scope, note(name));
    done.set(name, text);
    return text;
  };
  return Object.fromEntries(Object.keys(written).map((name) => [name, resolveOne(name, []) ?? '']));
}

function resolveWindow(name: string, window: unknown, scope: Scope, note: Note): unknown {
  if (typeof window !== 'object' || window === null) return window;
  const { env: own = {}, ...rest } = window as { env?: Record<string, string> };
  const port = scope.ports.get(name);
  // PORT is what the window's own processes will see, not what devenv was started with.
  const outer = (key: string): string | undefined =>
    key === 'PORT' && port !== undefined
      ? port === 'auto'
        ? `\${port.${name}}`
        : String(port)
      : scope.variable(key);
  const env = resolveVariables(own, outer, scope, (key) => note(['windows', name, 'env', key]));
  const inner: Scope = { ...scope, variable: (key) => (Object.hasOwn(env, key) ? env[key] : outer(key)) };
  const value = treeOf(walk(rest, ['windows', name], inner, note));
  return { ...value, ...(port === undefined ? {} : { port }), env };
}

function mapEntries(tree: unknown, map: (key: string, value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(tree ?? {}).map(([key, value]) => [key, map(key, value)]));
}

function walk(value: unknown, path: Path, scope: Scope, note: Note): unknown {
  if (typeof value === 'string') {
    const result = isCommand(path) ? interpolateCommand(value, scope) : interpolate(value, scope);
    result.problems.forEach(note(path));
    return result.text;
  }
  if (Array.isArray(value)) return value.map((item, i) => walk(item, [...path, i], scope, note));
  if (typeof value !== 'object' || value === null) return value;
  return mapEntries(value, (key, item) => walk(item, [...path, key], scope, note));
}

/** Whether the text at a path goes to a shell. */
function isCommand(path: Path): boolean {
  return path.at(-1) === 'command' || (path.at(-2) === 'panes' && typeof path.at(-1) === 'number');
}

function interpolateNoting(text: string, scope: Scope, note: (message: string) => void): string {
  const result = interpolate(text, scope);
  result.problems.forEach(note);
  return result.text;
}
