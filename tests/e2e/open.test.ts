import { existsSync, lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePort } from '../../src/ports/index.ts';
import { devenv, devenvJson } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { git, makeProject, writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

interface Status {
  readonly running: boolean;
  readonly session: string;
  readonly root: string;
  readonly windows: readonly { name: string; state: string; port: number | null }[];
}
interface OpenJson {
  readonly tag: string;
  readonly path: string;
  readonly session: string;
  readonly opened: boolean;
}

const server = `
const { answer } = require('answer');
require('http').createServer((q, r) => r.end(JSON.stringify({ answer, version: VERSION, api: process.env.API_URL, secret: process.env.SECRET ?? null })))
  .listen(process.env.PORT, '127.0.0.1');
`;

const config = (port: number): string => `name: shop
env_file: .env
env: { API_URL: "http://localhost:${port}/api" }
windows:
  api:
    command: node server.js
    port: ${port}
    ready: http://127.0.0.1:${port}/
  shell: {}
  idle: { command: "sleep 600 # ${port}" }
`;

describe('a checkpoint open beside the live session', () => {
  let tmux: PrivateTmux;
  let cwd: string;
  let port: number;
  let tag: string;
  const cli = (...args: string[]) => devenv(args, { cwd, env: tmux.env });
  const json = <T>(...args: string[]): Promise<T> => devenvJson<T>(args, { cwd, env: tmux.env });
  const ask = async (at: number): Promise<Record<string, unknown>> =>
    (await (await fetch(`http://127.0.0.1:${at}/`)).json()) as Record<string, unknown>;

  beforeAll(async () => {
    tmux = privateTmux();
    port = (await findFreePort(41_000)) ?? 0;
    cwd = await makeProject(tmux.env, {
      files: {
        'devenv.yaml': config(port),
        'server.js': `const VERSION = 1;${server}`,
        '.gitignore': 'node_modules/\n.env\n*.log\n',
        'node_modules/answer/index.js': 'exports.answer = 42;',
        '.env': 'SECRET=only-here\n',
      },
    });
    tag = (await json<{ tag: string }>('checkpoint', '--no-verify', '-m', 'version 1')).tag;
    writeFiles(cwd, 'server.js', `const VERSION = 2;${server}`);
    expect((await cli('start', '--detach')).code).toBe(0);
  }, 60_000);
  afterAll(async () => tmux.end());

  test(
    'has its own work tree, session and ports; the live one goes on as it was',
    { timeout: 60_000 },
    async () => {
      const before = await git(cwd, tmux.env, 'status', '--porcelain=v2', '--branch', '-uall');
      const opened = await json<OpenJson>('open', tag, '--detach');
      expect(opened).toMatchObject({ tag, opened: true, session: `shop-${tag}` });
      expect(opened.path.startsWith(cwd)).toBe(false);
      const [all] = [await json<{ sessions: Status[] }>('status', '--all')];
      const other = all.sessions.find(({ root }) => root === opened.path);
      const api = other?.windows.find(({ name }) => name === 'api');
      expect(api).toMatchObject({ state: 'ready' });
      expect(api?.port).not.toBe(port);
      expect(await ask(port)).toMatchObject({ version: 2, api: `http://localhost:${port}/api` });
      expect(await ask(api?.port ?? 0)).toEqual({
        version: 1,
        answer: 42,
        secret: 'only-here',
        api: `http://localhost:${api?.port}/api`,
      });
      expect(await git(cwd, tmux.env, 'status', '--porcelain=v2', '--branch', '-uall')).toBe(before);
      expect(await git(opened.path, tmux.env, 'status', '--porcelain', '-uall')).toBe('');
      // What is installed there does not get into the live project.
      expect(lstatSync(path.join(opened.path, 'node_modules')).isSymbolicLink()).toBe(false);
    },
  );

  test('opening it again finds it; the list and restart know its ports', { timeout: 60_000 }, async () => {
    const note = `idle: its command names port ${port}`;
    expect((await cli('open', tag, '--detach')).stderr).toContain(note);
    const again = await json<OpenJson & { created: boolean }>('open', tag, '--detach');
    expect(again).toMatchObject({ opened: false, created: false });
    const list = async () =>
      (
        await json<{ opened: { tag: string; running: boolean; ports: Record<string, number> }[] }>(
          'open',
          '--list',
        )
      ).opened;
    const [first] = await list();
    expect(first).toMatchObject({ tag, running: true });
    expect((await devenv(['restart', 'api'], { cwd: again.path, env: tmux.env })).code).toBe(0);
    expect((await list())[0]?.ports).toEqual(first?.ports);
    await until('the restarted service', async () => (await ask(first?.ports['api'] ?? 0))['version'] === 1);
    // Also from within the opened work tree.
    expect(
      (await devenvJson<{ opened: unknown[] }>(['open', '--list'], { cwd: again.path, env: tmux.env }))
        .opened,
    ).toHaveLength(1);
  });

  test(
    'closing it refuses to lose ignored files, then keeps what was changed',
    { timeout: 60_000 },
    async () => {
      const { path: there } = await json<OpenJson>('open', tag, '--detach', '--no-wait');
      writeFiles(there, 'server.js', 'changed there');
      writeFiles(there, 'new.txt', 'new there');
      writeFiles(there, 'notes.log', 'ignored');
      const refused = await cli('open', '--close', tag);
      expect(refused.code).toBe(5);
      expect(refused.stderr).toMatch(/notes\.log[\s\S]*--yes/);
      expect((await json<{ opened: { running: boolean }[] }>('open', '--list')).opened[0]?.running).toBe(
        true,
      );
      const closed = await json<{ kept: string; dropped: string[] }>('open', '--close', tag, '--yes');
      expect(closed.dropped).toEqual(['notes.log']);
      expect(await git(cwd, tmux.env, 'show', `${closed.kept}:new.txt`)).toBe('new there');
      expect(await git(cwd, tmux.env, 'diff', '--name-only', tag, closed.kept)).toBe('new.txt\nserver.js');
      expect(existsSync(there)).toBe(false);
      expect(await git(cwd, tmux.env, 'worktree', 'list', '--porcelain')).not.toContain(tag);
      expect(
        await git(cwd, tmux.env, 'for-each-ref', 'refs/devenv/looked', 'refs/devenv/tested'),
      ).not.toContain(tag);
      expect(readFileSync(path.join(cwd, 'node_modules/answer/index.js'), 'utf8')).toContain('42');
      expect(readFileSync(path.join(cwd, '.env'), 'utf8')).toContain('only-here');
      const { sessions } = await json<{ sessions: Status[] }>('status', '--all');
      expect(sessions.map(({ session }) => session)).toEqual(['shop']);
      expect(await ask(port)).toMatchObject({ version: 2 });
      expect((await json<{ opened: unknown[] }>('open', '--list')).opened).toEqual([]);
    },
  );

  test(
    'closed without a change it keeps nothing; what is not open or not there is said',
    { timeout: 60_000 },
    async () => {
      await json('open', tag, '--detach', '--no-wait');
      const tags = await git(cwd, tmux.env, 'for-each-ref', 'refs/devenv/checkpoints');
      expect(await json('open', '--close', tag)).toMatchObject({ tag, kept: null, dropped: [] });
      expect(await git(cwd, tmux.env, 'for-each-ref', 'refs/devenv/checkpoints')).toBe(tags);
      expect((await cli('open', '--close', tag)).code).toBe(4);
      expect((await cli('open', 'checkpoint-19990101')).code).toBe(4);
      expect((await cli('open')).code).toBe(2);
    },
  );

  test('it is closed by the name it was opened by', { timeout: 60_000 }, async () => {
    for (const name of ['last', '-1']) {
      const { tag: newest } = await json<OpenJson>('open', name, '--detach', '--no-wait');
      expect(await json('open', '--close', name)).toMatchObject({ tag: newest, kept: null });
    }
    const refused = await cli('open', '--close', 'last');
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/last \(checkpoint-\S+\) is not open/);
  });

  test('commits made there are kept too', { timeout: 60_000 }, async () => {
    const { path: there } = await json<OpenJson>('open', tag, '--detach', '--no-wait');
    writeFiles(there, 'server.js', 'committed there');
    await git(there, tmux.env, 'commit', '-qam', 'Mine');
    const mine = await git(there, tmux.env, 'rev-parse', 'HEAD');
    const { kept } = await json<{ kept: string }>('open', '--close', tag);
    expect(await git(cwd, tmux.env, 'merge-base', '--is-ancestor', mine, kept)).toBe('');
  });
});
