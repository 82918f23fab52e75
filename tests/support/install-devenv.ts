import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/base/index.ts';
import type { Box } from './box.ts';

/** Puts this build on a box, as a bootstrap leaves it, with the Node that runs the tests. */
export function installDevenv(box: Box): void {
  const root = packageRoot();
  const build = readFileSync(path.join(root, 'dist/build-id'), 'utf8').trim();
  const there = path.join(box.home, '.local/share/devenv', build);
  mkdirSync(there, { recursive: true, mode: 0o700 });
  for (const name of ['bin', 'dist', 'layouts', 'package.json'])
    cpSync(path.join(root, name), path.join(there, name), { recursive: true });
  writeFileSync(path.join(there, '.ok'), `${process.execPath}\n`);
}
