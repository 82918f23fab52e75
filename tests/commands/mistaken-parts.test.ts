import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { hostList } from '../../src/commands/host.ts';
import { logs } from '../../src/commands/logs.ts';
import { loadProject } from '../../src/config/index.ts';
import { claimLogDir } from '../../src/logs/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { testContext } from './context.ts';

type Rig = { readonly cwd: string; readonly env: NodeJS.ProcessEnv };

/** A project whose session left a log, as its configuration was then. */
async function shop(yaml: string, env: NodeJS.ProcessEnv = testEnv()): Promise<Rig> {
  const cwd = tempDir('shop');
  writeFileSync(path.join(cwd, 'devenv.yaml'), yaml);
  const project = await loadProject({ cwd, env });
  const dir = claimLogDir(env, project, project.config.logs.dir);
  writeFileSync(path.join(dir, 'api.log'), '2026-11-20T19:00:00.000Z GET /\n');
  return { cwd, env };
}

async function logsWith(rig: Rig, yaml: string) {
  writeFileSync(path.join(rig.cwd, 'devenv.yaml'), yaml);
  const ctx = testContext(rig);
  await logs(ctx, { windows: [] });
  return { shown: ctx.written.join(''), notes: ctx.notes };
}

const mistake = 'windows: { api: { comand: x } }\n';
const read = 'warning: the configuration has a mistake, so only name and logs.dir are read';

test.each([
  ['name: other\n', `name: other\n${mistake}`],
  ['name: other\n', `${mistake}name: other\n`],
  ['name: other\n', `name: other\nwindows: [\n`],
  ['name: other\n', `{ name: other, suites: 5 }\n`],
  ['name: other\n', `name: other\nlayout: nosuch\n`],
  ['name: other\n', `name: other\n<<<<<<< HEAD\nlayout: web\n=======\nlayout: node\n>>>>>>> theirs\n`],
  ['logs: { dir: mine }\n', `logs: { dir: mine, max_sise: 5 }\n${mistake}`],
  ['env: { A: x }\nname: o-${A}\n', `env: { A: x }\nname: o-\${A}\n${mistake}`],
])('of %j the logs are found also while it is %j', async (before, now) => {
  const { shown, notes } = await logsWith(await shop(before), now);
  expect(shown).toBe('api | GET /\n');
  expect(notes.filter((note) => !note.startsWith('warning: devenv.yaml:'))).toEqual([read]);
  expect(notes[0]).toMatch(/^warning: devenv\.yaml:\d+:\d+: /);
});

test.each([
  ['name: { a: 1 }\n', 'name.a'],
  ['env_file: nosuch\n', 'env_file'],
  [`name: [\n`, 'name'],
  [`name: a\nname: b\n`, 'name'],
  [`name: \${NOSUCH}\n`, 'name'],
  [`logs: { dir: [] }\n`, 'logs.dir'],
  [`{ name: a\n`, 'devenv.yaml'],
])('what cannot be read is said: %j', async (now, unread) => {
  const { notes } = await logsWith(await shop('windows: {}\n'), now);
  expect(notes).toContain(`${read}; what cannot be read: ${unread}`);
});

test('a variable counts, and what is wrong beside it does not', async () => {
  const env = { ...testEnv(), DEVENV_NAME: 'other' };
  const { shown } = await logsWith(await shop('name: shop\n', env), `name: shop\n${mistake}`);
  expect(shown).toBe('api | GET /\n');
});

test('the boxes that can be read are listed, the others named', async () => {
  const cwd = tempDir('shop');
  const file = path.join(cwd, 'devenv.yaml');
  writeFileSync(file, 'name: x\nhosts: { one: { ssh: a@b }, two: { ssh: c, paht: y } }\nsuites: 5\n');
  const ctx = testContext({ cwd, env: testEnv() });
  const { json, text } = await hostList(ctx);
  expect(json).toMatchObject({ hosts: [{ name: 'one', ssh: 'a@b', file }] });
  expect(text).toContain('~/x');
  expect(ctx.notes.at(-1)).toBe(
    'warning: the configuration has a mistake, so only name and hosts are read; what cannot be read: hosts.two',
  );
  writeFileSync(file, 'hosts: { one: { ssh: a@b } }\n');
  const sound = testContext({ cwd, env: testEnv() });
  await hostList(sound);
  expect(sound.notes).toEqual([]);
});

test('a devenv.yaml that cannot be read at all is named', async () => {
  const rig = await shop('windows: {}\n');
  rmSync(path.join(rig.cwd, 'devenv.yaml'));
  symlinkSync('nosuch', path.join(rig.cwd, 'devenv.yaml'));
  const ctx = testContext(rig);
  await logs(ctx, { windows: [] });
  expect(ctx.notes).toContain(`${read}; what cannot be read: devenv.yaml`);
});
