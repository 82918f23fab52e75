import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hasMark, listProcesses } from '../../../src/base/index.ts';
import type { Box } from '../../support/box.ts';
import { tempDir } from '../../support/temp.ts';
import { atHome, bareBox, dataOf, giveNode, installed, listData } from './kit.ts';

const has = (program: string): boolean => spawnSync('/bin/sh', ['-c', `command -v ${program}`]).status === 0;

/** As a login shell gets the command, with a rc file that is full of noise and sets a PATH. */
const logins = [
  {
    shell: 'dash',
    rc: '.profile',
    run: `dash -c 'echo MOTD; echo "NOISE END" >&2; eval "$SSH_ORIGINAL_COMMAND"'`,
  },
  { shell: 'bash', rc: '.bash_profile', run: `bash -c 'echo MOTD; eval "$SSH_ORIGINAL_COMMAND"'` },
  { shell: 'zsh', rc: '.zshrc', run: `zsh -c 'echo MOTD; eval "$SSH_ORIGINAL_COMMAND"'` },
  { shell: 'fish', rc: '.config/fish/config.fish', run: `fish -c 'echo MOTD; eval $SSH_ORIGINAL_COMMAND'` },
  { shell: 'tcsh', rc: '.tcshrc', run: `tcsh -c 'echo MOTD; eval "$SSH_ORIGINAL_COMMAND:q"'` },
] as const;

const setsPath: Readonly<Record<string, (dir: string) => string>> = {
  fish: (dir) => `set -gx PATH "${dir}" $PATH`,
  tcsh: (dir) => `setenv PATH "${dir}:$PATH"`,
};

let box: Box;
afterEach(() => box.end());

describe.each(logins)('a login with $shell', ({ shell, rc, run }) => {
  it.skipIf(!has(shell) && !process.env['CI'])(
    'is as good as any: a noisy rc file disturbs nothing, its PATH is used',
    async () => {
      box = await bareBox({ forceCommand: run, vars: { SHELL: `/usr/bin/${shell}` } });
      const tools = path.join(box.home, 'my tools');
      const node = giveNode(tools);
      const file = path.join(box.home, rc);
      mkdirSync(path.dirname(file), { recursive: true });
      const set = setsPath[shell]?.(tools) ?? `PATH="${tools}:$PATH"; export PATH`;
      writeFileSync(file, `echo "os=BeOS"\necho "result=installed"\necho "free_kb=1"\n${set}\n`);
      const result = await atHome(box, ['doctor', '--json', '--host', box.host]);
      expect(JSON.parse(result.stdout), result.stderr).toHaveProperty('checks');
      expect(listData(box)).toEqual(installed);
      expect(readFileSync(path.join(dataOf(box), 'path'), 'utf8').split(':')[0]).toBe(tools);
      expect(readFileSync(path.join(dataOf(box), installed[0] ?? '', '.ok'), 'utf8')).toBe(`${node}\n`);
    },
    60_000,
  );
});

it('a login shell that hangs when it is interactive is asked otherwise, and ended', async () => {
  const shell = path.join(tempDir(), 'hanging');
  writeFileSync(shell, '#!/bin/sh\n[ "$1" != -lic ] || exec sleep 987\nshift\nexec /bin/sh -c "$@"\n', {
    mode: 0o755,
  });
  box = await bareBox({ node: true, vars: { SHELL: shell } });
  const result = await atHome(box, ['host', 'check', box.host, '--json']);
  const { checks }: { checks: readonly { name: string; ok: boolean }[] } = JSON.parse(result.stdout);
  expect(checks.find(({ name }) => name === 'login shell')).toMatchObject({ ok: true });
  const left = (await listProcesses()).filter((p) => p.command === 'sleep 987');
  expect(left.filter(({ pid }) => hasMark(pid, `DEVENV_TEST_ID=${box.env['DEVENV_TEST_ID']}`))).toEqual([]);
}, 60_000);
