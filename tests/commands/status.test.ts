import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { self } from '../../src/base/index.ts';
import { status } from '../../src/commands/status.ts';
import { privateTmux } from '../support/private-tmux.ts';
import { testProject, type TestProject } from '../verify/support.ts';
import { testContext } from './context.ts';

interface Facts {
  readonly checkpoint: {
    readonly nextAt: string | null;
    readonly why: string | null;
    readonly decisions?: readonly { readonly at: string; readonly kind: string; readonly text: string }[];
  };
}

function make(): TestProject & { readonly env: NodeJS.ProcessEnv } {
  const t = testProject({
    suites: [],
    files: { 'devenv.yaml': 'name: x\nwindows: { a: { command: sleep 9 } }\n' },
  });
  const { DEVENV_TMUX_SOCKET } = privateTmux().env;
  return { ...t, env: { ...t.env, DEVENV_TMUX_SOCKET } };
}
const look = async (t: TestProject, over: { verbose?: boolean } = {}) => {
  const found = await status(testContext({ env: t.env, cwd: t.root, ...over }), { all: false, watch: false });
  return { facts: (found.json as Facts).checkpoint, text: found.text ?? '' };
};

test('says when the next look is due and why the last one did what it did', async () => {
  const t = make();
  const nextAt = t.deps.clock.now() + 100_000;
  t.store.setValue(t.project.id, 'checkpointer', { nextAt, why: 'kept: unit fails', pid: self.pid });
  const { facts, text } = await look(t);
  expect(facts).toMatchObject({ nextAt: new Date(nextAt).toISOString(), why: 'kept: unit fails' });
  expect(text).toMatch(/next look in 1m.*; kept: unit fails/);
});

test('a watcher that was killed looks no more, whatever it left', async () => {
  const t = make();
  const { pid } = spawnSync('true');
  t.store.setValue(t.project.id, 'checkpointer', {
    nextAt: t.deps.clock.now() + 100_000,
    why: 'tagged x',
    pid,
  });
  expect((await look(t)).facts).toMatchObject({ nextAt: null, why: 'devenv watch is not running' });
});

test('paused: no next look, and how it goes on', async () => {
  const t = make();
  t.store.setValue(t.project.id, 'checkpointer', { why: 'paused: p in devenv watch goes on', pid: self.pid });
  const { facts, text } = await look(t);
  expect(facts.nextAt).toBeNull();
  expect(text).toMatch(/last good checkpoint: none; paused/);
});

test('-v lists the last decisions with their reasons, newest first', async () => {
  const t = make();
  for (let n = 1; n <= 12; n++)
    t.store.addEvent(t.project.id, 'checkpointer', { kind: 'kept', text: `kept: reason ${n}` });
  t.store.addEvent(t.project.id, 'reset', { text: 'of another kind' });
  t.store.addEvent(t.project.id, 'checkpointer', 'damaged');
  expect((await look(t)).facts.decisions).toBeUndefined();
  const { facts, text } = await look(t, { verbose: true });
  expect(facts.decisions?.map((one) => one.text)).toEqual(
    [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((n) => `kept: reason ${n}`),
  );
  expect(text).toMatch(/just now: kept: reason 12\n.*kept: reason 11\n/);
});
