import type { WrittenWindow } from '../schema.ts';
import { reportAdvice } from './reports.ts';
import { listening, type Detector, type Files } from './types.ts';

/** pyproject.toml, requirements.txt or manage.py: Django, FastAPI or Flask as `api`; pytest or unittest. */
export const detectPython: Detector = (files) => {
  const sources = [
    'pyproject.toml',
    'requirements.txt',
    'requirements-dev.txt',
    'setup.py',
    'setup.cfg',
    'Pipfile',
  ];
  const present = [...sources, 'manage.py'].filter((name) => files.has(name));
  const [first] = present;
  if (first === undefined) return undefined;
  const text = sources.map((name) => files.text(name) ?? '').join('\n');
  const prefix = runnerPrefix(files);
  const api = webWindow(files, text, prefix);
  const tests = testCommand(files, text, prefix);
  return {
    layout: 'python',
    windows: api ? { api } : {},
    suites: tests === undefined ? {} : { unit: { command: tests, ...advised(tests) } },
    found: [`${first}: ${[api?.command, tests].filter(Boolean).join(', ') || 'Python'}`],
  };
};

function advised(tests: string): { readonly advice?: readonly string[] } {
  const advice = reportAdvice('unit', tests, (args) => `${tests} ${args}`);
  return advice.length > 0 ? { advice } : {};
}

function runnerPrefix(files: Files): string {
  if (files.has('uv.lock')) return 'uv run ';
  if (files.has('poetry.lock')) return 'poetry run ';
  return files.has('Pipfile') ? 'pipenv run ' : '';
}

function webWindow(files: Files, text: string, prefix: string): WrittenWindow | undefined {
  const serve = (command: string, port: number): WrittenWindow => ({
    kind: 'service',
    command: `${prefix}${command}`,
    port,
    ready: listening('api'),
  });
  if (files.has('manage.py')) return serve('python3 manage.py runserver 127.0.0.1:${port.api}', 8000);
  for (const [needed, marker, command, port] of [
    [
      /\b(fastapi|uvicorn|starlette)\b/i,
      /\b(\w+)\s*=\s*(?:FastAPI|Starlette)\(/,
      'uvicorn MODULE:NAME --reload --port ${port.api}',
      8000,
    ],
    [/\bflask\b/i, /\b(\w+)\s*=\s*Flask\(/, 'flask --app MODULE run --debug --port ${port.api}', 5000],
  ] as const) {
    if (!needed.test(text)) continue;
    for (const file of [
      'main.py',
      'app.py',
      'app/main.py',
      'app/__init__.py',
      'src/main.py',
      'api/main.py',
    ]) {
      const name = marker.exec(files.text(file) ?? '')?.[1];
      const module = file.replace(/(\/__init__)?\.py$/, '').replaceAll('/', '.');
      if (name !== undefined) return serve(command.replace('MODULE', module).replace('NAME', name), port);
    }
  }
  return undefined;
}

function testCommand(files: Files, text: string, prefix: string): string | undefined {
  const pytest =
    /\bpytest\b/.test(text) ||
    ['pytest.ini', 'conftest.py', 'tests/conftest.py'].some((name) => files.has(name));
  if (pytest) return prefix ? `${prefix}pytest` : 'python3 -m pytest';
  if (files.has('manage.py')) return `${prefix}python3 manage.py test`;
  const tests = [...files.list('tests'), ...files.list('test')].some((name) => /^test.*\.py$/.test(name));
  return tests
    ? `${prefix}python3 -m unittest discover -s ${files.has('tests') ? 'tests' : 'test'}`
    : undefined;
}
