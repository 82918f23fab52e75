import { expect, it } from 'vitest';
import { installLine, parseRelease } from '../../src/base/index.ts';

it.each([
  ['ID=debian', 'sudo apt-get install -y tmux git'],
  ['ID=ubuntu\nID_LIKE=debian', 'sudo apt-get install -y tmux git'],
  ['ID=linuxmint\nID_LIKE="ubuntu debian"', 'sudo apt-get install -y tmux git'],
  ['ID=fedora', 'sudo dnf install -y tmux git'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'sudo dnf install -y tmux git'],
  ['ID="amzn"\nID_LIKE="fedora"', 'sudo dnf install -y tmux git'],
  ['ID=alpine', 'apk add tmux git'],
  ['ID=manjaro\nID_LIKE=arch', 'sudo pacman -S --needed tmux git'],
  ['ID="opensuse-leap"\nID_LIKE="suse opensuse"', 'sudo zypper install -y tmux git'],
  ['ID=darwin', 'brew install tmux git'],
  ["ID='nixos'", undefined],
  ['', undefined],
])('%s', (release, line) => {
  expect(installLine(parseRelease(release), ['tmux', 'git'])).toBe(line);
});
