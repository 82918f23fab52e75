import path from 'node:path';
import type { WrittenGate, WrittenWindow } from '../schema.ts';
import { within } from './files.ts';
import {
  execute,
  packageManagerOf,
  portOf,
  readManifest,
  runScript,
  startsUi,
  type Manifest,
  type PackageManager,
} from './node-tools.ts';
import { reportAdvice } from './reports.ts';
import {
  byFreeName,
  listening,
  literal,
  windowName,
  type Detector,
  type DraftSuite,
  type Files,
} from './types.ts';

/** package.json: its scripts are windows and suites, its workspaces windows of their own. */
export const detectNode: Detector = (files) => {
  const manifest = readManifest(files);
  if (!manifest) return undefined;
  const manager = packageManagerOf(files, manifest);
  const context = { files, manifest, manager };
  const own = ownWindows(context);
  const windows = Object.keys(own).length > 0 ? own : workspaceWindows(context);
  const tested = testSuites(context);
  const suites = tested['unit']
    ? tested
    : byFreeName([...Object.entries(tested), ...Object.entries(workspaceSuites(context))]);
  const gates = lintGate(context);
  if (Object.keys({ ...windows, ...suites, ...gates }).length === 0) return undefined;
  const monorepo = manifest.workspaces.length > 0;
  return {
    layout: monorepo ? 'monorepo' : 'ui' in windows ? 'web' : 'api',
    windows,
    suites,
    gates,
    found: findings(context, { own, windows, tested, suites, gates }),
  };
};

interface Context {
  readonly files: Files;
  readonly manifest: Manifest;
  readonly manager: PackageManager;
}

const roles: readonly (readonly [string, RegExp])[] = [
  ['api', /^(api|server|backend|back)$/],
  ['ui', /^(ui|web|client|frontend|front)$/],
];
const roleOf = (part: string): string => roles.find(([, words]) => words.test(part))?.[0] ?? windowName(part);

/** Parts of a script's name that make it a variant of another script, not a service of its own. */
const variant =
  /^(prod|production|build|test|debug|inspect|once|ci|docker|https|ssl|all|clean|setup|watch|db|seed|migrate|types|lint|check)$/;

function ownWindows({ files, manifest, manager }: Context): Record<string, WrittenWindow> {
  const windows: Record<string, WrittenWindow> = {};
  const add = (name: string, script: string): void => {
    windows[name] ??= service(
      name,
      runScript(manager, script),
      portOf(files, manifest.scripts[script] ?? ''),
    );
  };
  for (const prefix of ['dev', 'start', 'serve']) {
    for (const script of Object.keys(manifest.scripts)) {
      const part = script.startsWith(`${prefix}:`) ? script.slice(prefix.length + 1) : '';
      if (part && !part.split(/[:-]/).some((word) => variant.test(word))) add(roleOf(part), script);
    }
    if (Object.keys(windows).length > 0) break;
    const text = manifest.scripts[prefix];
    if (text === undefined) continue;
    add(startsUi(text) ? 'ui' : manifest.workspaces.length > 0 ? 'dev' : 'api', prefix);
    break;
  }
  if (windows['api'] && windows['ui']) windows['ui'] = { ...windows['ui'], needs: ['api'] };
  return windows;
}

function service(name: string, command: string, port: number | undefined): WrittenWindow {
  return port === undefined
    ? { kind: 'service', command }
    : { kind: 'service', command, port, ready: listening(name) };
}

/** One window for each package of a monorepo that can be run, when the root itself runs nothing. */
function workspaceWindows({ files, manifest, manager }: Context): Record<string, WrittenWindow> {
  const windows: Record<string, WrittenWindow> = {};
  const ports = new Set<number>();
  for (const dir of expand(files, manifest.workspaces)) {
    const inner = within(files, dir);
    const scripts = readManifest(inner)?.scripts ?? {};
    const script = ['dev', 'start'].find((name) => scripts[name] !== undefined);
    if (script === undefined) continue;
    const name = windowName(dir.split('/').at(-1) ?? dir);
    const port = portOf(inner, scripts[script] ?? '');
    const free = port === undefined || ports.has(port) ? undefined : port;
    if (port !== undefined) ports.add(port);
    windows[Object.hasOwn(windows, name) ? windowName(dir) : name] = {
      ...service(name, runScript(manager, script), free),
      cwd: literal(dir),
    };
  }
  return windows;
}

