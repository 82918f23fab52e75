import { settle } from '../remote/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** `devenv __settle`: what an install on a remote box does last, there. */
export async function settleHere(ctx: CommandContext): Promise<CommandResult> {
  const { kept, dropped } = await settle(ctx.env);
  return { json: { kept, dropped } };
}
