import { readFileSync } from 'node:fs';
import path from 'node:path';
import { configDir, DevenvError, ensureDir, errnoOf, messageOf, replaceFile } from '../base/index.ts';
import type { HostConfig } from '../config/index.ts';
import type { Target } from './types.ts';

/** Boxes by name. */
export type Hosts = Readonly<Record<string, HostConfig>>;

const defaultKeepaliveMs = 15_000;

/** Where `devenv host add` notes the user's own boxes; those of a project stand in its devenv.yaml. */
export const hostsFile = (env: NodeJS.ProcessEnv): string => path.join(configDir(env), 'hosts.json');

/** The user's own boxes. A file that cannot be read is an error that names it. */
export function readUserHosts(env: NodeJS.ProcessEnv): Hosts {
  const file = hostsFile(env);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return {};
    throw new DevenvError('config', `cannot read ${file}: ${messageOf(error)}`, 'make it readable', error);
  }
  return parseHosts(text, file);
}

/** Writes the user's own boxes: the whole file or nothing of it. */
export function writeUserHosts(env: NodeJS.ProcessEnv, hosts: Hosts): void {
  const file = hostsFile(env);
  ensureDir(path.dirname(file));
  replaceFile(file, `${JSON.stringify(hosts, undefined, 2)}\n`);
}

function parseHosts(text: string, file: string): Hosts {
  const wrong = (why: string): DevenvError =>
    new DevenvError('config', `${file}: ${why}`, 'mend it, or remove it and use devenv host add');
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw wrong(messageOf(error));
  }
  if (typeof read !== 'object' || read === null) throw wrong('must be a JSON object of hosts by name');
  return Object.fromEntries(
    Object.entries(read).map(([name, host]: [string, Partial<HostConfig> | null]) => {
      if (typeof host?.ssh !== 'string' || host.ssh === '') throw wrong(`${name} has no "ssh"`);
      return [
        name,
        {
          ssh: host.ssh,
          path: typeof host.path === 'string' ? host.path : undefined,
          transport: host.transport === 'node-ssh' ? 'node-ssh' : host.transport && 'openssh',
          keepaliveMs: typeof host.keepaliveMs === 'number' ? host.keepaliveMs : undefined,
          forwardAgent: host.forwardAgent === true,
        },
      ];
    }),
  );
}

/**
 * Which box a name means: one of `hosts`, else an SSH destination as it stands (`dev@box`, a name of ~/.ssh/config).
 * `project` names the folder on the box where none is written (`~/<project>`).
 * Throws `usage` for what ssh would take as an option.
 */
export function resolveTarget(given: string, hosts: Hosts, project: string): Target {
  checkDestination(given);
  const host = Object.hasOwn(hosts, given) ? hosts[given] : undefined;
  const ssh = host?.ssh ?? given;
  checkDestination(ssh);
  return {
    name: given,
    ssh,
    path: host?.path ?? `~/${project}`,
    transport: host?.transport ?? 'openssh',
    keepaliveSec: Math.max(1, Math.round((host?.keepaliveMs ?? defaultKeepaliveMs) / 1000)),
    forwardAgent: host?.forwardAgent ?? false,
  };
}

/** Throws `usage` for what ssh would take as an option, or could not be given to it. */
export function checkDestination(text: string): void {
  const control = Array.from(text).some((char) => char <= ' ' || char === '\u007F');
  if (text !== '' && !/^[-@]|@$/.test(text) && !control) return;
  throw new DevenvError(
    'usage',
    `not a host: ${JSON.stringify(text)}`,
    'a name from hosts in devenv.yaml, a name of ~/.ssh/config, or user@host',
  );
}
