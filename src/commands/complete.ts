import { readUserHosts } from '../remote/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** What can be completed by asking the project. */
const kinds = {
  window: async (ctx) => (await project(ctx)).config.windows.map(({ name }) => name),
  suite: async (ctx) => (await project(ctx)).config.suites.map(({ name }) => name),
  /** What `devenv run` takes; the suite e2e and the window that runs it are one name. */
  runnable: async (ctx) => {
    const { suites, windows } = (await project(ctx)).config;
    return [
      ...new Set([...suites, ...windows.filter(({ kind }) => kind === 'task')].map(({ name }) => name)),
    ];
  },
  host: async (ctx) => Object.keys({ ...readUserHosts(ctx.env), ...(await project(ctx)).config.hosts }),
  layout: async (ctx) => {
    const { findRoot, listLayouts } = await import('../config/index.ts');
    return listLayouts(findRoot(ctx.cwd).root, ctx.env);
  },
  tag: async (ctx) => {
    const [{ openRepo }, { listCheckpoints }] = await Promise.all([
      import('../git/index.ts'),
      import('../checkpoint/index.ts'),
    ]);
    const checkpoints = await listCheckpoints(await openRepo(ctx), { limit: 100 });
    return checkpoints.map(({ tag }) => tag);
  },
} satisfies Record<string, (ctx: CommandContext) => Promise<readonly string[]>>;

/** `devenv __complete KIND`: names for the shell's completion, one a line. */
export async function complete(
  ctx: CommandContext,
  input: { readonly kind: string },
): Promise<CommandResult> {
  const find = Object.entries(kinds).find(([kind]) => kind === input.kind)?.[1];
  try {
    const names = (await find?.(ctx)) ?? [];
    return { json: { names }, text: names.join('\n') };
  } catch {
    // Whoever presses Tab wants names or nothing; a broken configuration is told by every other command.
    return { json: { names: [] }, text: '' };
  }
}

async function project(ctx: CommandContext) {
  const { loadProject } = await import('../config/index.ts');
  return loadProject({ cwd: ctx.cwd, env: ctx.env });
}
