import { DevenvError, formatSize } from '../base/index.ts';
import { bareProject, loadProject, type Project } from '../config/index.ts';
import type { CommandContext } from './context.ts';

/**
 * The project, for a command that must work also when its configuration has a mistake: the file to be put back may
 * be that very file. The mistake is told, and `otherwise` says what holds then; without it the defaults.
 */
export async function evenIfMistaken(
  ctx: Pick<CommandContext, 'env' | 'note'>,
  cwd: string,
  otherwise: () => Project | Promise<Project> = () => withDefaults(ctx, cwd),
): Promise<Project> {
  try {
    return await loadProject({ cwd, env: ctx.env });
  } catch (error) {
    const mistaken =
      error instanceof DevenvError && (error.code === 'config' || error.code === 'unknown-layout');
    if (!mistaken) throw error;
    for (const line of error.message.split('\n')) ctx.note(`warning: ${line}`);
    return otherwise();
  }
}

function withDefaults({ env, note }: Pick<CommandContext, 'env' | 'note'>, cwd: string): Project {
  const project = bareProject({ cwd, env });
  const { maxFileBytes, tags } = project.config.checkpoint;
  note(
    `warning: the configuration has a mistake, so the defaults hold for this command (checkpoint.max_file ${formatSize(maxFileBytes)}, checkpoint.tags ${tags}, ...)`,
  );
  return project;
}
