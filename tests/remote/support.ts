import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { installDevenv, makeBox, type Box, type BoxOptions } from '../support/box.ts';
import { devenv } from '../support/cli.ts';
import { git, makeProject, writeFiles } from '../support/project.ts';

/** A project here and on a box that has devenv. */
export interface Pair {
  readonly box: Box;
  /** The project's folder at home, and on the box. */
  readonly project: string;
  readonly there: string;
  /** The built program at home; `--host` is added. */
  readonly on: (...args: string[]) => ReturnType<typeof devenv>;
}

export const shopFiles: Readonly<Record<string, string>> = {
  'devenv.yaml': [
    'name: shop',
    'windows:',
    '  api:',
    '    command: node server.mjs',
    '    port: auto',
    '    ready: http://localhost:${port.api}/',
    '  tool: { command: cat }',
    'suites:',
    '  unit: { command: sh test.sh }',
    '',
  ].join('\n'),
  'server.mjs': [
    "import { createServer } from 'node:http';",
    'createServer((request, response) => {',
    '  console.log(`GET ${request.url}`);',
    "  response.end('ok');",
    "}).listen(Number(process.env.PORT), '127.0.0.1');",
    '',
  ].join('\n'),
  'test.sh': 'exit 0\n',
  'notes.txt': 'one\n',
};

/** Makes both; the box has the project as a git repository of its own. */
export async function makePair(
  options: BoxOptions & { readonly files?: Readonly<Record<string, string>> } = {},
): Promise<Pair> {
  const box = await makeBox(options);
  installDevenv(box);
  const files = { ...shopFiles, ...options.files };
  const project = await makeProject(box.env, { files });
  const there = path.join(box.home, 'shop');
  mkdirSync(there);
  for (const [name, text] of Object.entries(files)) writeFiles(there, name, text);
  await git(there, box.env, 'init', '-q', '-b', 'main');
  await git(there, box.env, 'add', '-A');
  await git(there, box.env, 'commit', '-q', '-m', 'Start');
  return {
    box,
    project,
    there,
    on: (...args) => devenv([...args, '--host', box.host], { cwd: project, env: box.env }),
  };
}
