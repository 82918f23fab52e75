import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { doctor } from '../../src/commands/doctor.ts';
import type { Finding } from '../../src/commands/doctor/check.ts';
import { ports } from '../../src/commands/ports.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { testContext } from './context.ts';

async function project(options: { yaml?: string; git?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const cwd = tempDir('doctor');
  const env = testEnv({ DEVENV_TMUX_SOCKET: 'devenv-test-none', EDITOR: 'sh', ...options.env });
  if (options.yaml !== undefined) writeFileSync(path.join(cwd, 'devenv.yaml'), options.yaml);
  if (options.git ?? true) await run(['git', 'init', '-q', cwd], { env });
  return { cwd, env };
}

async function examine(where: { cwd: string; env: NodeJS.ProcessEnv }) {
  const ctx = testContext(where);
  const result = await doctor(ctx);
  const { checks }: { checks: readonly Finding[] } = JSON.parse(JSON.stringify(result.json));
  return {
    exit: result.exit ?? 0,
    text: result.text ?? '',
    bad: checks.filter(({ ok }) => !ok),
    of: (name: string) => checks.find((check) => check.name === name),
  };
}

describe('doctor', () => {
  test('is content with a healthy project', async () => {
    const found = await examine(await project({ yaml: 'windows:\n  editor: { command: sh }\n' }));
    expect(found.bad).toEqual([]);
    expect(found.exit).toBe(0);
    expect(found.text).toMatch(/^✓ node: Node 2/);
    expect(found.text).toMatch(/all is well$/);
    expect(found.of('repository')?.message).toContain('without a commit yet');
  });

  test.each<[string, Parameters<typeof project>[0], string, object, number]>([
    [
      'no repository',
      { git: false },
      'repository',
      { level: 'warning', remedy: 'make one with: git init' },
      0,
    ],
    [
      'a typo in the configuration',
      { yaml: 'widnows: {}\n' },
      'configuration',
      { level: 'error', message: expect.stringContaining('devenv.yaml:1:1') },
      3,
    ],
    [
      'an editor that is not there',
      { env: { EDITOR: 'no-such-editor -w' } },
      'editor',
      { level: 'warning' },
      0,
    ],
    [
      'a locale without letters',
      { env: { LANG: 'C', LC_ALL: '', LC_CTYPE: '' } },
      'terminal',
      { level: 'warning' },
      0,
    ],
    [
      'a state directory that cannot be made',
      { env: { XDG_STATE_HOME: '/proc/none' } },
      'state directory',
      { level: 'error' },
      3,
    ],
  ])('%s', async (_name, options, name, expected, exit) => {
    const found = await examine(await project(options));
    expect(found.of(name)).toMatchObject({ ok: false, ...expected });
    expect(found.of(name)?.remedy).not.toBe('');
    expect(found.exit).toBe(exit);
  });

  test('draws with ASCII where the locale has no more', async () => {
    const found = await examine(await project({ env: { LANG: 'C', LC_ALL: '', LC_CTYPE: '' } }));
    expect(found.text).toMatch(/^ok node/);
    expect(found.text).not.toMatch(/[✓✗]/);
  });

  test('tools that are missing or too old', async () => {
    const bin = tempDir('bin');
    symlinkSync('/bin/sh', path.join(bin, 'sh'));
    const none = await examine(await project({ env: { PATH: bin } }));
    expect(none.of('tmux')).toMatchObject({ ok: false, level: 'error', message: 'tmux is not installed' });
    expect(none.of('git')).toMatchObject({ ok: false, level: 'error' });
    expect(none.of('logger')).toMatchObject({ ok: false, level: 'warning' });
    expect(none.exit).toBe(3);
    for (const [name, version] of [
      ['tmux', 'tmux 3.1c'],
      ['git', 'git version 2.30.2'],
    ] as const) {
      writeFileSync(path.join(bin, name), `#!/bin/sh\necho '${version}'\n`);
      chmodSync(path.join(bin, name), 0o755);
    }
    const old = await examine(await project({ env: { PATH: bin } }));
    expect(old.of('tmux')).toMatchObject({
      ok: false,
      level: 'error',
      message: expect.stringContaining('3.1c'),
    });
    expect(old.of('git')).toMatchObject({
      ok: false,
      level: 'warning',
      message: expect.stringContaining('2.30.2'),
    });
  });
});

describe('ports that are taken', () => {
  test('are told by doctor and ports, with the holder and another one', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
    try {
      const where = await project({
        yaml: `windows:\n  api: { command: x, port: ${port} }\n  ui: { command: y, port: auto }\n`,
      });
      const found = await examine(where);
      expect(found.exit).toBe(3);
      expect(found.of('ports')).toMatchObject({
        ok: false,
        message: expect.stringContaining(`pid ${process.pid}`),
      });
      const result = await ports(testContext(where), { free: true });
      expect(result.json).toEqual({
        ports: [
          {
            service: 'api',
            port,
            state: 'taken',
            holder: { pid: process.pid, command: expect.any(String), window: null, session: null },
            free: expect.any(Number),
          },
          { service: 'ui', port: expect.any(Number), state: 'free', holder: null },
        ],
      });
      expect(result.text).toMatch(/api +\d+ +taken +pid \d+: .*; free: \d+/);
    } finally {
      server.close();
    }
  });
});
