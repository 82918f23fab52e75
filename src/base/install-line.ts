import { readFileSync } from 'node:fs';
import { self } from './world.ts';

/** What tells which package manager a system has: os-release's ID and ID_LIKE; `darwin` for macOS. */
export interface Release {
  readonly id: string;
  readonly like: readonly string[];
}

/** The tools that devenv may ask a user to install. */
export type Installable = 'tmux' | 'git' | 'node';

const managers: readonly { readonly ids: readonly string[]; readonly line: string; readonly node: string }[] =
  [
    { ids: ['debian', 'ubuntu'], line: 'sudo apt-get install -y', node: 'nodejs' },
    { ids: ['fedora', 'rhel', 'centos', 'amzn'], line: 'sudo dnf install -y', node: 'nodejs' },
    { ids: ['alpine'], line: 'apk add', node: 'nodejs' },
    { ids: ['arch'], line: 'sudo pacman -S --needed', node: 'nodejs' },
    { ids: ['suse', 'opensuse', 'sles'], line: 'sudo zypper install -y', node: 'nodejs' },
    { ids: ['darwin'], line: 'brew install', node: 'node' },
  ];

/** The line that installs tools on a system, or undefined where its package manager is not known. */
export function installLine(release: Release, tools: readonly Installable[]): string | undefined {
  const names = [release.id, ...release.like];
  // ID first, then ID_LIKE, nearest first; opensuse-leap, opensuse-tumbleweed are opensuse.
  const manager = names
    .map((name) =>
      managers.find(({ ids }) => ids.some((id) => name === id || (id === 'opensuse' && name.startsWith(id)))),
    )
    .find(Boolean);
  if (!manager) return undefined;
  return [manager.line, ...tools.map((tool) => (tool === 'node' ? manager.node : tool))].join(' ');
}

/** Reads an os-release file. */
export function parseRelease(text: string): Release {
  const value = (key: string): string =>
    new RegExp(`^${key}=(["']?)(.*)\\1$`, 'm').exec(text)?.[2]?.trim() ?? '';
  return { id: value('ID'), like: value('ID_LIKE').split(' ').filter(Boolean) };
}

/** The line that installs tools on this machine, as `installLine`. */
export function installLineHere(tools: readonly Installable[]): string | undefined {
  if (process.platform === 'darwin') return installLine({ id: 'darwin', like: [] }, tools);
  try {
    const line = installLine(parseRelease(readFileSync('/etc/os-release', 'utf8')), tools);
    // A machine may have no sudo, and root needs none.
    return self.uid === 0 ? line?.replace(/^sudo /, '') : line;
  } catch {
    return undefined; // a system without that file
  }
}
