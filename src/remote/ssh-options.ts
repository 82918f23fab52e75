import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { run } from '../base/index.ts';
import { byHand, explainSsh } from './failure.ts';
import type { Destination } from './destination.ts';
import type { Target } from './types.ts';

/** What OpenSSH's configuration says of one destination: values by option in lower case, in their order. */
export type SshOptions = ReadonlyMap<string, readonly string[]>;

/** The first value of an option, unless it is `none`. */
export function optionOf(options: SshOptions, name: string): string | undefined {
  const value = options.get(name.toLowerCase())?.[0];
  return value === undefined || value.toLowerCase() === 'none' ? undefined : value;
}

/** Asks the ssh client here how it would reach a destination. Throws `config` for what it does not accept. */
export async function askSsh(to: Destination, target: Target, env: NodeJS.ProcessEnv): Promise<SshOptions> {
  const config = env['DEVENV_SSH_CONFIG'];
  const argv = [
    'ssh',
    '-G',
    ...(config ? ['-F', config] : []),
    ...(to.user === undefined ? [] : ['-l', to.user]),
    ...(to.port === undefined ? [] : ['-p', String(to.port)]),
    '--',
    to.host,
  ];
  const asked = await run(argv, { env, timeoutMs: 10_000 });
  if (!asked.ok) throw explainSsh(target.name, asked.stderr, byHand(target, env));
  return parseSshG(asked.stdout);
}

const fileLists = ['userknownhostsfile', 'globalknownhostsfile'];

/** Reads what `ssh -G` prints: one option a line, repeated where there are several values. */
export function parseSshG(text: string): SshOptions {
  const options = new Map<string, readonly string[]>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space <= 0) continue;
    const name = line.slice(0, space).toLowerCase();
    const value = line.slice(space + 1).trim();
    const values = fileLists.includes(name) ? value.split(/ +(?=[/~]|none$)/) : [value];
    options.set(name, [...(options.get(name) ?? []), ...values]);
  }
  return options;
}

/** Whether this machine has an OpenSSH client. */
export function hasSsh(env: NodeJS.ProcessEnv): boolean {
  return (env['PATH'] ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .some((dir) => {
      try {
        accessSync(path.join(dir, 'ssh'), constants.X_OK);
        return true;
      } catch {
        return false; // not in this directory
      }
    });
}
