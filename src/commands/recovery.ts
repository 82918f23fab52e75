import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Repo } from '../git/index.ts';
import type { CommandContext } from './context.ts';

/** What was killed half way, and the way out, as a line; undefined when nothing was. Loads nothing then. */
export async function halfDone(repo: Repo): Promise<string | undefined> {
  if (!existsSync(path.join(repo.gitDir, 'devenv/journal.json'))) return undefined;
  const { describeUnfinished, unfinished } = await import('../rollback/index.ts');
  const found = unfinished(repo);
  return found && describeUnfinished(found);
}

/** Says that a rollback was killed half way, to who takes the work tree as it is. */
export async function noteUnfinished(ctx: CommandContext, repo: Repo): Promise<void> {
  const half = await halfDone(repo);
  if (half !== undefined) ctx.note(`${half}; the files are taken as they are`);
}
