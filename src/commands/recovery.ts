import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Repo } from '../git/index.ts';
import type { CommandContext } from './context.ts';

/** Says that a rollback was killed half way, to who takes the work tree as it is. Loads nothing when there is none. */
export async function noteUnfinished(ctx: CommandContext, repo: Repo): Promise<void> {
  if (!existsSync(path.join(repo.gitDir, 'devenv/journal.json'))) return;
  const { describeUnfinished, unfinished } = await import('../rollback/index.ts');
  const found = unfinished(repo);
  if (!found) return;
  ctx.note(`${describeUnfinished(found)}; the files are taken as they are`);
}
