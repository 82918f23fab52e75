import { statSync } from 'node:fs';
import { DevenvError } from '../base/index.ts';
import type { Project } from '../config/index.ts';

/**
 * Throws 'config', with the place in the configuration, when a window is to run in a folder that is not there: tmux
 * would start its pane in the home directory without a word.
 */
export function requireFolders(
  { config, origins }: Project,
  wanted: readonly { readonly name: string }[],
): void {
  for (const { name, cwd } of config.windows) {
    if (!wanted.some((window) => window.name === name)) continue;
    const found = statSync(cwd, { throwIfNoEntry: false });
    if (found?.isDirectory()) continue;
    const key = `windows.${name}.cwd`;
    throw new DevenvError(
      'config',
      `${origins[key] ? `${origins[key]}: ` : ''}${key}: ${found ? 'not a' : 'no such'} directory: ${cwd}`,
      'create it or correct the path',
    );
  }
}
