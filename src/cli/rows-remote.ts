import { DevenvError, nearest } from '../base/index.ts';
import type { CommandContext, CommandResult } from '../commands/context.ts';
import { flag, optionsOf, text, type ActionSpec, type CommandSpec, type Parsed } from './table.ts';

type Action = (ctx: CommandContext, args: readonly string[], p: Parsed) => Promise<CommandResult>;

/** What `devenv host` can do, by its first argument; the others are the action's own. */
const hostActions: Readonly<Record<string, ActionSpec & { readonly most: number; readonly run: Action }>> = {
  add: {
    summary: 'note a remote box under a name, once it has answered',
    args: '<host> <destination>',
    options: [
      ['--path <dir>', "the project's folder there (default: ~/NAME OF THE PROJECT)"],
      ['--transport <kind>', "openssh (default: the system's ssh) or node-ssh"],
      ['--keepalive <time>', 'between two signs of life (default: 15s)'],
      ['--forward-agent', 'let the box use your ssh agent'],
      ['--no-check', 'without connecting once'],
      ['--force', 'replace one of that name'],
    ],
    example: 'devenv host add box dev@box.example',
    most: 2,
    run: async (ctx, [name, destination], p) =>
      (await import('../commands/host.ts')).hostAdd(ctx, {
        name,
        destination,
        path: text(p, 'path'),
        transport: text(p, 'transport'),
        keepalive: text(p, 'keepalive'),
        forwardAgent: flag(p, 'forwardAgent'),
        check: p.options['check'] !== false,
        force: flag(p, 'force'),
      }),
  },
  list: {
    summary: 'the boxes that are known, and where each is written',
    example: 'devenv host list',
    most: 0,
    run: async (ctx) => (await import('../commands/host.ts')).hostList(ctx),
  },
  check: {
    summary: 'whether a box has what devenv needs, or every box',
    args: '[host]',
    example: 'devenv host check box',
    most: 1,
    run: async (ctx, [host]) => (await import('../commands/host-check.ts')).hostCheck(ctx, { host }),
  },
  bootstrap: {
    summary: 'bring this devenv to a box, as its first use would',
    args: '<host>',
    options: [['--force', 'also when it is there']],
    example: 'devenv host bootstrap box',
    most: 1,
    run: async (ctx, [host], p) =>
      (await import('../commands/host.ts')).hostBootstrap(ctx, { host, force: flag(p, 'force') }),
  },
  push: {
    summary: 'bring the work tree, staged state, branch and commits to a box; undo there takes it back',
    args: '<host>',
    options: [['--force', 'also over work that is only there']],
    example: 'devenv host push box',
    most: 1,
    run: async (ctx, [host], p) =>
      (await import('../commands/host-push.ts')).hostPush(ctx, { host, force: flag(p, 'force') }),
  },
  pull: {
    summary: "bring a box's checkpoints, present work tree and new commits here, as refs",
    args: '<host>',
    options: [['--prune', 'forget what was brought before and is not there any more']],
    example: 'devenv host pull box',
    most: 1,
    run: async (ctx, [host], p) =>
      (await import('../commands/host-pull.ts')).hostPull(ctx, { host, prune: flag(p, 'prune') }),
  },
  remove: {
    summary: 'take devenv off a box, and forget it',
    args: '<host>',
    options: [
      ['--keep-files', 'only forget it, leave the box as it is'],
      ['--yes', 'end sessions of devenv there, and take its nightly runs away'],
    ],
    example: 'devenv host remove box',
    most: 1,
    run: async (ctx, [host], p) =>
      (await import('../commands/host-remove.ts')).hostRemove(ctx, {
        host,
        keepFiles: flag(p, 'keepFiles'),
        yes: flag(p, 'yes'),
      }),
  },
};

export const remoteCommands: readonly CommandSpec[] = [
  {
    name: 'host',
    group: 'Remote',
    onHost: 'here',
    summary: 'remote boxes: add, list, check, bootstrap, push, pull, remove',
    args: '[add|list|check|bootstrap|push|pull|remove] [host] [destination]',
    completes: 'none',
    options: optionsOf(hostActions),
    actions: hostActions,
    example: 'devenv host add box dev@box.example',
    run: async (ctx, p) => {
      const [name = '', ...args] = p.args;
      const action = Object.hasOwn(hostActions, name) ? hostActions[name] : undefined;
      if (!action) throw unknownAction(name);
      if (args.length > action.most)
        throw new DevenvError('usage', `devenv host ${name}: too many arguments: ${args.join(' ')}`);
      return action.run(ctx, args, p);
    },
  },
  {
    name: '__settle',
    group: 'Remote',
    onHost: 'here',
    summary: 'the last step of an install on a remote box',
    completes: 'none',
    example: 'devenv __settle',
    hidden: true,
    run: async (ctx) => (await import('../commands/settle.ts')).settleHere(ctx),
  },
  {
    name: '__code',
    group: 'Remote',
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

function unknownAction(name: string): DevenvError {
  const known = Object.keys(hostActions);
  if (name === '') return new DevenvError('usage', 'devenv host does what?', `one of ${known.join(', ')}`);
  const meant = nearest(name, known);
  return new DevenvError(
    'usage',
    `devenv host does not know ${JSON.stringify(name)}`,
    meant ? `did you mean devenv host ${meant}?` : `one of ${known.join(', ')}`,
  );
}
