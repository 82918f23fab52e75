import { DevenvError } from '../base/index.ts';
import { loadProject, type Project } from '../config/index.ts';
import { pickWindows, requireSession, restartWindows, withLock, type SessionDeps } from '../session/index.ts';
import { createTmux } from '../tmux/index.ts';
import { awaitReady } from './await-ready.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { readTimeout, withPorts } from './start.ts';
import { notStartedAgain, unlessInterrupted } from './unless-interrupted.ts';

export interface RestartInput {
  readonly windows: readonly string[];
  readonly wait: boolean;
  readonly timeout: string | undefined;
}

/** `devenv restart [WINDOW...]`: ends commands and starts them again in their panes. */
export async function restart(ctx: CommandContext, input: RestartInput): Promise<CommandResult> {
  const timeoutMs = readTimeout(input.timeout);
  const project = await withPorts(ctx, await loadProject({ cwd: ctx.cwd, env: ctx.env }));
  const deps: SessionDeps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
  const { root } = project;
  const { signal, note } = ctx;
  const { session, restarted } = await withLock(deps, { as: 'restart', root, signal, note }, async () => {
    const found = await requireSession(deps, root);
    refuseForgotten(project, pickWindows(found, input.windows), input.windows);
    return {
      session: found.name,
      restarted: await unlessInterrupted(
        signal,
        () => restartWindows(deps, project, found, input.windows),
        notStartedAgain,
      ),
    };
  });
  if (input.wait && restarted.length > 0)
    await awaitReady(ctx, deps, project, { windows: restarted, session, timeoutMs });
  const text =
    restarted.length > 0
      ? `restarted ${restarted.join(', ')}`
      : 'nothing to restart: the session has no services';
  return { json: { session, restarted }, text };
}

/** A window that is still there and no longer configured cannot be started anew: nobody knows how. */
function refuseForgotten(
  project: Project,
  picked: readonly { readonly name: string }[],
  named: readonly string[],
): void {
  if (named.length === 0) return;
  const gone = picked.find(({ name }) => !project.config.windows.some((window) => window.name === name));
  if (gone === undefined) return;
  throw new DevenvError(
    'unknown-window',
    `${gone.name} is in the session, but no longer in devenv.yaml`,
    `devenv stop ${gone.name} ends it; to restart it, write it again`,
  );
}
