import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  interpolate,
  interpolateCommand,
  mentionedVariables,
  type Scope,
} from '../../src/config/interpolate.ts';
import { load, windowOf } from './support.ts';

const scope: Scope = {
  variable: (name) => ({ A: 'a', EMPTY: '', DEEP: '${A}' })[name],
  ports: new Map<string, number | 'auto'>([
    ['api', 8080],
    ['db', 'auto'],
  ]),
  root: '/my pro"ject',
  session: 'shop',
};

describe('values', () => {
  test.each([
    ['plain', 'plain'],
    ['${A}-${A}', 'a-a'],
    ['$A', '$A'],
    ['${EMPTY}', ''],
    ['${EMPTY:-d}', 'd'],
    ['${EMPTY-d}', ''],
    ['${NONE:-d}', 'd'],
    ['${NONE-d}', 'd'],
    ['${NONE:-}', ''],
    ['${NONE:-${A}x}', 'ax'],
    ['${NONE:-${NONE2:-${port.api}}}', '8080'],
    ['${DEEP}', '${A}'],
    ['$${A}', '${A}'],
    ['\\${A}', '${A}'],
    ['$$', '$'],
    ['${port.api}', '8080'],
    ['${port.db}', '${port.db}'],
    ['${project.root}/x', '/my pro"ject/x'],
    ['${session}', 'shop'],
  ])('%s -> %s', (text, expected) => {
    expect(interpolate(text, scope)).toEqual({ text: expected, problems: [] });
  });

  test.each(['${NONE}', '${port.x}', '${project.x}', '${a b}', '${', '${A', '${}'])(
    '%s is a problem',
    (text) => {
      expect(interpolate(text, scope).problems).toHaveLength(1);
    },
  );

  test('never throws, and text without $ and \\ stays as it is', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof interpolate(text, scope).text === 'string'));
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/[$\\]/.test(text)),
        (text) => interpolate(text, scope).text === text,
      ),
    );
  });
});

describe('commands', () => {
  test.each([
    ['${EDITOR:-vi} . $X ${A}', '${EDITOR:-vi} . $X ${A}'],
    ['echo $$ ${port.api}', 'echo $$ 8080'],
    ['x \\${port.api}', 'x \\${port.api}'],
    ['${API:-http://h:${port.api}}', '${API:-http://h:8080}'],
    ['x ${port.db}', 'x ${port.db}'],
    ['tmux -t ${session}', 'tmux -t shop'],
  ])('%s -> %s', (text, expected) => {
    expect(interpolateCommand(text, scope)).toEqual({ text: expected, problems: [] });
  });

  test('a path is one word wherever it stands', () => {
    const root = '/a b/"c"/$d/`e`/\'f\'/g\nh;i';
    for (const command of [
      'printf %s ${project.root}',
      'printf %s "${project.root}"',
      "printf %s '${project.root}'",
    ]) {
      const { text } = interpolateCommand(command, { ...scope, root });
      expect(execFileSync('/bin/sh', ['-c', text], { encoding: 'utf8' })).toBe(root);
    }
  });

  test('any path is one word, bare or quoted', () => {
    const path = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(path, (root) => {
        const command = "printf '%s|' ${project.root} \"${project.root}\" '${project.root}'";
        const { text } = interpolateCommand(command, { ...scope, root });
        return execFileSync('/bin/sh', ['-c', text], { encoding: 'utf8' }) === `${root}|${root}|${root}|`;
      }),
      { numRuns: 60 },
    );
  });

  test('the variables it mentions', () => {
    expect(mentionedVariables('${A:-${B}} $C "$D_1" $1 $$ ${port.x}')).toEqual([
      'A',
      'B',
      'C',
      'D_1',
      'port',
    ]);
  });
});

describe('variables', () => {
  test('env over env files over the environment; they may refer to each other', async () => {
    const project = await load(
      'env_file: [.env, { path: .env.none, optional: true }]\nenv: { URL: "${HOST}:${P}", HOST: "h-${FROM_FILE}", PATH: "${PATH}:x", N: 3, B: true }\nlogs: { dir: "${URL}" }\nwindows: { a: { command: x } }\n',
      { '.env': '# c\nFROM_FILE="f f"\nP=file\nexport Q=1\n' },
      { P: 'environment', PATH: '/bin:/usr/bin' },
    );
    expect(project.config.env).toEqual({
      FROM_FILE: 'f f',
      P: 'file',
      Q: '1',
      URL: 'h-f f:file',
      HOST: 'h-f f',
      PATH: '/bin:/usr/bin:x',
      N: '3',
      B: 'true',
    });
    expect(project.config.logs.dir).toBe(`${project.root}/h-f f:file`);
    expect(project.origins).toMatchObject({ 'env.P': 'env_file', 'env.URL': 'devenv.yaml:2:8' });
  });

  test('a window’s own variables count within it', async () => {
    const project = await load(
      'env: { A: p }\nwindows:\n  a: { command: x, env: { A: w, B: "${A}" }, cwd: "${A}" }\n  b: { command: x, cwd: "${A}" }\n',
    );
    expect(windowOf(project, 'a').env).toEqual({ A: 'w', B: 'w' });
    expect(windowOf(project, 'a').cwd).toBe(`${project.root}/w`);
    expect(windowOf(project, 'b').cwd).toBe(`${project.root}/p`);
  });

  test('what commands mention of the environment goes on to the panes', async () => {
    const project = await load(
      'windows: { a: { command: "${EDITOR:-vi} $X $HOME $PORT" } }\n',
      {},
      { EDITOR: 'nano', X: '1', Y: '2' },
    );
    expect(project.config.env).toEqual({ EDITOR: 'nano', X: '1' });
    expect(project.origins['env.EDITOR']).toBe('environment');
  });
});
