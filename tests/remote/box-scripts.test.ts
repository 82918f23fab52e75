import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { run, self, type RunResult } from '../../src/base/index.ts';
import {
  aftermathScript,
  boxScript,
  frame,
  readAftermath,
  readNeed,
  terminalScript,
  type BoxCommand,
  type ScriptRun,
} from '../../src/remote/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { unframed } from './unframed.ts';

const has = (program: string): boolean => spawnSync('/bin/sh', ['-c', `command -v ${program}`]).status === 0;
const inCi = Boolean(process.env['CI']);
const shells = [
  { name: 'dash', shell: ['dash'] },
  { name: 'bash', shell: ['bash', '--posix'] },
  { name: 'busybox', shell: ['busybox', 'sh'] },
] as const;

const target = {
  name: 'box',
  ssh: 'box',
  path: '~/the shop',
  transport: 'openssh',
  keepaliveSec: 15,
  forwardAgent: true,
} as const;
const command = (given: Partial<BoxCommand> = {}): BoxCommand => ({
  target,
  build: 'b',
  args: [],
  env: {},
  ...given,
});

/** A home with a build whose program tells what it was given. */
function homeWith(
  program = 'console.log(JSON.stringify({args: process.argv.slice(2), cwd: process.cwd()}))',
): string {
  const home = path.join(tempDir('box'), "it's a home");
  const build = path.join(home, '.local/share/devenv/b');
  mkdirSync(path.join(build, 'bin'), { recursive: true });
  mkdirSync(path.join(home, 'the shop'));
  writeFileSync(path.join(build, 'bin/devenv.js'), program);
  writeFileSync(path.join(build, '.ok'), `${self.execPath}\n`);
  return home;
}

const textOf = ({ script, vars }: Pick<ScriptRun, 'script' | 'vars'>): string =>
  unframed(frame(script, vars).command);

const envOf = (home: string): NodeJS.ProcessEnv => ({
  HOME: home,
  PATH: process.env['PATH'],
  LANG: 'C.UTF-8',
});

/** Runs a script as sshd does, without the marks around its output. */
async function inShell(
  shell: readonly string[],
  home: string,
  script: Pick<ScriptRun, 'script' | 'vars'>,
): Promise<RunResult> {
  const result = await run([...shell, '-c', textOf(script)], { cwd: '/', env: envOf(home), input: '' });
  const own = /BEGIN\n(.*)devenv-\w+ END \d+\n$/s.exec(result.stdout)?.[1] ?? '';
  return { ...result, stdout: own };
}

describe.skipIf(!has('shellcheck') && !inCi)('shellcheck has nothing to say of', () => {
  it.each([
    ['a command', boxScript(command({ args: ['a b', "it's"], env: { COLUMNS: '80' } }))],
    ['a command on a terminal', terminalScript(command())],
    ['the question what became of it', aftermathScript('r')],
  ])('%s', async (_, { script, vars }) => {
    const file = path.join(tempDir(), 'script.sh');
    const given = Object.keys({ ...vars, devenv_umask: '' }).map((name) => `${name}=$(cat ${name})\n`);
    writeFileSync(file, `#!/bin/sh\n${given.join('')}${script}\n`);
    const result = await run(['shellcheck', '-s', 'sh', '-S', 'style', '-e', 'SC2034', file]);
    expect(result.stdout + result.stderr).toBe('');
  });
});

