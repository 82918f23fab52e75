import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Repo } from '../git/index.ts';
import type { CommandContext } from './context.ts';

/** Finishes a rollback that was killed, before a command looks at the work tree. Loads nothing when there is none. */
export async function finishKilled(ctx: CommandContext, repo: Repo): Promise<void> {
  const own = path.join(repo.gitDir, 'devenv');
  if (!existsSync(own) || readdirSync(own).length === 0) return;
  const { recover } = await import('../rollback/index.ts');
  const recovery = await recover(repo);
  if (!recovery) return;
  ctx.note(`finished the rollback to ${recovery.name} that had been killed; devenv undo takes it back`);
  for (const file of recovery.left) ctx.note(`left as it is, since it was edited meanwhile: ${file}`);
}
