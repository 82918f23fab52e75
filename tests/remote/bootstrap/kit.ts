import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { self } from '../../../src/base/index.ts';
import { makeBox, type Box, type BoxOptions } from '../../support/box.ts';
import { devenv } from '../../support/cli.ts';
import { tempDir } from '../../support/temp.ts';

const nothing = ['node', 'nodejs', 'npm', 'npx', 'tmux', 'git'];

/** The build of this package. */
export const build = readFileSync('dist/build-id', 'utf8').trim();
/** Where devenv lies on a box. */
export const dataOf = (box: Box): string => path.join(box.home, '.local/share/devenv');
/** What lies there. */
export const listData = (box: Box): readonly string[] => readdirSync(dataOf(box)).toSorted();
/** Names below it after an install with a node of the box. */
export const installed = [build, 'bin', 'current', 'path', 'run', 'runtimes'].toSorted();

/** What is made once is the same for all tests of a run: a packed node takes seconds. */
export function withCache(box: Box): NodeJS.ProcessEnv {
  const cache = path.join(process.env['DEVENV_TESTS_DIR'] ?? tempDir(), 'cache');
  return { ...box.env, XDG_CACHE_HOME: cache };
}

/** A box without anything devenv needs; `node` gives it this machine's. */
export async function bareBox(options: BoxOptions & { readonly node?: boolean } = {}): Promise<Box> {
  const box = await makeBox({ without: nothing, ...options });
  if (options.node) giveNode(path.join(box.dir, 'bin'));
  return box;
}

/** Puts this machine's node into a folder of a box. */
export function giveNode(dir: string): string {
  mkdirSync(dir, { recursive: true });
  const file = path.join(dir, 'node');
  symlinkSync(self.execPath, file);
  return file;
}

/** Runs devenv at home, in an empty folder if none is given. */
export function atHome(
  box: Box,
  args: readonly string[],
  more: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): ReturnType<typeof devenv> {
  return devenv(args, { cwd: more.cwd ?? tempDir('project'), env: more.env ?? withCache(box) });
}
