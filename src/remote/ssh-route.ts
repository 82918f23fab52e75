import { DevenvError } from '../base/index.ts';
import { parseDestination, type Destination } from './destination.ts';
import { readSshConfig } from './ssh-config.ts';
import { askSsh, hasSsh } from './ssh-options.ts';
import { toSettings, type SshSettings } from './ssh-settings.ts';
import type { Target } from './types.ts';

const longestRoute = 8;

/** The machines to go through, the box itself last. Throws what cannot be resolved or honoured. */
export async function resolveRoute(target: Target, env: NodeJS.ProcessEnv): Promise<readonly SshSettings[]> {
  const asks = hasSsh(env);
  const read = async (to: Destination): Promise<SshSettings> => {
    const options = asks ? await askSsh(to, target, env) : readSshConfig(to, target, env);
    return toSettings(options, to.host, target.name, env);
  };
  /** The jumps given with `-J` stand for those of the machine's own configuration, as with ssh. */
  const routeTo = async (
    to: Destination,
    given: readonly string[] | undefined,
    depth: number,
  ): Promise<readonly SshSettings[]> => {
    if (depth > longestRoute)
      throw new DevenvError(
        'config',
        `${target.name}: its ProxyJump leads through more than ${longestRoute} machines`,
        'does a machine lead back to itself? Look at ProxyJump in the ssh configuration',
      );
    const settings = await read(to);
    const jumps = given ?? settings.jumps;
    const last = jumps.at(-1);
    if (last === undefined) return [settings];
    const before = jumps.slice(0, -1);
    const way = await routeTo(
      parseDestination(last.trim(), true),
      before.length > 0 ? before : undefined,
      depth + 1,
    );
    return [...way, settings];
  };
  return routeTo(parseDestination(target.ssh), undefined, 1);
}
