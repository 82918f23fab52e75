import { createOpenSsh } from './openssh.ts';
import type { Target, Transport, TransportDeps } from './types.ts';

/** Opens the way to a box; nothing is sent before the first call. */
export async function openTransport(target: Target, deps: TransportDeps): Promise<Transport> {
  return createOpenSsh(target, deps);
}
