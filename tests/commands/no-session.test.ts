import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { attach } from '../../src/commands/attach.ts';
import { restart } from '../../src/commands/restart.ts';
import { start } from '../../src/commands/start.ts';
import { stop } from '../../src/commands/stop.ts';
import { privateTmux } from '../support/private-tmux.ts';
import { makeProject, writeFiles } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';
import { testContext } from './context.ts';

const files = { 'devenv.yaml': 'windows: { api: { command: sleep 1000 } }\n' };
const again = { windows: [], wait: false, timeout: undefined };

test('where tmux is not installed every command of a session says so, as start does', async () => {
  const bin = tempDir('bin');
  symlinkSync('/bin/sh', path.join(bin, 'sh'));
  const { env } = privateTmux({ PATH: bin });
  const ctx = testContext({ env, cwd: await makeProject(env, { files, git: 'none' }) });
  const asked = start(ctx, { ...again, detach: true, layout: undefined });
  const error = await asked.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'no-tmux', message: 'tmux is not installed' });
  const same = { code: 'no-tmux', message: 'tmux is not installed', hint: (error as { hint: string }).hint };
  await expect(attach(ctx, { window: undefined })).rejects.toMatchObject(same);
  await expect(restart(ctx, again)).rejects.toMatchObject(same);
  await expect(stop(ctx, { windows: [] })).rejects.toMatchObject(same);
});

test('where it is, there is only no session', async () => {
  const { env } = privateTmux();
  const ctx = testContext({ env, cwd: await makeProject(env, { files, git: 'none' }) });
  await expect(attach(ctx, { window: undefined })).rejects.toMatchObject({ code: 'no-session' });
  await expect(restart(ctx, again)).rejects.toMatchObject({ code: 'no-session' });
  expect(await stop(ctx, { windows: [] })).toMatchObject({ json: { session: null, running: false } });
});

test('a name that nothing has is refused by stop also without a session', async () => {
  const { env } = privateTmux();
  const cwd = await makeProject(env, { files, git: 'none' });
  const ctx = testContext({ env, cwd });
  await expect(stop(ctx, { windows: ['api', 'apj'] })).rejects.toMatchObject({
    code: 'unknown-window',
    message: 'no window called apj',
    hint: expect.stringContaining('did you mean api?'),
  });
  expect(await stop(ctx, { windows: ['api'] })).toMatchObject({ json: { session: null, stopped: [] } });
  writeFiles(cwd, 'devenv.yaml', 'windows: { api: { comand: x } }\n');
  expect(await stop(ctx, { windows: ['apj'] })).toMatchObject({ json: { session: null, stopped: [] } });
});
