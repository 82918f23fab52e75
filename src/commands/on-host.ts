import { DevenvError } from '../base/index.ts';
import { amongKnown, connectTo, knownHosts, runThere, type ThereInput } from './on-host-run.ts';
import { followThere, follows } from './on-host-follow.ts';
import { startOrAttach } from './on-host-attach.ts';
import { statusOfHosts } from './status-hosts.ts';
import type { CommandContext, CommandResult } from './context.ts';

export interface OnHostInput extends ThereInput {
  readonly host: string;
  readonly command: string;
  /** What the parser found in the command line. */
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** Runs the same command of the same build on a box, and shows what it says there as if it ran here. */
export async function onHost(ctx: CommandContext, input: OnHostInput): Promise<CommandResult> {
  if (input.command === 'status' && input.host === 'all') return statusOfHosts(ctx);
  if (input.host === 'all' && !Object.hasOwn((await knownHosts(ctx)).hosts, 'all'))
    throw new DevenvError(
      'usage',
      '--host all goes with status only',
      'name one box; devenv host list names them',
    );
  return amongKnown(ctx, input.host, () => onOneHost(ctx, input));
}

async function onOneHost(ctx: CommandContext, input: OnHostInput): Promise<CommandResult> {
  const to = await connectTo(ctx, input.host);
  try {
    if (input.command === 'attach' || input.command === 'start') return await startOrAttach(ctx, to, input);
    const run = follows(input.command, input.options) ? followThere : runThere;
    return { exit: await run(ctx, to, input) };
  } finally {
    await to.transport.close();
  }
}
