import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createColors, packageRoot, systemClock } from '../../src/base/index.ts';
import type { CommandContext } from '../../src/commands/context.ts';
import { gate } from '../../src/commands/gate.ts';
import { test as runTests } from '../../src/commands/test.ts';
import { openStore } from '../../src/store/index.ts';
import { testProject, type TestProject } from './support.ts';

function make(
  config: string,
  files: Readonly<Record<string, string>> = {},
): TestProject & { readonly ctx: CommandContext; readonly notes: string[] } {
  const t = testProject({ suites: [], files: { 'code.txt': 'good\n', 'devenv.yaml': config, ...files } });
  const notes: string[] = [];
  const ctx: CommandContext = {
    env: { ...t.env, PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}` },
    cwd: t.root,
    clock: systemClock,
    signal: new AbortController().signal,
    json: true,
    verbose: false,
    interactive: false,
    colors: createColors(false),
    note: (line) => notes.push(line),
    writeError: () => {},
    write: () => {},
    progress: () => ({ update: () => {}, end: () => Promise.resolve() }),
  };
  return { ...t, ctx, notes };
}

const config = `name: x
suites:
  unit: { command: grep -q good code.txt }
  e2e: { command: "echo no; exit 1", on: demand }
gates: { tests: { suites: [unit] }, lint: { command: "echo a warning", max_warnings: 0 } }
`;

test('devenv test: the suites of the watcher; by name any; red is 1; unknown is 4', async () => {
  const t = make(config);
  expect(await runTests(t.ctx, { suites: [] })).toMatchObject({
    json: {
      tree: t.git('rev-parse', 'HEAD^{tree}'),
      suites: [{ name: 'unit', verdict: 'passed', failed: 0, failures: [] }],
    },
    text: expect.stringMatching(/^unit passed in .*\(tree [0-9a-f]{7}\)\npassed in/),
  });
  const red = await runTests(t.ctx, { suites: ['e2e'] });
  expect(red).toMatchObject({
    exit: 1,
    json: {
      suites: [{ name: 'e2e', verdict: 'failed', failed: 1, failures: [{ name: 'e2e', message: 'no' }] }],
    },
  });
  await expect(runTests(t.ctx, { suites: ['e2'] })).rejects.toMatchObject({
    code: 'unknown-suite',
    hint: 'did you mean e2e?',
  });
  expect(await runTests(t.ctx, { suites: ['unit', 'e2e'], failed: true })).toMatchObject({
    json: { suites: [{ name: 'e2e' }] },
  });
  expect(await runTests(t.ctx, { suites: ['unit'], failed: true })).toMatchObject({
    text: 'nothing failed in the last run',
  });
});

test('devenv gate: each gate by itself or all', async () => {
  const t = make(config);
  expect(await gate(t.ctx, { names: ['tests'] })).toMatchObject({
    json: { verdict: 'passed', gates: [{ name: 'tests', verdict: 'passed' }] },
  });
  expect(await gate(t.ctx, { names: [] })).toMatchObject({
    exit: 1,
    json: {
      verdict: 'failed',
      gates: [
        { name: 'tests', verdict: 'passed' },
        { name: 'lint', verdict: 'failed' },
      ],
    },
  });
  await expect(gate(t.ctx, { names: ['lnt'] })).rejects.toMatchObject({
    code: 'unknown-suite',
    hint: 'did you mean lint?',
  });
});

test('without suites or gates the way out is told', async () => {
  const t = make('name: x\n');
  await expect(runTests(t.ctx, { suites: [] })).rejects.toMatchObject({ code: 'config' });
  await expect(gate(t.ctx, { names: [] })).rejects.toMatchObject({ code: 'config' });
});

test('--affected runs what depends on the change, and is no verdict of the tree', async () => {
  const body = (n: number): string =>
    `import { test } from 'vitest'; import './src${n}.ts'; test('t${n}', () => {});\n`;
  const t = make(
    'name: x\nsuites: { unit: { command: "npx vitest run --reporter=junit --outputFile=junit.xml", results: junit.xml } }\n',
    {
      'a.test.ts': body(1),
      'b.test.ts': body(2),
      'src1.ts': 'export {};\n',
      'src2.ts': 'export {};\n',
      '.gitignore': 'node_modules\njunit.xml\n',
    },
  );
  symlinkSync(path.join(packageRoot(), 'node_modules'), path.join(t.root, 'node_modules'));
  writeFileSync(path.join(t.root, '.git/info/exclude'), 'node_modules\n');
  t.write('src2.ts', 'export const x = 2;\n');
  expect(await runTests(t.ctx, { suites: [], affected: true })).toMatchObject({
    json: { suites: [{ verdict: 'passed', passed: 1 }] },
  });
  expect(readFileSync(path.join(t.root, 'junit.xml'), 'utf8')).toContain('b.test.ts');
  const store = openStore(t.env);
  expect(store.lastRuns(t.project.id)).toEqual({});
  store.close();
  t.write('data.json', '{}');
  expect(await runTests(t.ctx, { suites: [], affected: true })).toMatchObject({
    json: { suites: [{ verdict: 'passed', passed: 2 }] },
  });
});
