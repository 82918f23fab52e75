import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Box } from '../../support/box.ts';
import { tempDir } from '../../support/temp.ts';
import { atHome, bareBox, dataOf, listData } from './kit.ts';

let box: Box;
afterEach(() => box.end());

const remove = (...more: string[]): ReturnType<typeof atHome> =>
  atHome(box, ['host', 'remove', box.host, ...more]);
const stateOf = (of: Box): string => path.join(of.home, '.local/state/devenv');

/** A crontab of the box's own, in a file. */
function fakeCrontab(of: Box, text: string): string {
  const file = path.join(of.dir, 'crontab');
  writeFileSync(file, text);
  const program = path.join(of.dir, 'bin/crontab');
  rmSync(program, { force: true });
  const script = `#!/bin/sh\ncase $1 in -l) cat "${file}" ;; -) cat >"${file}.new" && mv "${file}.new" "${file}" ;; *) exit 2 ;; esac\n`;
  writeFileSync(program, script, { mode: 0o755 });
  return file;
}

it('a session that runs there is not pulled the ground from under; --yes ends it first', async () => {
  box = await bareBox({ node: true, without: ['node', 'nodejs', 'npm', 'npx'] });
  const cwd = tempDir('project');
  const there = path.join(box.home, path.basename(cwd));
  mkdirSync(there);
  writeFileSync(path.join(there, 'devenv.yaml'), 'name: shop\nwindows: { api: { command: sleep 1000 } }\n');
  const started = await atHome(box, ['start', '--detach', '--no-wait', '--host', box.host], { cwd });
  expect(started.code, started.stderr).toBe(0);
  const refused = await remove();
  expect(refused.code).toBe(5);
  expect(refused.stderr).toBe(
    `devenv: ${box.host}: a session of devenv runs there: shop\n  devenv stop --host ${box.host} ends it; or --yes, which ends it\n`,
  );
  expect(listData(box)).toContain('bin');
  const removed = await remove('--yes');
  expect(removed.code, removed.stderr).toBe(0);
  const left = readdirSync(box.home, { recursive: true }).map(String);
  expect(left.filter((name) => name.startsWith('.') && name.includes('devenv'))).toEqual([]);
  expect(readdirSync(there)).toEqual(['devenv.yaml']);
  expect((await box.there(['tmux', 'ls'])).ok).toBe(false);
  expect(existsSync(stateOf(box))).toBe(false);
}, 60_000);

it('nightly runs are told of, and only their lines are taken out, not those that somebody put between', async () => {
  box = await bareBox({ node: true });
  await atHome(box, ['host', 'bootstrap', box.host]);
  const between = '# of 3 /cron/x/nightly\n3 3 * * * mine --nightly\n';
  const foreign = ['# mine\n5 * * * * echo "50%"\n', '\n  @daily  backup\n'];
  const file = fakeCrontab(
    box,
    `${foreign[0]}# >>> devenv:abc (managed, v1) >>>\n17 4 * * * /s/devenv/cron/abc/nightly\n${between}\n@reboot /s/devenv/cron/abc/nightly --if-missed\n# <<< devenv:abc <<<\n${foreign[1]}`,
  );
  const before = readFileSync(file, 'utf8');
  const refused = await remove();
  expect(refused.code).toBe(5);
  expect(refused.stderr).toMatch(
    /runs there by a schedule .*\n {2}devenv cron remove --host \S+ ends that, or --yes/,
  );
  expect(readFileSync(file, 'utf8')).toBe(before);
  writeFileSync(file, before.replace('# <<< devenv:abc <<<\n', ''));
  const broken = await remove('--yes');
  expect(broken.code).toBe(3);
  expect(broken.stderr).toMatch(/not in pairs/);
  expect(listData(box)).toContain('bin');
  writeFileSync(file, before);
  const removed = await remove('--yes');
  expect(removed.code, removed.stderr).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(foreign.join(between));
}, 60_000);

it('what is not of devenv stays: an opened work tree, another devenv, files of others', async () => {
  box = await bareBox({ node: true });
  await atHome(box, ['host', 'bootstrap', box.host]);
  const tree = path.join(stateOf(box), 'open/p1/checkpoint-1');
  mkdirSync(tree, { recursive: true });
  writeFileSync(path.join(tree, '.git'), 'gitdir: elsewhere\n');
  writeFileSync(path.join(dataOf(box), 'notes.txt'), 'mine\n');
  const removed = await remove();
  expect(removed.code, removed.stderr).toBe(0);
  expect(removed.stdout).toContain(`${tree} stays there: an opened checkpoint`);
  expect(readFileSync(path.join(tree, '.git'), 'utf8')).toBe('gitdir: elsewhere\n');
  expect(listData(box)).toEqual(['notes.txt']);

  rmSync(path.join(stateOf(box), 'open'), { recursive: true });
  const job = path.join(stateOf(box), 'cron/p1');
  mkdirSync(job, { recursive: true });
  writeFileSync(path.join(job, 'nightly'), 'exec node /usr/lib/node_modules/devenv/bin/devenv.js nightly\n');
  const lines = '# >>> devenv:p1 (managed, v1) >>>\n17 4 * * * /x\n# <<< devenv:p1 <<<\n';
  const crontab = fakeCrontab(box, lines);
  const shim = path.join(stateOf(box), 'bin/0123');
  mkdirSync(shim, { recursive: true });
  writeFileSync(path.join(shim, 'devenv'), 'exec node /usr/lib/node_modules/devenv/bin/devenv.js "$@"\n');
  const again = await remove();
  expect(again.stdout).toContain(`${stateOf(box)} stays there: another devenv of yours uses it`);
  expect(existsSync(shim)).toBe(true);
  expect(readFileSync(crontab, 'utf8')).toBe(lines);
  rmSync(job, { recursive: true });
  writeFileSync(crontab, '');
  rmSync(path.join(stateOf(box), 'bin'), { recursive: true });
  expect((await remove()).stdout).toBe(`${box.host}: devenv is gone from there\n`);
  expect(existsSync(stateOf(box))).toBe(false);
}, 60_000);

it('a box that cannot be called can be forgotten', async () => {
  box = await bareBox();
  const env = box.env;
  const add = await atHome(
    box,
    ['host', 'add', 'gone', 'nobody@127.0.0.1', '--no-check', '--path', '~/x', '--keepalive', '5s'],
    { env },
  );
  expect(add.code, add.stderr).toBe(0);
  const failed = await atHome(box, ['host', 'remove', 'gone'], {
    env: { ...env, DEVENV_SSH_CONFIG: '/dev/null' },
  });
  expect(failed.code).toBe(3);
  expect(failed.stderr).toMatch(/--keep-files forgets gone without calling it\n$/);
  const forgotten = await atHome(box, ['host', 'remove', 'gone', '--keep-files'], { env });
  expect(forgotten.stdout).toBe('gone: nothing was touched there\ngone is forgotten here\n');
  expect((await atHome(box, ['host', 'list', '--json'], { env })).stdout).toBe('{"hosts":[]}\n');
});
