import { DevenvError } from '../base/index.ts';
import { findRoot } from '../config/index.ts';
import { pickWindows, requireSession, waitUntilReady, type SessionDeps } from '../session/index.ts';
import { createTmux } from '../tmux/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { readTimeout } from './start.ts';

/** `devenv wait-ready WINDOW...`: what a pane runs before a command that needs others. Ends when they are ready or never will be. */
export async function waitReady(
  ctx: CommandContext,
  input: {
    readonly windows: readonly string[];
    readonly timeout: string | undefined;
    readonly patient: boolean;
  },
): Promise<CommandResult> {
  const timeoutMs = readTimeout(input.timeout);
  const deps: SessionDeps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
  // Nothing is ready within a blink: the start that made this pane is left to finish first.
  await ctx.clock.sleep(150, ctx.signal);
  const session = await requireSession(deps, ctx.env['DEVENV_ROOT'] ?? findRoot(ctx.cwd).root);
  pickWindows(session, input.windows);
  let said = '';
  const outcomes = await waitUntilReady(deps, session.uid, {
    windows: input.windows,
    timeoutMs,
    signal: ctx.signal,
    patient: input.patient,
    onUpdate: ({ name, status }) => {
      const trouble = ['failed', 'exited', 'stopped'].includes(status.state)
        ? `${name} is ${status.state}`
        : '';
      if (input.patient && trouble !== '' && trouble !== said)
        ctx.note(`${trouble}; waiting until it is ready again`);
      said = trouble;
    },
  });
  const bad = outcomes.find((o) => o.outcome === 'failed' || o.outcome === 'timeout');
  if (!bad) return { json: { ready: input.windows } };
  const how = bad.outcome === 'timeout' ? 'is not ready in time' : 'has failed';
  throw new DevenvError(
    'not-ready',
    `${bad.name} ${how}${bad.status.detail ? `: ${bad.status.detail}` : ''}`,
  );
}
