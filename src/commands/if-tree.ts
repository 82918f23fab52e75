import { DevenvError, showName } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import type { CommandContext } from './context.ts';

/**
 * Refuses when the work tree is not the one of that name any more: an answer is about the files that were asked
 * about. Reports of the suites and what `watch.ignore` names do not count.
 */
export async function requireTree(
  ctx: CommandContext,
  project: Project,
  asked: { readonly tree: string; readonly tag: string | undefined },
): Promise<void> {
  const [{ openRepo }, { snapshot }, { codeDifference }, { watchIgnored }] = await Promise.all([
    import('../git/index.ts'),
    import('../checkpoint/index.ts'),
    import('../verify/index.ts'),
    import('../watch/index.ts'),
  ]);
  const repo = await openRepo({ cwd: project.root, env: ctx.env });
  const now = await snapshot(repo, {
    now: ctx.clock.now(),
    maxFileBytes: project.config.checkpoint.maxFileBytes,
    purpose: 'look',
  });
  const trees = { from: asked.tree, to: now.tree };
  const [first, ...more] = await codeDifference(repo, project, trees, watchIgnored(project));
  if (first === undefined) return;
  throw new DevenvError(
    'refused',
    `${first === '.' ? 'the files' : showName(first)}${more.length > 0 ? ' and others' : ''} changed since this was asked; nothing was put back`,
    'devenv rollback puts the last good checkpoint back all the same',
  );
}

/** The answer to a question of the checkpointer's, among its decisions. */
export async function noteAnswer(
  ctx: CommandContext,
  project: Project,
  { tree, tag }: { readonly tree: string; readonly tag: string },
): Promise<void> {
  const { openStore } = await import('../store/index.ts');
  const store = openStore(ctx.env, ctx.clock);
  const text = `answered: rolled back to ${tag}; devenv undo takes this back`;
  store.addEvent(project.id, 'checkpointer', { kind: 'answered', text, tree, tag });
  store.close();
}
