import { existsSync } from 'node:fs';
import { DevenvError } from '../base/index.ts';
import { bareProject } from '../config/index.ts';
import { boxState, receive, send, type PlaceOnBox, type ReceiveDeps } from '../remote/code/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { evenIfMistaken } from './even-if-mistaken.ts';
import { restartServices } from './rollback.ts';

/** The end on the box of `host push` and `host pull`: called by the very same build, never by a person. */
export async function codeOnBox(
  ctx: CommandContext,
  { action, about = '{}' }: { readonly action: string | undefined; readonly about: string | undefined },
): Promise<CommandResult> {
  const deps: ReceiveDeps = {
    env: ctx.env,
    clock: ctx.clock,
    maxFileBytes: (root) => maxFileBytes(ctx, root),
    restart: (root) => () => restartServices(ctx, root),
  };
  switch (action) {
    case 'state':
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the very same build
      return { json: await boxState(deps, JSON.parse(about) as PlaceOnBox) };
    case 'receive':
      return { json: await receive(deps, Number(about)) };
    case 'send':
      await send(deps);
      return {};
    default:
      throw new DevenvError(
        'usage',
        'this command is for devenv itself',
        'devenv host push, devenv host pull',
      );
  }
}

// The project may be what is just being sent.
async function maxFileBytes(ctx: CommandContext, root: string): Promise<number> {
  const silent = { env: ctx.env, note: () => {} };
  const project = existsSync(root)
    ? await evenIfMistaken(silent, root)
    : bareProject({ cwd: ctx.cwd, env: ctx.env });
  return project.config.checkpoint.maxFileBytes;
}
