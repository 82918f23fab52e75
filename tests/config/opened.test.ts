import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProject, openedDir, readOpened } from '../../src/config/index.ts';
import { standBeside } from '../../src/config/opened.ts';
import type { Written } from '../../src/config/schema.ts';
import { tempDir, testEnv } from '../support/temp.ts';

const beside = (value: Written): Written => standBeside([{ value, at: {} }], 'shop@x').value;

describe('what stands over the files of a project that runs beside the live one', () => {
  test.each<[string, Written, unknown]>([
    ['the name alone', {}, { name: 'shop@x' }],
    ['a fixed port becomes a free one', { windows: { api: { port: 8080 } } }, { api: { port: 'auto' } }],
    ['auto stays auto', { windows: { api: { port: 'auto' } } }, { api: { port: 'auto' } }],
    [
      'a probe of the fixed port asks the new one',
      { windows: { api: { port: 8080, ready: 'http://localhost:8080/health' } } },
      { api: { port: 'auto', ready: 'http://localhost:${port.api}/health' } },
    ],
    [
      'a longer number is another port, another host another machine',
      {
        windows: { api: { port: 80, ready: { http: 'http://localhost:8080/' }, env: { A: 'http://db:80' } } },
      },
      { api: { port: 'auto', ready: { http: 'http://localhost:8080/' }, env: { A: 'http://db:80' } } },
    ],
    [
      'tcp probes, with and without a host',
      { windows: { a: { port: 1, ready: { tcp: 1 } }, b: { port: 2, ready: { tcp: '127.0.0.1:2' } } } },
      {
        a: { port: 'auto', ready: { tcp: '${port.a}' } },
        b: { port: 'auto', ready: { tcp: '127.0.0.1:${port.b}' } },
      },
    ],
    [
      'one window that names the port of another',
      {
        windows: {
          api: { port: 8080 },
          ui: { panes: ['serve --proxy http://localhost:8080', { command: 'x' }] },
        },
      },
      {
        api: { port: 'auto' },
        ui: { panes: ['serve --proxy http://localhost:${port.api}', { command: 'x' }] },
      },
    ],
    [
      'a port written with a variable',
      { windows: { api: { port: '${P:-8080}', ready: 'http://localhost:${P:-8080}/' } } },
      { api: { port: 'auto', ready: 'http://localhost:${port.api}/' } },
    ],
  ])('%s', (_, value, windows) => {
    const made = beside(value);
    if (value.windows === undefined) expect(made).toEqual(windows);
    else expect(made).toEqual({ name: 'shop@x', windows });
  });

  test('the variables of the project', () => {
    const env = { URL: 'http://localhost:8080/a', N: 3 };
    expect(beside({ env, windows: { api: { port: 8080 } } }).env).toEqual({
      URL: 'http://localhost:${port.api}/a',
      N: 3,
    });
  });
});

test('a project is told by where it lies; everywhere else nothing changes', async () => {
  const env = testEnv();
  const dir = path.join(openedDir(env), 'id');
  const tree = path.join(dir, 'checkpoint-1');
  const elsewhere = tempDir('shop');
  for (const root of [tree, elsewhere]) {
    mkdirSync(root, { recursive: true });
    writeFileSync(
      path.join(root, 'devenv.yaml'),
      'name: shop\nwindows: { api: { command: x, port: 8080 } }\n',
    );
  }
  const marker = { tag: 'checkpoint-1', name: 'shop@checkpoint-1', of: elsewhere };
  writeFileSync(path.join(dir, 'checkpoint-1.json'), JSON.stringify(marker));
  const opened = await loadProject({ cwd: tree, env });
  expect(opened.sessionName).toBe('shop-checkpoint-1');
  expect(opened.config.windows[0]?.port).toBe('auto');
  const live = await loadProject({ cwd: elsewhere, env });
  expect(live).toMatchObject({ sessionName: 'shop', config: { windows: [{ port: 8080 }] } });
  expect(readOpened(elsewhere, env)).toBeUndefined();
  expect(readOpened(dir, env)).toBeUndefined();
});
