import { flag, type CommandSpec } from './table.ts';

export const testCommands: readonly CommandSpec[] = [
  {
    name: 'watch',
    group: 'Tests',
    onHost: 'streams',
    summary: 'run the tests on every change, and the timed checkpointer',
    example: 'devenv watch',
    run: async (ctx) => (await import('../commands/watch.ts')).watch(ctx, {}),
  },
  {
    name: 'test',
    group: 'Tests',
    summary: 'run suites once, now',
    args: '[suite...]',
    completes: 'suite',
    options: [
      ['--failed', 'only the suites that failed last time'],
      ['--affected', 'only tests that depend on what changed since the last commit'],
    ],
    example: 'devenv test unit',
    run: async (ctx, p) =>
      (await import('../commands/test.ts')).test(ctx, {
        suites: p.args,
        failed: flag(p, 'failed'),
        affected: flag(p, 'affected'),
      }),
  },
  {
    name: 'gate',
    group: 'Tests',
    summary: 'evaluate gates on the tree as it is',
    args: '[gate...]',
    completes: 'none',
    example: 'devenv gate coverage',
    run: async (ctx, p) => (await import('../commands/gate.ts')).gate(ctx, { names: p.args }),
  },
];
