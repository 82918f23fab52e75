import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from '../../src/base/index.ts';
import { tempDir } from './temp.ts';

/** A project in a directory of its own: files by path, and git with one commit unless told otherwise. */
export interface ProjectOptions {
  readonly files?: Readonly<Record<string, string>>;
  readonly git?: 'commit' | 'init' | 'none';
  /** The folder's name, for paths that are hard to quote. */
  readonly name?: string;
}

/** Makes a project and returns its folder. */
export async function makeProject(env: NodeJS.ProcessEnv, options: ProjectOptions = {}): Promise<string> {
  const dir = path.join(tempDir('project'), options.name ?? 'shop');
  mkdirSync(dir);
  for (const [name, text] of Object.entries(options.files ?? {})) writeFiles(dir, name, text);
  const kind = options.git ?? 'commit';
  if (kind !== 'none') await git(dir, env, 'init', '-q', '-b', 'main');
  if (kind === 'commit') {
    await git(dir, env, 'add', '-A');
    await git(dir, env, 'commit', '-q', '--allow-empty', '-m', 'Start');
  }
  return dir;
}

/** Writes one file, its folders included. */
export function writeFiles(dir: string, name: string, text: string): void {
  const file = path.join(dir, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Runs git in a project as somebody with a name; throws what git said when it fails. */
export async function git(dir: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  const identity = [
    '-c',
    'user.name=Test',
    '-c',
    'user.email=test@localhost',
    '-c',
    'init.defaultBranch=main',
  ];
  const result = await run(['git', ...identity, ...args], { cwd: dir, env });
  if (!result.ok) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
  return result.stdout.trimEnd();
}
