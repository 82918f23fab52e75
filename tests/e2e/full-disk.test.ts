import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import type { RunResult } from '../../src/base/index.ts';
import { devenv, devenvJson } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

/** What is said has the path that it is about, in a form that harms no terminal. */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const yaml = 'name: shop\nwindows:\n  api: { command: sleep 1000, kind: service }\n';

/** A file system of its own without a free byte, until the function is done. */
async function onFullDisk(ctx: TestContext, work: (disk: string) => Promise<void>): Promise<void> {
  const disk = path.join(tempDir('disk'), 'full');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0)
    ctx.skip('no right to mount here');
  try {
    spawnSync('sh', ['-c', `cat /dev/zero > '${disk}/fill' 2>/dev/null`]);
    await work(disk);
  } finally {
    spawnSync('umount', ['-l', disk]);
  }
}

describe('no space left', () => {
  it('for the state: every command names the disk, and what is said to do can be done', (ctx) =>
    onFullDisk(ctx, async (disk) => {
      const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
      const env = { ...world.env, XDG_STATE_HOME: disk };
      for (const args of [
        ['start', '--detach'],
        ['open', 'last'],
      ]) {
        await devenv(['checkpoint', '--no-verify'], { cwd, env });
        const result = await devenv(args, { cwd, env });
        expect(result.code).toBe(3);
        expect(result.stderr).toContain(`devenv: no space left on ${disk} while `);
        expect(result.stderr).toMatch(/free some space there, or set XDG_STATE_HOME/);
      }
      const night = await devenv(['nightly'], { cwd, env });
      expect(night.stderr).toContain(
        `no lock can be taken in ${disk}/devenv/locks: no space left on ${disk}`,
      );
      const { checks } = await devenvJson<{ checks: { name: string; message: string; remedy: string }[] }>(
        ['doctor'],
        { cwd, env },
      );
      const of = (name: string): unknown => checks.find((check) => check.name === name);
      expect(of('disk of the state directory')).toMatchObject({
        remedy: expect.stringMatching(`free some space on ${disk}; .*XDG_STATE_HOME`),
      });
      expect(of('database')).toMatchObject({
        message: expect.stringContaining(`${disk}/devenv/devenv.db: `),
        remedy: expect.stringContaining(`free some space on ${disk}`),
      });
    }));

  it('for the project: the file is named too', (ctx) =>
    onFullDisk(ctx, async (disk) => {
      const cwd = path.join(disk, 'shop');
      mkdirSync(cwd);
      const init = await devenv(['init'], { cwd, env: world.env });
      expect(init).toMatchObject({ code: 3 });
      expect(init.stderr).toContain(`no space left on ${disk} while writing ${cwd}/devenv.yaml`);
    }));
});

describe('a folder whose name has control characters', () => {
  const name = 'a\nb\u001B[31mc';
  const clean = (result: RunResult): string => {
    const said = result.stdout + result.stderr;
    expect(said).not.toMatch(/\u001B/);
    expect(said).not.toMatch(/a\n +b|a\nb/);
    return said;
  };

  it('is shown escaped by doctor, in errors and in remarks', async () => {
    const cwd = await makeProject(world.env, { name, files: { 'devenv.yaml': yaml } });
    const say = async (...args: string[]): Promise<string> =>
      clean(await devenv(args, { cwd, env: world.env }));
    const shown = String.raw`/a\nb\033[31mc`;
    expect(await say('doctor')).toContain(`${shown}/devenv.yaml`);
    expect(await say('init')).toContain(`${shown}/devenv.yaml exists already`);
    expect(await say('attach')).toContain(`no session is running for`);
    expect(await say('stop')).toContain(shown);
    expect(await say('status', '--cwd', '/no\nwhere')).toContain(String.raw`no such directory: /no\nwhere`);
    writeFileSync(path.join(cwd, 'devenv.yaml'), 'name: [');
    await say('status');
  });
});
