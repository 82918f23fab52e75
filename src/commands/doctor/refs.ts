import path from 'node:path';
import { plural } from '../../base/index.ts';
import {
  checkpointNames,
  findBrokenRefs,
  quarantineRefs,
  restoreFromTags,
  type BrokenRef,
} from '../../checkpoint/index.ts';
import { fine, problem, type Check } from './check.ts';

const name = 'checkpoints';

/** Refs of devenv's that lead nowhere: after a power cut they would make git fetch and gc fail. */
export const checkpointRefs: Check = async ({ ctx, repo, fix }) => {
  if (!repo) return [];
  const broken = await findBrokenRefs(repo);
  if (broken.length === 0)
    return fine(
      name,
      (await checkpointNames(repo)).length === 0 ? 'none yet' : 'every checkpoint can be read',
    );
  if (fix) {
    const dir = await quarantineRefs(repo, broken, ctx.clock.now());
    const back = await restoreFromTags(repo, broken);
    const aside = `put aside ${describe(broken)}; now in ${path.relative(repo.root, dir) || dir}`;
    return fine(name, back.length === 0 ? aside : `${aside}; made anew from the tag: ${back.join(', ')}`);
  }
  return problem('error', name, {
    message: `cannot be read any more: ${describe(broken)}; git fetch and git gc may fail`,
    remedy: `devenv doctor --fix puts ${broken.length > 1 ? 'them' : 'it'} aside, out of git's sight, and makes anew what a sound tag holds`,
  });
};

function describe(broken: readonly BrokenRef[]): string {
  const names = broken.slice(0, 3).map(({ ref, why }) => `${ref} (${why})`);
  const more = broken.length > 3 ? ` and ${plural(broken.length - 3, 'more ref')}` : '';
  return `${names.join(', ')}${more}`;
}
