import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A new empty directory, removed after the whole test run. */
export function tempDir(name = 'case'): string {
  const base = process.env['DEVENV_TESTS_DIR'] ?? tmpdir();
  mkdirSync(base, { recursive: true });
  return realpathSync(mkdtempSync(path.join(base, `${name}-`)));
}

/** An environment with a HOME, state and config of its own and nothing of git's or devenv's inherited. */
export function testEnv(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const home = tempDir('home');
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(GIT_|DEVENV_|XDG_|TMUX|NO_COLOR|FORCE_COLOR|CI$|VITEST|NODE_OPTIONS)/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    XDG_STATE_HOME: path.join(home, 'state'),
    XDG_CACHE_HOME: path.join(home, 'cache'),
    XDG_CONFIG_HOME: path.join(home, 'config'),
    LANG: 'C.UTF-8',
    SHELL: '/bin/sh',
    ...extra,
  };
}
