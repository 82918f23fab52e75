import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Box } from '../../support/box.ts';
import { tempDir } from '../../support/temp.ts';
import { atHome, bareBox, dataOf } from './kit.ts';

const mounted: string[] = [];
function mount(dir: string, options: string): boolean {
  mkdirSync(dir, { recursive: true });
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir]).status === 0;
  if (done) mounted.push(dir);
  return done;
}
const umountAll = (): void => {
  for (const dir of mounted.splice(0)) spawnSync('umount', ['-l', dir]);
};
const mayMount = mount(path.join(tempDir(), 'disk'), 'size=1m');
umountAll();

/** A program of the box that is put in place of its own. */
function fake(box: Box, name: string, script: string): void {
  const file = path.join(box.dir, 'bin', name);
  spawnSync('rm', ['-f', file]);
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

let box: Box;
afterEach(async () => {
  umountAll();
  await box.end();
});
const bootstrap = (): ReturnType<typeof atHome> => atHome(box, ['host', 'bootstrap', box.host]);

// A file system is mounted by root alone.
describe.skipIf(!mayMount)('the disk of the box', () => {
  it('takes no programs: one line with the remedy, nothing is sent', async () => {
    box = await bareBox({ node: true });
    mount(path.join(box.home, '.local/share'), 'size=64m,noexec');
    const result = await bootstrap();
    expect(result.code).toBe(3);
    expect(result.stderr).toBe(
      `devenv: ${box.host}: nothing can be executed in ${box.home}/.local/share (${box.home}/.local/share is mounted noexec)\n` +
        `  on ${box.host}: mkdir -p DIR && ln -s DIR ${dataOf(box)}, with a DIR on another disk (or set XDG_DATA_HOME for ssh sessions there)\n`,
    );
    expect(readdirSync(path.join(box.home, '.local/share'))).toEqual([]);
    // The remedy, done as it is said, helps.
    const elsewhere = tempDir('elsewhere');
    spawnSync('ln', ['-s', elsewhere, dataOf(box)]);
    const mended = await bootstrap();
    expect(mended.code, mended.stderr).toBe(0);
    const removed = await atHome(box, ['host', 'remove', box.host]);
    expect(removed.code, removed.stderr).toBe(0);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('is full: said before anything is sent', async () => {
    box = await bareBox({ node: true });
    mount(path.join(box.home, '.local'), 'size=3m');
    const result = await bootstrap();
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(
      /no space left in \S+ \(4\.2 MB needed, 3\.0 MB free on \S+\.local\); nothing was installed/,
    );
    expect(box.execs()).toBe(1);
    expect(readdirSync(path.join(box.home, '.local'))).toEqual([]);
  });

  it.each([
    ['while it comes in', 'size=200k'],
    ['while it is unpacked', 'size=900k'],
  ])('fills up %s: nothing is left', async (_, size) => {
    box = await bareBox({ node: true });
    // Somebody else takes the room after the look.
    fake(box, 'df', 'echo; echo tmpfs 9000000 0 9000000 0 /');
    mount(path.join(box.home, '.local'), size);
    const result = await bootstrap();
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/no space left in .*; nothing was installed\n {2}free some space there/);
    expect(result.stderr.split('\n')).toHaveLength(4);
    expect(readdirSync(dataOf(box)).toSorted()).toEqual(['bin', 'run', 'runtimes']);
  });

  it('has no inodes left', async () => {
    box = await bareBox({ node: true });
    mount(path.join(box.home, '.local'), 'size=64m,nr_inodes=8');
    const result = await bootstrap();
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/no inodes left: 7 free on/);
  });
});

it('a box that lacks what the look needs says so', async () => {
  box = await bareBox({ node: true });
  for (const name of ['sha256sum', 'shasum', 'openssl']) spawnSync('rm', [path.join(box.dir, 'bin', name)]);
  const result = await bootstrap();
  expect(result.code).toBe(3);
  expect(result.stderr).toMatch(/has none of sha256sum, shasum, openssl/);
});

it('an old Node alone is no Node: one is sent, and the command of the box is not used', async () => {
  box = await bareBox();
  fake(box, 'node', 'echo 20.20.2 x64 /usr/bin/node');
  const result = await atHome(box, ['host', 'check', box.host]);
  expect(result.stdout).toContain('runs with a Node that is sent along');
});

it('a Node that does not run is passed over', async () => {
  box = await bareBox();
  fake(box, 'node', 'echo "node: /lib/libc.so.6: version GLIBC_2.28 not found" >&2; exit 1');
  const result = await atHome(box, ['host', 'check', box.host]);
  expect(result.stdout).toContain('runs with a Node that is sent along');
});
