import { DevenvError } from '../base/index.ts';

/** What devenv needs: `-e` everywhere, pane options, scripts on standard input. */
const minimumVersion = '3.2a';

/** `tmux 3.3a` or `3.3a` as something to compare; undefined for builds without a number (`master`). */
export function parseVersion(text: string): number | undefined {
  const match = /(\d+)\.(\d+)([a-z])?/.exec(text);
  if (!match || /openbsd/.test(text)) return undefined;
  const letter = match[3] ? match[3].charCodeAt(0) - 96 : 0;
  return Number(match[1]) * 10_000 + Number(match[2]) * 100 + letter;
}

/** Throws `old-tmux` when a version is too old; one that cannot be read is taken to be new. */
export function requireVersion(text: string): void {
  const have = parseVersion(text);
  if (have === undefined || have >= (parseVersion(minimumVersion) ?? 0)) return;
  const version = text.replace(/^tmux\s+/, '').trim();
  throw new DevenvError(
    'old-tmux',
    `tmux ${version} is too old: devenv needs ${minimumVersion} or newer`,
    installHint,
  );
}

export const installHint =
  'install a newer one: apt-get install tmux (Debian 12 has 3.3a), brew install tmux';
