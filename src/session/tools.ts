import { accessSync, chmodSync, constants, existsSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureDir, packageRoot, quickHash, randomId, self, shellQuote, stateDir } from '../base/index.ts';
import type { SessionDeps } from './types.ts';
import { wrapperScript } from './wrapper.ts';

/** The programs that panes find: `devenv` itself and the pane's wrapper. */
export interface PaneTools {
  /** Goes in front of the panes' PATH. */
  readonly dir: string;
  readonly devenv: string;
  readonly wrapper: string;
  readonly tmux: string;
}

/**
 * Writes them, once per devenv and Node, below the state folder: panes run the very devenv that
 * built the session, whatever is installed under that name. Throws `state-dir` where that fails.
 */
export function ensureTools(deps: SessionDeps): PaneTools {
  const program = deps.program ?? path.join(packageRoot(), 'bin', 'devenv.js');
  const shim = `#!/bin/sh\nexec ${shellQuote(self.execPath)} ${shellQuote(program)} "$@"\n`;
  const dir = ensureDir(path.join(stateDir(deps.env), 'bin', quickHash(shim + wrapperScript)));
  return {
    dir,
    devenv: write(path.join(dir, 'devenv'), shim),
    wrapper: write(path.join(dir, 'devenv-pane'), wrapperScript),
    tmux: onPath('tmux', deps.env['PATH']) ?? 'tmux',
  };
}

function write(file: string, text: string): string {
  // Named by its content and put there by a rename: what exists is whole.
  if (existsSync(file)) return file;
  const temporary = `${file}.${randomId()}`;
  writeFileSync(temporary, text);
  chmodSync(temporary, 0o700);
  renameSync(temporary, file);
  return file;
}

function onPath(name: string, searchPath: string | undefined): string | undefined {
  return (searchPath ?? '')
    .split(':')
    .filter((dir) => path.isAbsolute(dir))
    .map((dir) => path.join(dir, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false; // not in this directory
      }
    });
}
