import type { CommandSpec } from './table.ts';

export const remoteCommands: readonly CommandSpec[] = [
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
];
