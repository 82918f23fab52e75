import { DevenvError } from '../base/index.ts';
import type { Target, Transport } from '../remote/index.ts';
import type { CommandContext } from './context.ts';
import { amongKnown, connect, findTarget } from './on-host-run.ts';

/** Opens the way to a box for as long as `use` needs it. A host that was not named is wrong usage. */
export async function withBox<T>(
  ctx: CommandContext,
  host: string | Target | undefined,
  use: (transport: Transport, target: Target) => Promise<T>,
): Promise<T> {
  if (host === undefined)
    throw new DevenvError('usage', 'which host?', 'devenv host list names those that are known');
  if (typeof host === 'string')
    return amongKnown(ctx, host, async () => withBox(ctx, await findTarget(ctx, host), use));
  const transport = await connect(ctx, host);
  try {
    return await use(transport, host);
  } finally {
    await transport.close();
  }
}
