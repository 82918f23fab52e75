import { plural } from '../../base/index.ts';
import { findLitter } from '../../checkpoint/index.ts';
import { fine, problem, type Check } from './check.ts';

const name = 'left over';

/** What killed processes of devenv's left. */
export const litter: Check = async ({ ctx, repo, fix }) => {
  if (!repo) return [];
  const found = await findLitter(repo, ctx.clock.now());
  if (found.length === 0) return fine(name, 'nothing of killed processes');
  const [first] = found;
  const more = found.length > 1 ? ` and ${plural(found.length - 1, 'more file')}` : '';
  const list = `${first?.file ?? ''}${more} (${[...new Set(found.map(({ what }) => what))].join(', ')})`;
  if (fix) {
    for (const one of found) await one.remove();
    return fine(name, `removed ${list}`);
  }
  const blocks = found.some((one) => one.blocks);
  return problem('warning', name, {
    message: blocks ? `git may be stopped by ${list}` : list,
    remedy: 'devenv doctor --fix removes it',
  });
};
