import { DevenvError } from '../base/index.ts';
import { findRoot } from '../config/index.ts';
import { attachSession, pickWindows, requireSession, type SessionDeps } from '../session/index.ts';
import { createTmux } from '../tmux/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** `devenv attach [WINDOW]`: shows the running session on this terminal. */
export async function attach(
  ctx: CommandContext,
  input: { readonly window: string | undefined },
): Promise<CommandResult> {
  const deps: SessionDeps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
  const session = await requireSession(deps, findRoot(ctx.cwd).root);
  if (input.window !== undefined) pickWindows(session, [input.window]);
  if (!ctx.interactive && !deps.tmux.inside) {
    throw new DevenvError(
      'environment',
      'attach needs a terminal',
      'devenv status and devenv logs work without one',
    );
  }
  await attachSession(deps, session, input.window);
  return { json: { session: session.name, window: input.window ?? null } };
}
