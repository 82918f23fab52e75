import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/base/index.ts';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { git, makeProject, writeFiles } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

/** The list and the differences on a real terminal, where the user's pager, colours and difftool are used. */
describe('on a terminal', () => {
  let tmux: PrivateTmux;
  let cwd: string;
  let out: string;
  const program = path.join(packageRoot(), 'bin/devenv.js');

  /** Runs a command in a terminal of 80x10 and waits until it is over; gives its exit status. */
  async function onTerminal(command: string, env: Record<string, string> = {}): Promise<number> {
    const done = path.join(tempDir('done'), 'status');
    const vars = Object.entries({
      HOME: tmux.env['HOME'] ?? '',
      XDG_STATE_HOME: tmux.env['XDG_STATE_HOME'] ?? '',
      ...env,
    });
    const line = `cd ${cwd}; "${process.execPath}" ${program} ${command}; echo $? > ${done}.new; mv ${done}.new ${done}`;
    await tmux.tmux(
      'new-session',
      '-d',
      '-x',
      '80',
      '-y',
      '10',
      ...vars.flatMap(([k, v]) => ['-e', `${k}=${v}`]),
      line,
    );
    return Number(
      await until(`the end of ${command}`, () => existsSync(done) && readFileSync(done, 'utf8').trim()),
    );
  }

  /** A pager that says what it was given. */
  function pager(name: string): string {
    const file = path.join(out, name);
    writeFileSync(file, `#!/bin/sh\ncat > ${out}/${name}.out\necho "$LESS" > ${out}/${name}.less\n`);
    chmodSync(file, 0o755);
    return file;
  }
  const shown = (name: string): string | undefined =>
    existsSync(path.join(out, `${name}.out`))
      ? readFileSync(path.join(out, `${name}.out`), 'utf8')
      : undefined;

  beforeAll(async () => {
    tmux = privateTmux();
    out = tempDir('out');
    cwd = await makeProject(tmux.env, { files: { 'a.txt': 'a\n' } });
    for (let i = 0; i < 12; i++) {
      writeFiles(cwd, 'a.txt', `${i}\n`);
      expect((await devenv(['checkpoint', '--no-verify'], { cwd, env: tmux.env })).code).toBe(0);
    }
    writeFiles(cwd, 'untracked.txt', 'not tracked\n');
    // The server, so that it is there before the first test.
    await tmux.tmux('new-session', '-d', 'sleep 600');
  }, 120_000);
  afterAll(async () => tmux.end());

  test(
    'a list longer than the screen goes to the pager, a short one does not',
    { timeout: 60_000 },
    async () => {
      expect(await onTerminal('checkpoints', { GIT_PAGER: pager('list'), PAGER: '/bin/false' })).toBe(0);
      expect(shown('list')?.match(/checkpoint-/g)).toHaveLength(12);
      expect(readFileSync(path.join(out, 'list.less'), 'utf8')).toBe('FRX\n');
      expect(await onTerminal('checkpoints -n 3', { GIT_PAGER: pager('short') })).toBe(0);
      expect(shown('short')).toBeUndefined();
      await git(cwd, tmux.env, 'config', 'core.pager', pager('configured'));
      expect(await onTerminal('checkpoints', { PAGER: '/bin/false' })).toBe(0);
      expect(shown('configured')).toContain('checkpoint-');
      expect(await onTerminal('checkpoints', { GIT_PAGER: '/no/such/pager' })).toBe(0);
      await git(cwd, tmux.env, 'config', '--unset', 'core.pager');
    },
  );

  test('a difference goes to the pager in colours, with new files in it', { timeout: 60_000 }, async () => {
    expect(await onTerminal('diff -1', { GIT_PAGER: pager('diff') })).toBe(0);
    expect(shown('diff')).toContain('\u001B[32m+\u001B[m\u001B[32mnot tracked');
    expect(await onTerminal('diff -1', { GIT_PAGER: pager('plain'), NO_COLOR: '1' })).toBe(0);
    expect(shown('plain')).toContain('\n+not tracked');
  });

  test('--tool opens the difftool of the user', { timeout: 60_000 }, async () => {
    const tool = path.join(out, 'tool');
    writeFileSync(tool, `#!/bin/sh\ncat "$2" >> ${out}/tool.out\n`);
    chmodSync(tool, 0o755);
    await git(cwd, tmux.env, 'config', 'diff.tool', 'mine');
    await git(cwd, tmux.env, 'config', 'difftool.mine.cmd', `${tool} "$LOCAL" "$REMOTE"`);
    expect(await onTerminal('diff -1 --tool')).toBe(0);
    expect(shown('tool')).toBe('not tracked\n');
  });

  test('piped there is no pager and no colour', async () => {
    const env = { ...tmux.env, GIT_PAGER: pager('piped'), PAGER: pager('piped') };
    const list = await devenv(['checkpoints'], { cwd, env });
    const diff = await devenv(['diff', '-1', '--', 'untracked.txt'], { cwd, env });
    expect(list.stdout.split('\n')).toHaveLength(14);
    expect(diff.stdout).toContain('\n+not tracked');
    expect(`${list.stdout}${diff.stdout}`).not.toContain('\u001B');
    expect(shown('piped')).toBeUndefined();
  });
});
