import { DevenvError } from '../base/index.ts';
import { flag, text, type CommandSpec } from './table.ts';

const configActions = ['show', 'schema', 'path'] as const;
const shells = ['bash', 'zsh', 'fish'] as const;

function oneOf<T extends string>(what: string, given: string | undefined, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === given);
  if (!found)
    throw new DevenvError(
      'usage',
      `${what} must be one of ${allowed.join(', ')}${given ? `, not "${given}"` : ''}`,
    );
  return found;
}

export const projectCommands: readonly CommandSpec[] = [
  {
    name: 'init',
    group: 'Project',
    summary: 'write devenv.yaml from what the project holds',
    options: [
      ['--layout <name>', 'start from this layout'],
      ['--from <file>', 'import a tmuxinator, tmuxp or Procfile file'],
    ],
    example: 'devenv init',
    run: async (ctx, p) =>
      (await import('../commands/init.ts')).init(ctx, { layout: text(p, 'layout'), from: text(p, 'from') }),
  },
  {
    name: 'config',
    group: 'Project',
    onHost: 'reads',
    summary: 'show the effective configuration, its schema or its path',
    args: '[show|schema|path]',
    completes: 'none',
    example: 'devenv config show',
    run: async (ctx, p) =>
      (await import('../commands/config.ts')).config(ctx, {
        action: oneOf('the action', p.args[0] ?? 'show', configActions),
      }),
  },
  {
    name: 'doctor',
    group: 'Project',
    onHost: 'anywhere',
    summary: 'check tools, repository, disk, ports and configuration, with remedies',
    options: [['--fix', 'put aside broken refs of devenv, and remove what its killed processes left']],
    example: 'devenv doctor',
    run: async (ctx, p) => (await import('../commands/doctor.ts')).doctor(ctx, { fix: flag(p, 'fix') }),
  },
  {
    name: 'completion',
    group: 'Project',
    onHost: 'here',
    summary: 'print the completion script of a shell',
    args: '<bash|zsh|fish>',
    completes: 'shell',
    example: 'source <(devenv completion bash)',
    run: async (ctx, p, table) => {
      const shell = oneOf('the shell', p.args[0], shells);
      const { completion } = await import('../commands/completion.ts');
      return completion(ctx, { shell, commands: table.filter((row) => !row.hidden) });
    },
  },
  {
    name: '__complete',
    group: 'Project',
    onHost: 'here',
    summary: 'names for completion',
    args: '<kind>',
    completes: 'none',
    example: 'devenv __complete window',
    hidden: true,
    run: async (ctx, p) => (await import('../commands/complete.ts')).complete(ctx, { kind: p.args[0] ?? '' }),
  },
];
