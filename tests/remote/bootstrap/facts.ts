import { parseProbe, type Build, type Probe } from '../../../src/remote/index.ts';

/** What a usual Debian box without Node tells. */
const usual = {
  os: 'Linux',
  arch: 'x86_64',
  home: '/home/dev',
  data: '/home/dev/.local/share/devenv',
  shell: '/bin/bash',
  release_id: 'debian',
  release_name: '"Debian GNU/Linux 12 (bookworm)"',
  glibc: 'glibc 2.36',
  where: '/home/dev',
  free_kb: '80000000',
  mount: '/',
  inodes: '1000000',
  free_inodes: '900000',
  exec: 'runs',
  path: '/usr/local/bin:/usr/bin:/bin',
  tmux: '/usr/bin/tmux',
  git: '/usr/bin/git',
  gzip: '/usr/bin/gzip',
  sha256sum: '/usr/bin/sha256sum',
  tmux_version: 'tmux 3.3a',
  git_version: 'git version 2.39.5',
  crontab: 'yes',
  utf8: 'C.utf8',
  zone: 'UTC',
  clock: '1800000000',
};

/** A probe of such a box, but for what is given; an empty text takes a fact away. */
export function probeOf(facts: Readonly<Record<string, string | readonly string[]>> = {}): Probe {
  const lines = Object.entries({ ...usual, ...facts }).flatMap(([key, value]) =>
    (typeof value === 'string' ? [value] : value).map((text) => `${key}=${text}`),
  );
  return parseProbe(lines.join('\n'));
}

export const build: Build = {
  id: '0.1.0+0123abcd',
  node: { version: '24.21.0', path: '/home/me/bin/node', bytes: 126e6 },
  os: 'linux',
  arch: 'x64',
  libc: 'glibc',
};
