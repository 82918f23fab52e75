import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { createTmux, listPanes } from '../../src/tmux/index.ts';
import { privateTmux } from '../support/private-tmux.ts';
import { tempDir } from '../support/temp.ts';

const world = privateTmux();
afterAll(() => world.end());

test('Ctrl-C that also ends the client which lists the panes is no failure of tmux', async () => {
  await world.tmux('new-session', '-d', '-s', 'one', 'sleep 1000');
  const dir = tempDir('shim');
  const tmux = (await run(['sh', '-c', 'command -v tmux'])).stdout.trim();
  const hit = path.join(dir, 'hit');
  const script = `#!/bin/sh\ntest -e ${hit} || { touch ${hit}; kill -INT $$; }\nexec ${tmux} "$@"\n`;
  writeFileSync(path.join(dir, 'tmux'), script, { mode: 0o755 });
  const env = { ...world.env, PATH: `${dir}:${world.env['PATH'] ?? ''}` };
  const rows = await listPanes(createTmux(env));
  expect([existsSync(hit), rows?.map((row) => row.sessionName)]).toEqual([true, ['one']]);
});
