import { expect, test } from 'vitest';
import { diff } from '../../src/commands/diff.ts';
import { gate } from '../../src/commands/gate.ts';
import { open } from '../../src/commands/open.ts';
import { prune } from '../../src/commands/prune.ts';
import { run } from '../../src/commands/run.ts';
import { start } from '../../src/commands/start.ts';
import { test as runTests } from '../../src/commands/test.ts';
import { privateTmux } from '../support/private-tmux.ts';
import { makeProject } from '../support/project.ts';
import { testEnv } from '../support/temp.ts';
import { testContext } from './context.ts';

/** What a command is told that asks for something that the project does not have, or not as that. */
async function contextOf(yaml: string): Promise<ReturnType<typeof testContext>> {
  const env = testEnv();
  return testContext({ env, cwd: await makeProject(env, { files: { 'devenv.yaml': yaml } }) });
}

test.each([
  ['logs', 'tool', 'devenv attach logs shows it; here: devenv logs -f'],
  ['editor', 'tool', 'devenv attach editor shows it'],
  ['api', 'service', 'devenv start api starts it, devenv restart api again'],
])('run %s: a %s does not end, so it is said what to do instead', async (name, kind, hint) => {
  const ctx = await contextOf('layout: web\nwindows: { api: { command: sleep 9 } }\n');
  await expect(run(ctx, { name })).rejects.toMatchObject({
    code: 'usage',
    message: `${name} is a ${kind}: run is for suites and tasks`,
    hint,
  });
});

test('run takes the suite where a service has its name, also while that runs', async () => {
  const world = privateTmux();
  try {
    const yaml = 'windows: { api: { command: sleep 1000 } }\nsuites: { api: { command: exit 3 } }\n';
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
    const ctx = testContext({ env: world.env, cwd });
    await start(ctx, { windows: [], detach: true, wait: false, layout: undefined, timeout: undefined });
    expect(await run(ctx, { name: 'api' })).toMatchObject({ exit: 3, json: { window: null } });
  } finally {
    await world.end();
  }
});

test('run of what is not there names what can be run', async () => {
  const ctx = await contextOf(
    'windows: { api: { command: sleep 9 } }\nsuites: { unit: { command: "true" } }\n',
  );
  await expect(run(ctx, { name: 'zebra' })).rejects.toMatchObject({
    code: 'unknown-suite',
    message: 'no suite or task called zebra',
    hint: 'there are: unit',
  });
});

test('gate in a project without gates says how one is written', async () => {
  for (const names of [[], ['x']]) {
    await expect(gate(await contextOf('name: x\n'), { names })).rejects.toMatchObject({
      code: 'config',
      message: 'this project has no gates',
      hint: 'add one in devenv.yaml: gates: { lint: { command: npm run lint } }',
    });
  }
});

test('the folder of a suite that is not there is said, by test and by run', async () => {
  const ctx = await contextOf('suites: { unit: { command: pwd, cwd: gone } }\n');
  const why = `suites.unit.cwd: no such directory: ${ctx.cwd}/gone`;
  expect((await runTests(ctx, { suites: [] })).text).toContain(`unit broken: ${why}`);
  expect(await run(ctx, { name: 'unit' })).toMatchObject({ exit: 1 });
  expect(ctx.notes).toContain(`unit is broken: ${why}`);
});

test('without any checkpoint, diff says that there is none yet, not that one called last is missing', async () => {
  await expect(diff(await contextOf('name: x\n'), {})).rejects.toMatchObject({
    code: 'unknown-tag',
    message: 'there is no checkpoint yet',
    hint: '`devenv checkpoint` makes one',
  });
});

test('without any checkpoint, prune --dry-run has no empty line', async () => {
  expect((await prune(await contextOf('name: x\n'), { dryRun: true })).text).toMatch(/^would drop 0 /);
});

test('open --close without a tag says where the open ones are listed', async () => {
  const ctx = await contextOf('name: x\n');
  const input = { tag: undefined, list: false, close: true, yes: false, detach: true, wait: false };
  await expect(open(ctx, input)).rejects.toMatchObject({
    code: 'usage',
    hint: 'devenv open --list names those that are open',
  });
});
