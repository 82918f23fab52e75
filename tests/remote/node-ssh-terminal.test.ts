import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import ssh2, { type AuthContext } from 'ssh2';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { packageRoot, run } from '../../src/base/index.ts';
import { createEscape } from '../../src/remote/node-ssh-attach.ts';
import type { Box } from '../support/box.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { tempDir } from '../support/temp.ts';
import { createTransports } from '../support/transports.ts';
import { until } from '../support/until.ts';

const { newBox, end } = createTransports();
const panes: PrivateTmux[] = [];
afterEach(async () => {
  for (const pane of panes.splice(0)) await pane.end();
});
afterAll(end);

interface Pane {
  readonly text: () => Promise<string>;
  readonly shows: (what: string | RegExp) => Promise<string>;
  readonly type: (...keys: string[]) => Promise<string>;
  readonly tmux: PrivateTmux['tmux'];
}

/** A pane with a shell, in which the program is started. */
async function start(
  env: NodeJS.ProcessEnv,
  what: 'run' | 'attach',
  host: string,
  script: string,
): Promise<Pane> {
  const { DEVENV_SSH_CONFIG: config = '', DEVENV_TEST_ID: _, ...rest } = env;
  const pane = privateTmux({ ...rest, DEVENV_SSH_CONFIG: config, PS1: 'prompt> ' });
  panes.push(pane);
  await pane.tmux('-f', '/dev/null', 'new-session', '-d', '-x', '90', '-y', '30', 'sh');
  const program = path.join(packageRoot(), 'tests/remote/fixtures/client.ts');
  const file = path.join(tempDir('script'), 'go');
  writeFileSync(file, `exec ${process.execPath} ${program} ${what} ${host} '${script}'\n`);
  const text = async (): Promise<string> => pane.tmux('capture-pane', '-p', '-J', '-S', '-100');
  await until('the shell is there', async () => (await text()).includes('prompt>'));
  await pane.tmux('send-keys', `sh ${file}`, 'Enter');
  return {
    text,
    shows: (wanted) =>
      until(`the pane shows ${String(wanted)}`, async () => {
        const shown = await text();
        if (typeof wanted === 'string' ? shown.includes(wanted) : wanted.test(shown)) return shown;
        throw new Error(shown);
      }),
    type: (...keys) => pane.tmux('send-keys', ...keys),
    tmux: pane.tmux,
  };
}

/** The terminal echoes and reads lines, as a shell's user expects it. */
async function expectSane(pane: Pane): Promise<void> {
  await pane.type('clear; stty -a; echo checked', 'Enter');
  const shown = await pane.shows(/^checked/m);
  expect(shown).toMatch(/[^-]icanon/);
  expect(shown).toMatch(/[^-]echo /);
}

describe('questions at the terminal', () => {
  const fingerprint = async (box: Box): Promise<string> =>
    (await run(['ssh-keygen', '-l', '-f', `${box.dir}/host.pub`])).stdout.split(' ')[1] ?? '';

  it('an unknown host key is shown, believed on yes, and written', async () => {
    const box = await newBox();
    writeFileSync(path.join(box.dir, 'known_hosts'), '');
    const pane = await start(box.env, 'run', box.host, 'echo hello');
    await pane.shows('Is that the right one?');
    expect(await pane.text()).toContain(await fingerprint(box));
    await pane.type('yes', 'Enter');
    await pane.shows('run ended: 0 hello');
    expect(readFileSync(path.join(box.dir, 'known_hosts'), 'utf8')).toContain(box.host);
    await expectSane(pane);
  });

  it('an unknown host key is believed when its fingerprint is typed', async () => {
    const box = await newBox();
    writeFileSync(path.join(box.dir, 'known_hosts'), '');
    const pane = await start(box.env, 'run', box.host, 'echo hello');
    await pane.shows('Is that the right one?');
    await pane.type(await fingerprint(box), 'Enter');
    await pane.shows('run ended: 0 hello');
  });

  it.each([
    ['no', ['no', 'Enter'], 'hostkey-unknown'],
    ['another fingerprint', ['SHA256:x', 'Enter'], 'hostkey-unknown'],
    ['nothing', ['Enter'], 'hostkey-unknown'],
    ['Ctrl-D', ['C-d'], 'hostkey-unknown'],
    ['Ctrl-C', ['C-c'], 'interrupted'],
  ])('an unknown host key is refused on %s', async (_, keys, code) => {
    const box = await newBox();
    writeFileSync(path.join(box.dir, 'known_hosts'), '');
    const pane = await start(box.env, 'run', box.host, 'echo hello');
    await pane.shows('Is that the right one?');
    await pane.type(...keys);
    await pane.shows(`${code}: `);
    expect(readFileSync(path.join(box.dir, 'known_hosts'), 'utf8')).toBe('');
    expect(box.log()).not.toMatch(/Accepted|Failed/);
    await expectSane(pane);
  });

  it('a pass phrase is asked for, not shown, and may be mistyped', async () => {
    const box = await newBox();
    await run(['ssh-keygen', '-p', '-q', '-P', '', '-N', 'open sesame', '-f', `${box.dir}/id`]);
    const pane = await start(box.env, 'run', box.host, 'echo hello');
    await pane.shows(/Pass phrase of .*id:/);
    await pane.type('wrong', 'Enter');
    await pane.shows(/(?:Pass phrase of [^:]*id:\s*){2}/);
    await pane.type('open sesame', 'Enter');
    const shown = await pane.shows('run ended: 0 hello');
    expect(shown).not.toMatch(/sesame|wrong/);
    await expectSane(pane);
  });
});

