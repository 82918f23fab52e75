import { loadProject } from '../config/index.ts';
import { undoLast } from '../rollback/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { describeOutcome, outcomeJson, rollbackDeps, withConsent } from './rollback.ts';

/** `devenv undo`: takes the last rollback or reset back, exactly. */
export async function undo(ctx: CommandContext, input: { readonly yes?: boolean }): Promise<CommandResult> {
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
  const outcome = await withConsent(ctx, input.yes ?? false, (yes) =>
    undoLast(rollbackDeps(ctx, project), project, { yes }),
  );
  return { json: outcomeJson(outcome), text: describeOutcome(ctx.colors, outcome, false) };
}
