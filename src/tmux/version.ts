import { DevenvError, installLineHere } from '../base/index.ts';

/** What devenv needs: `-e` everywhere, pane options, scripts on standard input. */
const minimumVersion = '3.2a';

/** `tmux 3.3a` or `3.3a` as something to compare; undefined for builds without a number (`master`). */
export function parseVersion(text: string): number | undefined {
  const match = /(\d+)\.(\d+)([a-z])?/.exec(text);
  if (!match || /openbsd/.test(text)) return undefined;
  const letter = match[3] ? match[3].charCodeAt(0) - 96 : 0;
  return Number(match[1]) * 10_000 + Number(match[2]) * 100 + letter;
}

/** Whether a version (`tmux 3.1c`) is too old for devenv; one that cannot be read is taken to be new. */
export function isOldTmux(text: string): boolean {
  const have = parseVersion(text);
  return have !== undefined && have < (parseVersion(minimumVersion) ?? 0);
}

/** Throws `old-tmux` when a version is too old; one that cannot be read is taken to be new. */
export function requireVersion(text: string): void {
  if (!isOldTmux(text)) return;
  const version = text.replace(/^tmux\s+/, '').trim();
  throw new DevenvError(
    'old-tmux',
    `tmux ${version} is too old: devenv needs ${minimumVersion} or newer`,
    installHint('a newer one'),
  );
}

/** How to get tmux, or a newer one, on this machine. */
export function installHint(what: 'it' | 'a newer one'): string {
  return `install ${what}: ${installLineHere(['tmux']) ?? 'tmux, with the package manager of this system'}`;
}
