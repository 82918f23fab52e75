import { DevenvError, exitCodes } from '../base/index.ts';
import { findRoot, loadProject, type Project } from '../config/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { openRepo } from '../git/index.ts';
import { fromError, type Check, type Examined } from './doctor/check.ts';
import { disk, logs, state } from './doctor/places.ts';
import { hosts } from './doctor/hosts.ts';
import { configuration, ports, terminal, watches } from './doctor/project.ts';
import { renderFindings } from './doctor/render.ts';
import { litter } from './doctor/litter.ts';
import { opened } from './doctor/opened.ts';
import { pushes } from './doctor/pushes.ts';
import { checkpointRefs } from './doctor/refs.ts';
import { repository } from './doctor/repo.ts';
import { schedule } from './doctor/schedule.ts';
import { editor, extras, git, logger, node, tmux } from './doctor/tools.ts';

/** In the order they are shown. */
const checks = {
  node,
  tmux,
  git,
  configuration,
  repository,
  checkpoints: checkpointRefs,
  open: opened,
  pushes,
  'left over': litter,
  disk,
  'state directory': state,
  logs,
  logger,
  ports,
  editor,
  'file watches': watches,
  terminal,
  hosts,
  cron: schedule,
  extras,
} satisfies Record<string, Check>;

/**
 * `devenv doctor`: looks at everything the rest depends on, all at once. Exit status 3 when something devenv needs is
 * amiss. With `fix` it mends what it can mend without losing anything.
 */
export async function doctor(
  ctx: CommandContext,
  input: { readonly fix?: boolean } = {},
): Promise<CommandResult> {
  const examined: Examined = {
    fix: input.fix ?? false,
    repo: await openRepo({ cwd: findRoot(ctx.cwd).root, env: ctx.env }).catch(() => undefined), // said by the check of the repository
    ctx,
    root: findRoot(ctx.cwd).root,
    project: await readProject(ctx),
  };
  const findings = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        return await check(examined);
      } catch (error) {
        return fromError('error', name, error);
      }
    }),
  );
  const all = findings.flat();
  const failed = all.some(({ ok, level }) => !ok && level === 'error');
  const result = { json: { checks: all }, text: renderFindings(ctx, all) };
  return failed ? { ...result, exit: exitCodes.environment } : result;
}

async function readProject(ctx: CommandContext): Promise<Project | DevenvError> {
  try {
    return await loadProject({ cwd: ctx.cwd, env: ctx.env });
  } catch (error) {
    // The error is itself what the check of the configuration shows.
    if (error instanceof DevenvError) return error;
    throw error;
  }
}
