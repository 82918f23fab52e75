import { installLine, type Installable } from '../../base/index.ts';
import { isOldTmux } from '../../tmux/index.ts';
import type { Probe } from './probe.ts';

/** What devenv will need on the box and is missing there, each with the line that installs it. */
export function adviceFor(name: string, probe: Probe): readonly string[] {
  const missing = missingTools(probe);
  if (missing.length === 0) return [];
  const words = missing.map((tool) =>
    tool === 'tmux' && probe.tmuxVersion !== undefined ? `a newer tmux than ${probe.tmuxVersion}` : tool,
  );
  return [`${name} lacks ${words.join(' and ')}; install it there: ${lineFor(probe, missing)}`];
}

/** Of tmux and git, what is missing or too old. */
export function missingTools(probe: Probe): readonly Installable[] {
  const tmux = probe.tools['tmux'] === undefined || isOldTmux(probe.tmuxVersion ?? '');
  return [
    ...(tmux ? (['tmux'] as const) : []),
    ...(probe.tools['git'] === undefined ? (['git'] as const) : []),
  ];
}

/** The box's own line to install something. */
export function lineFor({ os, release }: Probe, tools: readonly Installable[]): string {
  const known = installLine(os === 'darwin' ? { id: 'darwin', like: [] } : release, tools);
  return known ?? `${tools.join(', ')}, with the package manager of ${release.name || os}`;
}
