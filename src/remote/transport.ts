import { createOpenSsh } from './openssh.ts';
import { hasSsh } from './ssh-options.ts';
import type { Target, Transport, TransportDeps } from './types.ts';

let isSaid = false;

/** Opens the way to a box; nothing is sent before the first call. */
export async function openTransport(target: Target, deps: TransportDeps): Promise<Transport> {
  if (target.transport === 'openssh') {
    if (hasSsh(deps.env)) return createOpenSsh(target, deps);
    if (!isSaid)
      deps.note(
        'no OpenSSH client here (ssh): using the one built in, which cannot do everything; apt-get install openssh-client',
      );
    isSaid = true;
  }
  const { createNodeSsh } = await import('./node-ssh.ts');
  return createNodeSsh(target, deps);
}
