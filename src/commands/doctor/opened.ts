import { homeOf, isGone, listOpened } from '../../open/index.ts';
import { fine, problem, type Check } from './check.ts';

/** Checkpoints that are open: their work trees are there. */
export const opened: Check = async ({ ctx, root }) => {
  const all = listOpened(homeOf(root, ctx.env), ctx.env);
  if (all.length === 0) return [];
  const gone = all.filter(isGone);
  if (gone.length === 0) return fine('open', `whole: ${all.map(({ tag }) => tag).join(', ')}`);
  return gone.map(({ tag, tree }) =>
    problem('warning', 'open', {
      message: `${tag} is open, but its work tree is gone: ${tree}`,
      remedy: `devenv open --close ${tag} forgets it, devenv open ${tag} makes it anew`,
    }),
  );
};
