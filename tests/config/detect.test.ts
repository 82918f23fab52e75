import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { initProject, loadProject, type Project } from '../../src/config/index.ts';
import { testEnv } from '../support/temp.ts';
import { errorOf, load, projectOf } from './support.ts';

const manifest = (scripts: Record<string, string>, rest: object = {}): string =>
  JSON.stringify({ scripts, ...rest });
const vite = { dev: 'vite' };

interface Sample {
  readonly files: Readonly<Record<string, string>>;
  readonly layout: string;
  /** Windows beyond the layout's own tools: name, command, port. */
  readonly windows: readonly string[];
  readonly suites: readonly string[];
}

const samples: Readonly<Record<string, Sample>> = {
  'a web shop': {
    files: {
      'package.json': manifest({
        'dev:api': 'node api.js',
        'dev:ui': 'vite',
        build: 'vite build',
        test: 'vitest run',
        'test:unit': 'vitest run u --outputFile.junit=reports/u.xml',
        'test:e2e': 'playwright test',
        lint: 'eslint .',
      }),
      'vitest.config.ts': "export default { reporters: ['junit'] }",
    },
    layout: 'web',
    windows: ['api npm run dev:api', 'ui npm run dev:ui 5173', 'e2e'],
    suites: ['unit npm run test:unit reports/u.xml', 'e2e npm run test:e2e demand'],
  },
  'pnpm, next': {
    files: { 'package.json': manifest({ dev: 'next dev -p 4000', test: 'vitest' }), 'pnpm-lock.yaml': '' },
    layout: 'web',
    windows: ['ui pnpm run dev 4000'],
    suites: ['unit pnpm run test --run'],
  },
  'yarn, a server': {
    files: { 'package.json': manifest({ start: 'node .', 'start:prod': 'node .' }), 'yarn.lock': '' },
    layout: 'api',
    windows: ['api yarn run start'],
    suites: [],
  },
  'bun by its name': {
    files: {
      'package.json': manifest(
        { ...vite, test: 'echo "Error: no test specified" && exit 1' },
        { packageManager: 'bun@1.2.0' },
      ),
      'vite.config.ts': 'export default { server: { host: true, port: 3333 } }',
    },
    layout: 'web',
    windows: ['ui bun run dev 3333'],
    suites: [],
  },
  'npm workspaces': {
    files: {
      'package.json': manifest({ test: 'jest' }, { workspaces: ['packages/*', 'tools/x'] }),
      'packages/web app/package.json': manifest(vite),
      'packages/api/package.json': manifest({ start: 'node .' }),
      'packages/lib/package.json': manifest({ build: 'tsc' }),
      'tools/x/package.json': 'not json',
    },
    layout: 'monorepo',
    windows: ['api npm start', 'web-app npm run dev 5173'],
    suites: ['unit npm test'],
  },
  'pnpm workspaces run from the root': {
    files: {
      'package.json': manifest({ dev: 'turbo dev' }),
      'pnpm-workspace.yaml': 'packages:\n  - "apps/*" # apps\n',
      'apps/a/package.json': manifest(vite),
    },
    layout: 'monorepo',
    windows: ['dev pnpm run dev'],
    suites: [],
  },
  'npm workspaces whose packages alone have tests': {
    files: {
      'package.json': manifest({ 'test:e2e': 'playwright test' }, { workspaces: ['apps/*', 'packages/*'] }),
      'apps/web/package.json': manifest({ ...vite, test: 'vitest', 'test:e2e': 'cypress run' }),
      'packages/web/package.json': manifest({ test: 'vitest run --reporter=junit --outputFile=r.xml' }),
      'packages/lib/package.json': manifest({ test: 'echo "Error: no test specified" && exit 1' }),
      'packages/unit/package.json': manifest({ 'test:unit': 'jest' }),
    },
    layout: 'monorepo',
    windows: ['e2e', 'web npm run dev 5173'],
    suites: [
      'e2e npm run test:e2e demand',
      'web npm test -- --run in apps/web',
      'web-e2e npm run test:e2e in apps/web demand',
      'unit npm run test:unit in packages/unit',
      'packages-web npm test packages/web/r.xml in packages/web',
    ],
  },
  'pnpm workspaces under turbo': {
    files: {
      'package.json': manifest({}, { devDependencies: { turbo: '2' } }),
      'pnpm-workspace.yaml': 'packages: \n  - packages/*\n',
      'turbo.json': '{ "tasks": { "build": {}, "test": {} } }',
      'packages/a/package.json': manifest({ test: 'jest' }),
      'packages/b/package.json': manifest({ test: 'jest', e2e: 'cypress run' }),
      'packages/c/package.json': manifest({ 'test:unit': 'jest' }),
    },
    layout: 'monorepo',
    windows: [],
    suites: [
      'unit pnpm exec turbo run test',
      'b-e2e pnpm run e2e in packages/b demand',
      'c pnpm run test:unit in packages/c',
    ],
  },
  'turbo without a task for tests': {
    files: {
      'package.json': manifest({}, { workspaces: ['a'], devDependencies: { turbo: '2' } }),
      'turbo.json': '{ "tasks": { "build": {} } }',
      'a/package.json': manifest({ test: 'jest' }),
    },
    layout: 'monorepo',
    windows: [],
    suites: ['a npm test in a'],
  },
  'yarn workspaces under nx': {
    files: {
      'package.json': manifest({}, { workspaces: { packages: ['a'] }, devDependencies: { nx: '22' } }),
      'yarn.lock': '',
      'nx.json': '{}',
      'a/package.json': manifest({ test: 'jest' }),
    },
    layout: 'monorepo',
    windows: [],
    suites: ['unit yarn nx run-many -t test'],
  },
  'a Rust server': {
    files: { 'Cargo.toml': '[package]\nname = "x"\n[dependencies]\naxum = "0.8"\n', 'src/main.rs': '' },
    layout: 'rust',
    windows: ['api cargo run'],
    suites: ['unit cargo test'],
  },
  'a Rust workspace': {
    files: { 'Cargo.toml': '[workspace]\nmembers = ["a"]\n' },
    layout: 'rust',
    windows: [],
    suites: ['unit cargo test --workspace'],
  },
  'a Go server': {
    files: { 'go.mod': 'module x\n', 'cmd/srv/main.go': 'import "net/http"' },
    layout: 'go',
    windows: ['api go run ./cmd/srv'],
    suites: ['unit go test ./...'],
  },
  'a FastAPI server under uv': {
    files: {
      'pyproject.toml': 'dependencies = ["fastapi", "uvicorn", "pytest"]\n',
      'uv.lock': '',
      'app/main.py': 'api = FastAPI()',
    },
    layout: 'python',
    windows: ['api uv run uvicorn app.main:api --reload --port 8000 8000'],
    suites: ['unit uv run pytest'],
  },
  'a Django site': {
    files: { 'manage.py': '', 'requirements.txt': 'django\n' },
    layout: 'python',
    windows: ['api python3 manage.py runserver 127.0.0.1:8000 8000'],
    suites: ['unit python3 manage.py test'],
  },
  'a Procfile': {
    files: { Procfile: 'web: puma -p $PORT\r\n# no\nrelease: migrate\nworker: sidekiq "${X}"\n' },
    layout: 'api',
    windows: ['web puma -p $PORT auto', 'worker sidekiq "${X}"'],
    suites: [],
  },
  'a Procfile with a name twice': {
    files: { Procfile: 'web: a\nweb: b\n__proto__: c\n' },
    layout: 'api',
    windows: ['web a', 'web-2 b', 'proto c'],
    suites: [],
  },
  'Procfile.dev before package.json': {
    files: {
      'Procfile.dev': 'js: yarn build --watch\n',
      Procfile: 'web: x\n',
      'package.json': manifest({ test: 'jest' }),
    },
    layout: 'api',
    windows: ['js yarn build --watch'],
    suites: ['unit npm test'],
  },
  'a compose file beside a Go API': {
    files: {
      'go.mod': 'module x',
      'compose.yaml':
        'services:\n  db:\n    image: postgres\n  # c\n  cache: { image: redis }\nvolumes: {}\n',
    },
    layout: 'go',
    windows: ['compose docker compose up'],
    suites: ['unit go test ./...'],
  },
  'a Go API with a Vite UI': {
    files: {
      'go.mod': 'module x',
      'main.go': 'import "net/http"',
      'package.json': manifest({ ...vite, test: 'vitest run' }),
    },
    layout: 'web',
    windows: ['api go run .', 'ui npm run dev 5173'],
    suites: ['unit npm test', 'unit-2 go test ./...'],
  },
  nothing: { files: { 'README.md': 'hello' }, layout: 'minimal', windows: [], suites: [] },
};

