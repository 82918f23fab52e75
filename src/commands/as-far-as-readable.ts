import { readableProject, type Project } from '../config/index.ts';
import type { CommandContext } from './context.ts';
import { evenIfMistaken } from './even-if-mistaken.ts';

/** As `evenIfMistaken`, for a command that needs only these settings: those without a mistake hold. */
export function asFarAsReadable(ctx: CommandContext, wanted: readonly string[]): Promise<Project> {
  return evenIfMistaken(ctx, ctx.cwd, async () => {
    const { project, unread } = await readableProject({ cwd: ctx.cwd, env: ctx.env, wanted });
    ctx.note(
      `warning: the configuration has a mistake, so only ${wanted.join(' and ')} are read${
        unread.length === 0 ? '' : `; what cannot be read: ${unread.join(', ')}`
      }`,
    );
    return project;
  });
}
