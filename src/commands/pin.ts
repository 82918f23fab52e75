import { DevenvError, nearest } from '../base/index.ts';
import { pinCheckpoint, unpinCheckpoint } from '../checkpoint/index.ts';
import { openRepo } from '../git/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

const actions = ['pin', 'unpin'] as const;

/** `devenv checkpoint pin|unpin TAG`: a pinned checkpoint is never dropped. */
export async function pin(
  ctx: CommandContext,
  input: { readonly action: string; readonly tag?: string | undefined },
): Promise<CommandResult> {
  const action = actions.find((one) => one === input.action);
  if (!action) {
    const near = nearest(input.action, actions);
    throw new DevenvError(
      'usage',
      `devenv checkpoint takes no "${input.action}"`,
      near
        ? `did you mean ${near}?`
        : 'a message is given with -m "TEXT"; pin TAG and unpin TAG keep one for good or no longer',
    );
  }
  if (input.tag === undefined)
    throw new DevenvError(
      'usage',
      `devenv checkpoint ${action} needs a tag`,
      'devenv checkpoints lists them',
    );
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  const { tag, commit, changed } =
    action === 'pin'
      ? await pinCheckpoint(repo, input.tag)
      : await unpinCheckpoint(repo, input.tag, ctx.clock.now());
  const pinned = action === 'pin';
  const said = pinned ? `${tag} is pinned: it is never dropped` : `${tag} is not pinned any more`;
  const before = pinned ? `${tag} was pinned already` : `${tag} was not pinned`;
  return { json: { tag, commit, pinned, changed }, text: changed ? said : before };
}