/** Folders that patterns such as `packages/*` mean; only a last `*` is understood. */
function expand(files: Files, patterns: readonly string[]): string[] {
  const dirs = patterns.flatMap((pattern) => {
    const clean = pattern.replace(/^\.\//, '').replace(/\/$/, '');
    if (clean.startsWith('!')) return [];
    const parent = /^(.*?)\/?\*{1,2}$/.exec(clean)?.[1];
    if (parent === undefined) return [clean];
    return files
      .list(parent || '.')
      .flatMap((name) => (name.endsWith('/') ? [`${parent ? `${parent}/` : ''}${name.slice(0, -1)}`] : []));
  });
  return [...new Set(dirs)].filter((dir) => files.has(`${dir}/package.json`)).toSorted();
}

/** Which scripts make which suite, the first that exists; e2e tests are slow and run only when asked for. */
const suiteScripts: readonly (readonly [string, readonly string[]])[] = [
  ['unit', ['test:unit', 'unit', 'test']],
  ['integration', ['test:integration', 'integration']],
  ['e2e', ['test:e2e', 'e2e', 'test:playwright', 'test:cypress', 'playwright', 'cypress:run']],
];

/** The suites of a folder's own scripts; `dir` is where it lies in the project. */
function testSuites({ files, manifest, manager }: Context, dir = ''): Record<string, DraftSuite> {
  const suites: Record<string, DraftSuite> = {};
  for (const [name, scripts] of suiteScripts) {
    const script = scripts.find((candidate) => isTest(manifest.scripts[candidate]));
    if (script === undefined) continue;
    const text = manifest.scripts[script] ?? '';
    const watches = /\bvitest\b/.test(text) && !/\brun\b/.test(text);
    const results = resultsOf(files, text);
    const withArgs = (args: string): string =>
      runScript(manager, script, [watches ? '--run' : '', args].filter(Boolean).join(' '));
    const advice = results === undefined ? reportAdvice(name, text, withArgs, dir) : [];
    suites[name] = {
      command: withArgs(''),
      ...(results === undefined ? {} : { results: literal(path.posix.join(dir, results)) }),
      ...(dir === '' ? {} : { cwd: literal(dir) }),
      ...(name === 'e2e' ? { on: 'demand' } : {}),
      ...(/\breact-scripts test\b/.test(text) ? { env: { CI: 'true' } } : {}),
      ...(advice.length > 0 ? { advice } : {}),
    };
  }
  return suites;
}

/** What runs the tests of all packages at once, where it is installed and its file sets it up so. */
const taskRunners: readonly (readonly [tool: string, file: string, setUp: RegExp, args: string])[] = [
  ['turbo', 'turbo.json', /"test"/, 'run test'],
  ['nx', 'nx.json', /\{/, 'run-many -t test'],
];

/** The suites of a monorepo's packages, for a root without unit tests of its own: named as their windows are. */
function workspaceSuites({ files, manifest, manager }: Context): Record<string, DraftSuite> {
  const runner = taskRunners.find(
    ([tool, file, setUp]) => manifest.dependencies.has(tool) && setUp.test(files.text(file) ?? ''),
  );
  const names = new Set<string>();
  const suites = expand(files, manifest.workspaces).flatMap((dir) => {
    const inner = within(files, dir);
    const own = readManifest(inner);
    const last = windowName(dir.split('/').at(-1) ?? dir);
    const name = names.has(last) ? windowName(dir) : last;
    names.add(name);
    const found = Object.entries(own ? testSuites({ files: inner, manifest: own, manager }, dir) : {});
    return found.map(([kind, suite]): [string, DraftSuite] => {
      // The runner's task is the script `test`.
      if (kind !== 'unit') return [`${name}-${kind}`, suite];
      return runner && isTest(own?.scripts['test'])
        ? ['unit', { command: execute(manager, `${runner[0]} ${runner[3]}`) }]
        : [name, suite];
    });
  });
  const all = suites.findIndex(([, { cwd }]) => cwd === undefined);
  return byFreeName(suites.filter(([, { cwd }], i) => cwd !== undefined || i === all));
}

/** `npm init` writes a test script that only fails. */
const isTest = (text: string | undefined): boolean => text !== undefined && !/no test specified/.test(text);

/** The JUnit file a script writes, where its own text says so and the runner is set to write one. */
function resultsOf(files: Files, text: string): string | undefined {
  const file = /--outputFile(?:\.junit)?[= ]['"]?([^\s'"]+\.xml)/.exec(text)?.[1];
  const configs = [
    'vitest.config.ts',
    'vitest.config.js',
    'vitest.config.mts',
    'vite.config.ts',
    'vite.config.js',
  ];
  return file !== undefined &&
    (/junit/.test(text.replace('.junit', '')) || configs.some((name) => /junit/.test(files.text(name) ?? '')))
    ? file
    : undefined;
}

function lintGate({ manifest, manager }: Context): Record<string, WrittenGate> {
  return manifest.scripts['lint'] === undefined ? {} : { lint: { command: runScript(manager, 'lint') } };
}

interface Sections {
  readonly own: Readonly<Record<string, WrittenWindow>>;
  readonly windows: Readonly<Record<string, WrittenWindow>>;
  readonly tested: Readonly<Record<string, DraftSuite>>;
  readonly suites: Readonly<Record<string, DraftSuite>>;
  readonly gates: Readonly<Record<string, WrittenGate>>;
}

function findings(
  { manifest, manager }: Context,
  { own, windows, tested, suites, gates }: Sections,
): string[] {
  const inPackages = Object.keys(suites).filter((name) => !tested[name]);
  const commands = [own, tested, gates].flatMap((section) =>
    Object.values(section).map(({ command = '' }) => command),
  );
  const scripts = Object.keys(manifest.scripts).filter((script) => {
    const command = runScript(manager, script);
    return commands.some((used) => used === command || used.startsWith(`${command} -`));
  });
  return [
    ...(scripts.length > 0 ? [`package.json (${manager}): scripts ${scripts.join(', ')}`] : []),
    ...(windows === own || Object.keys(windows).length === 0
      ? []
      : [`workspaces (${manager}): ${Object.keys(windows).join(', ')}`]),
    ...(inPackages.length === 0 ? [] : [`tests of workspaces (${manager}): ${inPackages.join(', ')}`]),
  ];
}