const tools = new Set(['editor', 'watcher', 'logs', 'shell']);

function windowsOf({ config }: Project): string[] {
  return config.windows
    .filter(({ name }) => !tools.has(name))
    .map(({ name, panes, port }) =>
      [name, panes[0]?.command, port].filter((part) => part !== undefined).join(' '),
    );
}

function suitesOf({ root, config }: Project): string[] {
  return config.suites.map(({ name, command, results, on, cwd }) =>
    [name, command, results, cwd === root ? '' : `in ${path.relative(root, cwd)}`, on === 'demand' ? on : '']
      .filter(Boolean)
      .join(' '),
  );
}

describe.each(Object.entries(samples))('%s', (_name, sample) => {
  test('is found', async () => {
    const project = await load(undefined, sample.files);
    expect(project.config.layout).toBe(sample.layout);
    expect(windowsOf(project)).toEqual(sample.windows);
    expect(suitesOf(project)).toEqual(sample.suites);
    expect(project.configFile).toBeUndefined();
    expect(project.detected.length > 0).toBe(sample.layout !== 'minimal');
  });

  test('what init writes is what start uses without it', async () => {
    const root = projectOf(sample.files, 'it\'s "a" $HOME é');
    const env = testEnv();
    const before = await loadProject({ cwd: root, env });
    const { file, project, found } = await initProject({ cwd: root, env });
    expect(project.config).toEqual(before.config);
    expect(found).toEqual(before.detected);
    expect(readFileSync(file, 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=file:\/\/\S+devenv\.schema\.json\n/,
    );
  });
});

test('--layout goes over the one that would be chosen, with and without a file', async () => {
  const root = projectOf(samples['a web shop']?.files ?? {});
  const env = testEnv();
  const before = await loadProject({ cwd: root, env, layout: 'minimal' });
  const { project } = await initProject({ cwd: root, env, layout: 'minimal' });
  expect(project.config.layout).toBe('minimal');
  expect(project.config.windows).toEqual(before.config.windows);
});

test('init never overwrites, and writes nothing for an unknown layout', async () => {
  const root = projectOf({ 'devenv.yaml': 'name: mine\n', 'sub/x': '' });
  const error = await errorOf(initProject({ cwd: path.join(root, 'sub'), env: testEnv() }));
  expect(error.code).toBe('refused');
  expect(readFileSync(path.join(root, 'devenv.yaml'), 'utf8')).toBe('name: mine\n');
  const empty = projectOf({});
  expect((await errorOf(initProject({ cwd: empty, env: testEnv(), layout: 'wbe' }))).code).toBe(
    'unknown-layout',
  );
  expect((await loadProject({ cwd: empty, env: testEnv() })).configFile).toBeUndefined();
});

test('the schema is the installed package’s where there is one', async () => {
  const root = projectOf({ 'node_modules/devenv/schema/devenv.schema.json': '{}' });
  const { file } = await initProject({ cwd: root, env: testEnv() });
  expect(readFileSync(file, 'utf8').split('\n')[0]).toBe(
    '# yaml-language-server: $schema=./node_modules/devenv/schema/devenv.schema.json',
  );
});

test('devenv.local.yaml counts without a devenv.yaml too', async () => {
  const root = projectOf({ 'devenv.local.yaml': 'windows: { mine: { command: x } }\n' });
  writeFileSync(path.join(root, 'go.mod'), 'module x');
  const { config } = await loadProject({ cwd: root, env: testEnv() });
  expect(config.windows.map(({ name }) => name)).toEqual(['editor', 'watcher', 'logs', 'mine']);
});

describe('how a suite reports which tests failed is written beside it, ready to be used', () => {
  /** The file that init writes, with what stands in comments in the place of what it replaces. */
  async function taken(files: Readonly<Record<string, string>>): Promise<Project['config']['suites']> {
    const root = projectOf(files);
    await initProject({ cwd: root, env: testEnv() });
    const file = path.join(root, 'devenv.yaml');
    const text = readFileSync(file, 'utf8')
      .replaceAll(/^ {4}command: .*\n(?=(?: {4}(?:on|cwd): .*\n)* {4}# To see)/gm, '')
      .replaceAll(/^ {4}# (?=command:|results:|env:)/gm, '    ');
    writeFileSync(file, text);
    return (await loadProject({ cwd: root, env: testEnv() })).config.suites;
  }

  test.each([
    ['vitest', 'npm test -- --run --reporter=default --reporter=junit --outputFile.junit=junit-unit.xml'],
    [
      'NODE_ENV=test node --test',
      'npm test -- --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=junit-unit.xml',
    ],
    ['mocha --exit', 'npm test -- --reporter xunit --reporter-option output=junit-unit.xml'],
    ['npx playwright test', 'npm test -- --reporter=list,junit', 'PLAYWRIGHT_JUNIT_OUTPUT_NAME'],
    ['jest', 'npm test -- --reporters=default --reporters=jest-junit', 'JEST_JUNIT_OUTPUT_FILE'],
  ])('%s', async (script, command, variable = '') => {
    const [suite] = await taken({ 'package.json': manifest({ test: script }) });
    expect(suite).toMatchObject({ command, results: expect.stringMatching(/junit-unit\.xml$/) });
    if (variable !== '') expect(suite?.env).toMatchObject({ [variable]: 'junit-unit.xml' });
  });

  test('in a package of a workspace', async () => {
    const files = { 'package.json': manifest({}, { workspaces: ['a b'] }) };
    const [suite] = await taken({ ...files, 'a b/package.json': manifest({ test: 'vitest run' }) });
    expect(suite).toMatchObject({
      command: 'npm test -- --reporter=default --reporter=junit --outputFile.junit=junit-unit.xml',
      results: 'a b/junit-unit.xml',
      cwd: expect.stringMatching(/a b$/),
    });
  });

  test('pytest', async () => {
    const [suite] = await taken({ 'requirements.txt': 'pytest\n' });
    expect(suite?.command).toBe('python3 -m pytest --junitxml=junit-unit.xml');
  });

  test.each([
    'vitest run && echo done',
    'vitest run --reporter=dot',
    'node --test tests/a.js',
    'node check.js',
    'turbo test',
  ])('nothing for %s', async (script) => {
    const [suite] = await taken({ 'package.json': manifest({ test: script }) });
    expect(suite?.results).toBeUndefined();
    expect(suite?.command).toMatch(/^npm test( -- --run)?$/);
  });
});

test('a project of tests alone says nothing of workspaces', async () => {
  const root = projectOf({ 'package.json': manifest({ test: 'vitest run' }) });
  const { found } = await initProject({ cwd: root, env: testEnv() });
  expect(found).toEqual(['package.json (npm): scripts test']);
});
