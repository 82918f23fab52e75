import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createColors, systemClock } from '../../src/base/index.ts';
import { config } from '../../src/commands/config.ts';
import type { CommandContext } from '../../src/commands/context.ts';
import { init } from '../../src/commands/init.ts';
import { testEnv } from '../support/temp.ts';
import { projectOf } from './support.ts';

function contextOf(cwd: string, env: NodeJS.ProcessEnv = {}): CommandContext {
  return {
    env: testEnv(env),
    cwd,
    clock: systemClock,
    signal: new AbortController().signal,
    json: false,
    verbose: false,
    interactive: false,
    colors: createColors(false),
    note: () => {},
    writeError: () => {},
    write: () => {},
    progress: () => ({ update: () => {}, end: () => Promise.resolve() }),
  };
}

test('init tells what it found and wrote', async () => {
  const root = projectOf({ 'go.mod': 'module x' });
  const result = await init(contextOf(root), {});
  expect(result.text).toBe(
    'found:\n  go.mod: go test\nwrote devenv.yaml: 3 windows (editor, watcher, logs), 1 suite (unit)',
  );
  expect(result.next).toBe('next: `devenv start`');
  expect(result.json).toEqual({
    file: path.join(root, 'devenv.yaml'),
    layout: 'go',
    found: ['go.mod: go test'],
    windows: ['editor', 'watcher', 'logs'],
    suites: ['unit'],
  });
});

test('config show tells every value and where it is from, and no secret', async () => {
  const root = projectOf({
    'devenv.yaml':
      'env: { API_TOKEN: hunter2hunter2 }\nwindows:\n  a: { command: "x ${CLOUD_SECRET} hunter2hunter2", port: 80 }\n',
  });
  const result = await config(contextOf(root, { CLOUD_SECRET: 'topsecretvalue' }), { action: 'show' });
  const lines = (result.text ?? '').split('\n').map((line) => line.replaceAll(/ {2,}/g, '  '));
  expect(lines).toContain('env.API_TOKEN  ***  # devenv.yaml:1:8');
  expect(lines).toContain('env.CLOUD_SECRET  ***  # environment');
  expect(lines).toContain('windows.a.port  80  # devenv.yaml:3:53');
  expect(lines).toContain('windows.a.stop.grace  5s  # default');
  expect(lines).toContain('windows.a.command  x ${CLOUD_SECRET} ***  # devenv.yaml:3:8');
  expect(JSON.stringify(result)).not.toMatch(/hunter2|topsecret/);
  expect(result.json).toMatchObject({
    root,
    config: { windows: [{ name: 'a', port: 80 }] },
    origins: { 'windows.a.port': 'devenv.yaml:3:53' },
  });
});

test('config path and schema', async () => {
  const root = projectOf({ 'devenv.yaml': 'name: x\n' });
  expect(await config(contextOf(root), { action: 'path' })).toEqual({
    json: { path: path.join(root, 'devenv.yaml'), root },
    text: path.join(root, 'devenv.yaml'),
  });
  const none = await config(contextOf(projectOf({})), { action: 'path' });
  expect(none.json).toMatchObject({ path: null });
  const schema = await config(contextOf(root), { action: 'schema' });
  expect(schema.text).toBe(
    readFileSync(path.join(import.meta.dirname, '../../schema/devenv.schema.json'), 'utf8').trimEnd(),
  );
  expect(schema.json).toMatchObject({ title: 'devenv.yaml', additionalProperties: false });
});