describe.each(shells)('under $name', ({ name, shell }) => {
  const skip = !has(name) && !inCi;

  it.skipIf(skip)('arguments of any characters arrive, in the folder of the project', async () => {
    const home = homeWith();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary', maxLength: 30 }), { maxLength: 4 }),
        async (words) => {
          const args = words.map((word) => Buffer.from(word.replaceAll('\0', '')).toString());
          const result = await inShell(shell, home, boxScript(command({ args })));
          expect(JSON.parse(result.stdout)).toEqual({ args, cwd: path.join(home, 'the shop') });
        },
      ),
      { numRuns: 8 },
    );
  });

  it.skipIf(skip)('its status is the status of the command', async () => {
    const home = homeWith("console.log('said'); process.exit(7)");
    expect((await inShell(shell, home, boxScript(command({ record: 'r' })))).code).toBe(7);
    const asked = await inShell(shell, home, aftermathScript('r'));
    expect(readAftermath(Buffer.from(asked.stdout))).toEqual({
      kind: 'ended',
      code: 7,
      output: Buffer.from('said\n'),
    });
  });

  it.skipIf(skip)('it says what is missing before it begins', async () => {
    const home = homeWith();
    const needOf = async (given: Partial<BoxCommand>): Promise<unknown> => {
      const result = await inShell(shell, home, boxScript(command({ ...given, record: 'n' })));
      return readNeed(result.code ?? 0, result.stdout);
    };
    expect(await needOf({ build: 'other' })).toBe('install');
    expect(await needOf({ target: { ...target, path: '~/nowhere' } })).toBe('project');
    expect(await needOf({ target: { ...target, path: '~/nowhere' }, anywhere: true })).toBe(undefined);
    writeFileSync(path.join(home, '.local/share/devenv/b/.ok'), '/no/such/node\n');
    expect(await needOf({})).toBe('install');
  });

  it.skipIf(skip)('what was given up does not begin, and what began is not given up', async () => {
    const home = homeWith();
    const first = await inShell(shell, home, aftermathScript('late'));
    expect(readAftermath(Buffer.from(first.stdout))).toEqual({ kind: 'never' });
    const late = await inShell(shell, home, boxScript(command({ record: 'late' })));
    expect([late.code, late.stdout]).toEqual([215, '']);
    writeFileSync(path.join(home, '.local/share/devenv/run/dead.pid'), '999999999\n');
    const dead = await inShell(shell, home, aftermathScript('dead'));
    expect(readAftermath(Buffer.from(dead.stdout))).toEqual({ kind: 'gone' });
  });

  it.skipIf(skip)('between its end and the note of it, it is still running', async () => {
    const home = homeWith("console.log('said'); process.exit(7)");
    const [bin, note, go] = ['bin', '.local/share/devenv/run/r.pid', 'go'].map((name) =>
      path.join(home, name),
    );
    mkdirSync(bin!);
    const slow = `#!/bin/sh\nPATH=\${PATH#*:}\ntee "$@"\nuntil [ -e '${go!.replaceAll("'", "'\\''")}' ]; do sleep 0.1; done\n`;
    writeFileSync(path.join(bin!, 'tee'), slow, { mode: 0o755 });
    const env = { ...envOf(home), PATH: `${bin}:${process.env['PATH']}` };
    const script = boxScript(command({ record: 'r' }));
    const going = run([...shell, '-c', textOf(script)], { cwd: '/', env, input: '' });
    await until('it has ended', () => {
      const pid = existsSync(note!) && Number(readFileSync(note!, 'utf8').split(' ')[0]);
      return Boolean(pid) && !existsSync(`/proc/${pid}`);
    });
    const asked = async (): Promise<unknown> =>
      readAftermath(Buffer.from((await inShell(shell, home, aftermathScript('r'))).stdout));
    expect(await asked()).toEqual({ kind: 'running' });
    writeFileSync(go!, '');
    expect((await going).code).toBe(7);
    expect(await asked()).toMatchObject({ kind: 'ended', code: 7 });
  });

  it.skipIf(skip)('the word INT reaches it; a link that ends does so only for a stream', async () => {
    const home = homeWith(
      `process.on('SIGINT', () => process.exit(130)); process.on('SIGHUP', () => process.exit(129));
       console.log('up'); setInterval(() => {}, 1000);`,
    );
    const start = (given: Partial<BoxCommand>): ReturnType<typeof spawn> =>
      spawn(shell[0], [...shell.slice(1), '-c', textOf(boxScript(command(given)))], { env: envOf(home) });
    const endOf = async (
      given: Partial<BoxCommand>,
      act: (child: ReturnType<typeof spawn>) => void,
    ): Promise<number | null> => {
      const child = start(given);
      let said = '';
      child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await until('it runs', () => said.includes('up'));
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
      act(child);
      return ended;
    };
    expect(await endOf({}, (child) => child.stdin?.write('INT\n'))).toBe(130);
    expect(await endOf({ endsWithLink: true }, (child) => child.stdin?.end())).toBe(129);
    const goesOn = await endOf({ record: 'on' }, (child) => {
      child.stdin?.end();
      // It is still there when it is asked for by its note, long after the reader has seen the end.
      const note = path.join(home, '.local/share/devenv/run/on.pid');
      const ask = setInterval(() => {
        const pid = Number(readFileSync(note, 'utf8').split(' ')[0]);
        if (!pid) return;
        clearInterval(ask);
        process.kill(pid, 'SIGINT');
      }, 300);
    });
    expect(goesOn).toBe(130);
  });
});
