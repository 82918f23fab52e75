import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { complete } from '../../src/commands/complete.ts';
import { completion } from '../../src/commands/completion.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { testContext } from './context.ts';

const commands = [
  {
    name: 'start',
    summary: "build the session; it's quick",
    args: '[window...]',
    options: [
      ['-d, --detach', 'do not attach'],
      ['--layout <name>', 'use this layout'],
      ['--timeout <time>', 'how long'],
    ] as const,
  },
  { name: 'run', summary: 'run a suite', args: '<suite|window>' },
  { name: 'rollback', summary: 'put back', args: '[tag]' },
  { name: 'diff', summary: 'compare', args: '[tag] [tag]' },
  { name: 'completion', summary: 'script', args: '<bash|zsh|fish>' },
  { name: 'init', summary: 'write', options: [['--from <file>', 'a file']] as const },
];

async function scriptFor(shell: 'bash' | 'zsh' | 'fish'): Promise<string> {
  const result = await completion({}, { shell, commands });
  return result.text ?? '';
}

/** A folder with the script and a `devenv` that answers `__complete` with what it was asked. */
async function shop(shell: 'bash' | 'zsh' | 'fish') {
  const dir = tempDir('completion');
  const env = testEnv();
  // Not by the shell's own name: this folder stands in PATH.
  const file = path.join(dir, `script.${shell}`);
  writeFileSync(file, await scriptFor(shell));
  writeFileSync(
    path.join(dir, 'devenv'),
    '#!/bin/sh\nshift; printf "%s-1\\n%s b\\n" "$1" "$1"; [ -z "$3" ] || echo "in $3"\n',
    {
      mode: 0o755,
    },
  );
  writeFileSync(path.join(dir, 'a file.yaml'), '');
  return { dir, file, env: { ...env, PATH: `${dir}:${env['PATH'] ?? ''}` } };
}

const all = ['help', 'start', 'run', 'rollback', 'diff', 'completion', 'init', '--help', '--version'];

describe('in bash', () => {
  test.each<[readonly string[], readonly string[]]>([
    [['devenv', ''], all],
    [
      ['devenv', 'r'],
      ['run', 'rollback'],
    ],
    [['devenv', 'help', 'st'], ['start']],
    [
      ['devenv', 'start', ''],
      ['window-1', 'window b'],
    ],
    [['devenv', 'start', '--d'], ['--detach']],
    [['devenv', 'start', '--detach', 'window-'], ['window-1']],
    [
      ['devenv', 'start', '--layout', ''],
      ['layout-1', 'layout b'],
    ],
    [['devenv', 'start', '--timeout', ''], []],
    [
      ['devenv', 'start', '--host', ''],
      ['host-1', 'host b'],
    ],
    [['devenv', 'start', '--cwd', '/some where', 'in'], ['in /some where']],
    [
      ['devenv', 'run', ''],
      ['runnable-1', 'runnable b'],
    ],
    [
      ['devenv', 'rollback', 't'],
      ['tag-1', 'tag b'],
    ],
    [
      ['devenv', 'completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['devenv', 'init', '--from', 'a'], ['a file.yaml']],
    [['devenv', 'init', ''], []],
    [['devenv', 'rollback', '--', 'a'], ['a file.yaml']],
    [
      ['devenv', 'diff', 'tag-1', 't'],
      ['tag-1', 'tag b'],
    ],
    [['devenv', 'unknown', ''], []],
  ])('%j', async (words, expected) => {
    const { dir, file, env } = await shop('bash');
    const script =
      'source "$1"; shift; complete -p devenv >/dev/null || exit 9; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _devenv devenv; printf "%s\\n" "${COMPREPLY[@]}"';
    const result = await run(['bash', '--norc', '-uc', script, 'bash', file, ...words], { cwd: dir, env });
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    expect(result.stdout.split('\n').filter(Boolean)).toEqual(expected);
  });
});

describe.each(['bash', 'zsh', 'fish'] as const)('for %s', (shell) => {
  test('the script can be parsed, where that shell is installed', async ({ skip }) => {
    const { file, env } = await shop(shell);
    const result = await run([shell, '-n', file], { env });
    if (result.reason === 'missing') skip();
    expect(result.stderr).toBe('');
    expect(result.ok).toBe(true);
  });

  test('the script knows every command and option', async () => {
    const script = await scriptFor(shell);
    for (const { name } of commands) expect(script).toContain(name);
    for (const word of ['detach', 'layout', 'timeout', 'from', 'json', 'cwd']) expect(script).toContain(word);
  });
});

test('in fish, where it is installed', async ({ skip }) => {
  const { dir, file, env } = await shop('fish');
  const ask = (line: string) =>
    run(['fish', '-c', `source '${file}'; complete -C '${line}'`], { cwd: dir, env });
  const first = await ask('devenv r');
  if (first.reason === 'missing') skip();
  expect(first.stdout).toBe('rollback\tput back\nrun\trun a suite\n');
  expect((await ask('devenv start ')).stdout).toBe('window-1\nwindow b\n');
  expect((await ask('devenv start --cwd /x in')).stdout).toBe('in /x\n');
  expect((await ask('devenv diff last -- a')).stdout).toContain('a file.yaml');
  expect((await ask('devenv completion f')).stdout).toBe('fish\n');
});

test('what can be run: suites and task windows, each once; no service, no shell', async () => {
  const cwd = tempDir('runnable');
  writeFileSync(
    path.join(cwd, 'devenv.yaml'),
    `windows:
  api: { command: sleep 9, kind: service }
  e2e: { run: e2e }
  seed: { command: ./seed, kind: task }
  editor: {}
suites: { unit: { command: x }, e2e: { command: y } }
`,
  );
  const ctx = testContext({ cwd, env: testEnv() });
  expect((await complete(ctx, { kind: 'runnable' })).text).toBe('unit\ne2e\nseed');
});
