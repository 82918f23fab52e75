import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { devenv, devenvJson } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject, writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

/** The built program's watcher in a session that a real client looks at, keys pressed as a person presses them. */
describe('the question after a regression', () => {
  let inner: PrivateTmux;
  let outer: PrivateTmux;
  let root = '';
  const code = (): string => readFileSync(path.join(root, 'code.txt'), 'utf8');
  const save = (text: string): void => writeFileSync(path.join(root, 'code.txt'), text);
  const press = (key: string): Promise<string> => outer.tmux('send-keys', key);
  const screen = (): Promise<string> => outer.tmux('capture-pane', '-p');
  const shows = (text: string): Promise<boolean> =>
    until(`the screen shows: ${text}`, async () => (await screen()).includes(text));
  const status = () =>
    devenvJson<{
      checkpoint: {
        lastGood: string | null;
        why: string;
        decisions: readonly { at: string; text: string }[];
      };
    }>(['status', '-v'], { cwd: root, env: inner.env });
  const decided = (text: string) =>
    until(`it decided: ${text}`, async () => (await status()).checkpoint.why.includes(text));
  const attach = async (): Promise<void> => {
    const socket = inner.env['DEVENV_TMUX_SOCKET'] ?? '';
    await outer.tmux(
      'new-session',
      '-d',
      '-x',
      '150',
      '-y',
      '40',
      `env -u TMUX tmux -L ${socket} attach -t =shop:`,
    );
    await until('somebody is attached', async () => (await inner.tmux('list-clients')) !== '');
  };

  beforeAll(async () => {
    inner = privateTmux();
    outer = privateTmux();
    root = await makeProject(inner.env, { files: { 'code.txt': 'good\n' } });
    const program = `${process.execPath} ${path.resolve('bin/devenv.js')}`;
    writeFiles(
      root,
      'devenv.yaml',
      `name: shop
windows:
  shell: { command: sleep 1000 }
  watcher: { command: ${program} watch }
suites: { unit: { command: grep -q good code.txt } }
checkpoint: { every: 1s, quiet: 0s }
`,
    );
    const started = await devenv(['start', '--detach', '--no-wait'], { cwd: root, env: inner.env });
    expect(started.ok, started.stderr).toBe(true);
    await attach();
    await until('a good checkpoint', async () => (await status()).checkpoint.lastGood !== null);
  });
  afterAll(async () => {
    await devenv(['stop'], { cwd: root, env: inner.env });
    await outer.end();
    await inner.end();
  });

  it('puts the good checkpoint back when that is chosen, and says how to take it back', async () => {
    save('broken 1\n');
    await shows('Roll back to checkpoint-');
    expect(code()).toBe('broken 1\n');
    await press('r');
    await until('it is put back', () => code() === 'good\n');
    await shows('devenv undo takes this back');
    const { decisions } = (await status()).checkpoint;
    expect(decisions.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^answered: rolled back to checkpoint-\S+; devenv undo takes this back$/),
    );
  });

  it('nobody answers: nothing happens; a second failure takes the place of the first question', async () => {
    save('broken 2\n');
    await shows('Roll back to checkpoint-');
    await decided('asked');
    const asked = await inner.tmux('show-options', '-qv', '-t', '=shop:', '@devenv_menu');
    expect(asked).not.toBe('');
    save('broken 3\n');
    await until(
      'another question',
      async () =>
        ![asked, ''].includes(await inner.tmux('show-options', '-qv', '-t', '=shop:', '@devenv_menu')),
    );
    await shows('Roll back to checkpoint-');
    expect(code()).toBe('broken 3\n');
    await press('k');
    await until('it is closed', async () => !(await screen()).includes('Roll back to'));
    expect(code()).toBe('broken 3\n');
  });

  it('what somebody types is no answer: the menu waits for a pause', async () => {
    const typing = new AbortController();
    const typed = (async () => {
      while (!typing.signal.aborted) await press('r');
    })();
    try {
      save('broken while typing\n');
      await decided('asked');
      for (let n = 0; n < 5; n++) {
        await press('r');
        expect(await screen()).not.toContain('Roll back to');
      }
    } finally {
      typing.abort();
      await typed;
    }
    await shows('Roll back to checkpoint-');
    expect(code()).toBe('broken while typing\n');
  });

  it('the menu goes when its question does: the tests pass again', async () => {
    save('good once more\n');
    await decided('tagged');
    await until('it is closed', async () => !(await screen()).includes('Roll back to'));
  });

  it('a menu of the user stays, and when it is closed ours does not jump in its place', async () => {
    const own = (await inner.tmux('list-clients', '-F', '#{client_name}')).trim();
    const menu = inner.tmux('display-menu', '-c', own, '-T', 'own menu', 'one', 'o', 'true');
    await shows('own menu');
    save('broken behind a menu\n');
    await decided('asked');
    await shows('devenv rollback puts the last good state back');
    expect(await screen()).toContain('own menu');
    await press('q');
    await menu;
    await until('it is closed', async () => !(await screen()).includes('own menu'));
    // Whatever tmux had still to do for that client is done before this.
    await inner.tmux('display-message', '-c', own, 'after the menu');
    await shows('after the menu');
    expect(await screen()).not.toContain('Roll back to');
    expect(code()).toBe('broken behind a menu\n');
    save('good behind a menu\n');
    await decided('tagged');
  });

  it('an answer after the files changed is refused, with a word', async () => {
    save('broken 4\n');
    await shows('Roll back to checkpoint-');
    await inner.tmux('send-keys', '-t', '=shop:watcher', 'p');
    await decided('paused');
    save('broken 4, but precious\n');
    await press('r');
    await shows('code.txt changed since this was asked; nothing was put back');
    expect(code()).toBe('broken 4, but precious\n');
    await inner.tmux('send-keys', '-t', '=shop:watcher', 'p');
    save('good again\n');
    await decided('tagged');
  });

  it('the client goes while the menu is open: the files stay; what fails next, unattended, is reset', async () => {
    save('broken 5\n');
    await shows('Roll back to checkpoint-');
    await inner.tmux('detach-client', '-s', '=shop');
    await until('nobody is attached', async () => (await inner.tmux('list-clients')) === '');
    expect(code()).toBe('broken 5\n');
    const from = Date.now();
    save('broken 6\n');
    await until('the reset', () => code() === 'good again\n');
    // Not the newest one: the next look has something newer to tell of a tree that is good again.
    await until('its decision', async () =>
      (await status()).checkpoint.decisions.some(
        ({ at, text }) => Date.parse(at) >= from && text.includes('reset to checkpoint-'),
      ),
    );
  });
});
