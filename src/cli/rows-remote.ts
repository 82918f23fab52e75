import { DevenvError } from '../base/index.ts';
import type { CommandContext, CommandResult } from '../commands/context.ts';
import { flag, type CommandSpec, type Parsed } from './table.ts';

/** What `devenv host` can do, by its first argument; the others are the action's own. */
const hostActions: Readonly<
  Record<string, (ctx: CommandContext, args: readonly string[], p: Parsed) => Promise<CommandResult>>
> = {
  push: async (ctx, args, p) =>
    (await import('../commands/host-push.ts')).hostPush(ctx, { host: args[0], force: flag(p, 'force') }),
  pull: async (ctx, args, p) =>
    (await import('../commands/host-pull.ts')).hostPull(ctx, { host: args[0], prune: flag(p, 'prune') }),
};

export const remoteCommands: readonly CommandSpec[] = [
  {
    name: 'host',
    group: 'Project',
    onHost: 'here',
    summary: 'send the work tree to a remote box (push), bring its checkpoints here (pull)',
    args: '<action> [name]',
    completes: 'none',
    options: [
      ['--force', 'push: also over work that is only there; undo there brings it back'],
      ['--prune', 'pull: forget what was brought before and is not there any more', ['force']],
    ],
    example: 'devenv host push box',
    run: async (ctx, p) => {
      const [name = '', ...args] = p.args;
      const action = Object.hasOwn(hostActions, name) ? hostActions[name] : undefined;
      if (!action)
        throw new DevenvError(
          'usage',
          `devenv host does not know ${JSON.stringify(name)}`,
          `one of ${Object.keys(hostActions).join(', ')}`,
        );
      return action(ctx, args, p);
    },
  },
  {
    name: '__code',
    group: 'Project',
    hidden: true,
    onHost: 'here',
    summary: 'the other end of host push and host pull',
    args: '<action> [about]',
    completes: 'none',
    example: 'devenv __code state',
    run: async (ctx, p) =>
      (await import('../commands/code-on-box.ts')).codeOnBox(ctx, { action: p.args[0], about: p.args[1] }),
  },
];