describe('a server that asks', () => {
  const servers: ssh2.Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** ssh2's own server: OpenSSH's would ask the accounts of this machine. */
  async function serve(judge: (context: AuthContext) => void): Promise<NodeJS.ProcessEnv> {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    const server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
      client.on('authentication', judge);
      client.on('error', () => {});
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          const channel = acceptExec();
          const answer = async (): Promise<void> => {
            const ended = await run(['sh', '-c', command]);
            channel.write(ended.stdout);
            channel.stderr.write(ended.stderr);
            channel.exit(ended.code ?? 1);
            channel.end();
          };
          void answer();
        });
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const dir = tempDir('asking');
    const file = path.join(dir, 'config');
    writeFileSync(
      file,
      [
        'Host asking',
        'HostName 127.0.0.1',
        `Port ${(server.address() as AddressInfo).port}`,
        'User someone',
        'StrictHostKeyChecking accept-new',
        `UserKnownHostsFile ${dir}/known_hosts`,
        'IdentityFile none',
        'IdentityAgent none',
        '',
      ].join('\n'),
    );
    return { DEVENV_SSH_CONFIG: file, PATH: process.env['PATH'] };
  }

  it('for a code beside a password: both are asked for', async () => {
    const env = await serve((context) => {
      if (context.method === 'keyboard-interactive')
        context.prompt(
          [
            { prompt: 'Code: ', echo: true },
            { prompt: 'Secret: ', echo: false },
          ],
          (answers) =>
            answers.join() === '123456,hush' ? context.accept() : context.reject(['keyboard-interactive']),
        );
      else context.reject(['keyboard-interactive']);
    });
    const pane = await start(env, 'run', 'asking', 'echo hello');
    await pane.shows('Code:');
    await pane.type('123456', 'Enter');
    await pane.shows('Secret:');
    await pane.type('hush', 'Enter');
    const shown = await pane.shows('run ended: 0 hello');
    expect(shown).toContain('Code: 123456');
    expect(shown).not.toContain('hush');
  });

  it('for a password: it is asked for again when it is wrong, three times at most', async () => {
    const env = await serve((context) => {
      if (context.method === 'password' && context.password === 'correct') context.accept();
      else context.reject(['password']);
    });
    const pane = await start(env, 'run', 'asking', 'echo hello');
    for (const [index, word] of ['wrong', 'correct'].entries()) {
      await pane.shows(new RegExp(`(?:Password of someone@127.0.0.1:\\s*){${index + 1}}`));
      await pane.type(word, 'Enter');
    }
    await pane.shows('run ended: 0 hello');
    const again = await start(env, 'run', 'asking', 'echo hello');
    for (const index of [1, 2, 3]) {
      await again.shows(new RegExp(`(?:Password of someone@127.0.0.1:\\s*){${index}}`));
      await again.type('wrong', 'Enter');
    }
    await again.shows('auth: asking: not let in (it takes password)');
    await expectSane(again);
  });
});

describe('a terminal of the box', () => {
  it('shows what runs there, takes its keys and its size, and gives back its status', async () => {
    const box = await newBox();
    const pane = await start(
      box.env,
      'attach',
      box.host,
      'tty >/dev/null && echo "$WORD, $TERM"; trap "stty size" WINCH; while :; do read -r word && break; done; echo "got $word"; exit 7',
    );
    await pane.shows(/^from home, (?:screen|tmux)/m);
    expect(await pane.text()).not.toMatch(/BEGIN|END/);
    await pane.tmux('resize-window', '-x', '70', '-y', '20');
    await pane.shows(/^20 70/m);
    await pane.type('Hi', 'Enter');
    await pane.shows('got Hi');
    await pane.shows('attach ended: 7');
    await expectSane(pane);
  });

  it('hands Ctrl-C to what runs there', async () => {
    const box = await newBox();
    const pane = await start(
      box.env,
      'attach',
      box.host,
      'trap "echo caught; exit 3" INT; echo ready; while :; do sleep 0.1; done',
    );
    await pane.shows('ready');
    await pane.type('C-c');
    await pane.shows('caught');
    await pane.shows('attach ended: 3');
  });

  it('is over when the link breaks, and the screen is as before', async () => {
    const box = await newBox();
    const pane = await start(
      box.env,
      'attach',
      box.host,
      'printf "\\033[?1049h\\033[?25l\\033[?1000h"; echo inside; sleep 60',
    );
    await pane.shows('inside');
    box.proxy?.cut('rst');
    await pane.shows('attach ended: undefined');
    expect(await pane.tmux('display', '-p', '#{alternate_on} #{cursor_flag} #{mouse_any_flag}')).toBe(
      '0 1 0',
    );
    await expectSane(pane);
  });

  it('is left by ~. when the link is frozen', async () => {
    const box = await newBox();
    const pane = await start(box.env, 'attach', box.host, 'echo inside; sleep 60');
    await pane.shows('inside');
    box.proxy?.freeze();
    await pane.type('Enter', '~', '.');
    await pane.shows('attach ended: undefined');
    await expectSane(pane);
  });

  it.each([
    [['~.'], true],
    [['~', '.'], true],
    [['abc\r', '~', '.'], true],
    [['a~.'], false],
    [['~a.'], false],
    [['~~.'], false],
    [['ab\r~', '\r', '.'], false],
  ])('keys %j ask to leave: %s', (keys, leaves) => {
    const asks = createEscape();
    expect(keys.some((key) => asks(Buffer.from(key)))).toBe(leaves);
  });
});
