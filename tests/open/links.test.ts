import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { doctor } from '../../src/commands/doctor.ts';
import { open } from '../../src/commands/open.ts';
import { loadProject } from '../../src/config/index.ts';
import { listOpened, openCheckpoint } from '../../src/open/index.ts';
import { linkNeeded, unlinkNeeded } from '../../src/open/links.ts';
import { testContext } from '../commands/context.ts';
import { tempDir } from '../support/temp.ts';
import { makeRepo } from '../checkpoint/repo.ts';

test('links what is ignored and needed, as real folders, and takes exactly that away again', async () => {
  const t = await makeRepo({
    files: { '.gitignore': 'node_modules/\n.env\n.env.*\n', '.env.example': 'x\n' },
  });
  await t.git('add', '-f', '.env.example');
  t.write('node_modules/.bin/tool', '');
  t.write('node_modules/.vite/cache', '');
  t.write('node_modules/pkg/index.js', '');
  t.write('.env', 'A=1');
  t.write('.env.local', 'B=1');
  t.write('data/seed.db', '');
  const tree = tempDir('tree');
  writeFileSync(path.join(tree, '.env.local'), 'its own');
  const links = await linkNeeded(t.repo, tree, { link: 'auto', project: t.dir });
  expect([...links].sort()).toEqual(['.env', 'node_modules/.bin', 'node_modules/pkg']);
  expect(lstatSync(path.join(tree, 'node_modules')).isDirectory()).toBe(true);
  const more = await linkNeeded(t.repo, tree, { link: ['data', '../outside', 'absent'], project: t.dir });
  expect(more).toEqual(['data/seed.db']);
  // What was put in place of a link, or beside one, stays.
  rmSync(path.join(tree, '.env'));
  writeFileSync(path.join(tree, '.env'), 'edited');
  symlinkSync('/nowhere', path.join(tree, 'data/other'));
  unlinkNeeded(t.repo.root, tree, [...links, ...more]);
  expect(readdirSync(tree).sort()).toEqual(['.env', '.env.local', 'data']);
  expect(readdirSync(path.join(tree, 'data'))).toEqual(['other']);
  expect(existsSync(path.join(t.dir, 'node_modules/pkg/index.js'))).toBe(true);
});

test('an opening that was killed half way is made anew; a folder nobody knows of is left alone', async () => {
  const t = await makeRepo({ files: { 'app/devenv.yaml': 'name: shop\n', 'app/a.txt': 'a\n' } });
  const { tag, commit } = await t.checkpoint();
  const project = await loadProject({ cwd: path.join(t.dir, 'app'), env: t.env });
  const one = await openCheckpoint(t.env, project, { name: tag });
  expect(one.root).toBe(path.join(one.tree, 'app'));
  const marker = `${one.tree}.json`;
  writeFileSync(marker, JSON.stringify({ tag, commit, tree: one.tree, making: 2 ** 30 }));
  rmSync(path.join(one.tree, 'app/a.txt'));
  const two = await openCheckpoint(t.env, project, { name: tag });
  expect(two.created).toBe(true);
  expect(existsSync(path.join(two.tree, 'app/a.txt'))).toBe(true);
  expect(listOpened(project.root, t.env).map((opened) => opened.tag)).toEqual([tag]);
  writeFileSync(marker, JSON.stringify({ tag, commit, tree: one.tree, making: process.ppid }));
  expect(listOpened(project.root, t.env)).toEqual([]);
  await expect(openCheckpoint(t.env, project, { name: tag })).rejects.toMatchObject({ code: 'refused' });
  const inside = { ...t.env, XDG_STATE_HOME: path.join(t.dir, 'state') };
  await expect(openCheckpoint(inside, project, { name: tag })).rejects.toThrow('inside of this project');
  rmSync(marker);
  mkdirSync(path.join(two.tree, 'mine'));
  await expect(openCheckpoint(t.env, project, { name: tag })).rejects.toMatchObject({ code: 'refused' });
  expect(existsSync(path.join(two.tree, 'mine'))).toBe(true);
});

test('a work tree that was removed by hand is told by the list and by doctor, and close forgets it', async () => {
  const t = await makeRepo({ files: { 'devenv.yaml': 'name: shop\n' } });
  const { tag } = await t.checkpoint();
  const env = { ...t.env, DEVENV_TMUX_SOCKET: 'devenv-test-none' };
  const ctx = testContext({ env, cwd: t.dir });
  const input = { tag, close: false, yes: false, detach: true, wait: false };
  const list = async () => open(ctx, { ...input, list: true });
  const check = async (): Promise<unknown> => {
    const { json } = await doctor(ctx);
    const { checks }: { checks: readonly { name: string }[] } = JSON.parse(JSON.stringify(json));
    return checks.filter(({ name }) => name === 'open');
  };
  expect(await check()).toEqual([]);
  const project = await loadProject({ cwd: t.dir, env });
  const { tree } = await openCheckpoint(env, project, { name: tag });
  expect((await list()).json).toMatchObject({ opened: [{ tag, gone: false }] });
  expect(await check()).toMatchObject([{ ok: true, message: `whole: ${tag}` }]);
  rmSync(path.join(tree, '.git'));
  const close = { ...input, list: false, close: true };
  await expect(open(ctx, close)).rejects.toMatchObject({ code: 'refused' });
  expect(existsSync(path.join(tree, 'devenv.yaml'))).toBe(true);
  rmSync(tree, { recursive: true });
  expect((await list()).json).toMatchObject({ opened: [{ tag, gone: true }] });
  expect((await list()).text).toContain(`gone; devenv open --close ${tag} forgets it`);
  expect(await check()).toMatchObject([{ ok: false, level: 'warning' }]);
  await open(ctx, close);
  expect((await list()).json).toEqual({ opened: [] });
  expect(await check()).toEqual([]);
});
