import { flag, text, type CommandSpec, type Parsed } from './table.ts';

export const checkpointCommands: readonly CommandSpec[] = [
  {
    name: 'checkpoint',
    group: 'Checkpoints',
    summary: 'verify the tree, then keep it under a tag',
    options: [
      ['-m, --message <text>', 'what it is'],
      ['--no-verify', 'keep it at once, marked unverified'],
    ],
    example: 'devenv checkpoint -m "login works"',
    run: async (ctx, p) =>
      (await import('../commands/checkpoint.ts')).checkpoint(ctx, {
        message: text(p, 'message'),
        verify: p.options['verify'] !== false,
      }),
  },
  {
    name: 'checkpoints',
    group: 'Checkpoints',
    summary: 'list checkpoints, newest first',
    options: [['--good', 'only those whose gates passed']],
    example: 'devenv checkpoints --good',
    run: async (ctx, p) =>
      (await import('../commands/checkpoints.ts')).checkpoints(ctx, { good: flag(p, 'good') }),
  },
  {
    name: 'diff',
    group: 'Checkpoints',
    summary: 'what changed between two checkpoints, or since one',
    args: '[from] [to]',
    completes: 'tag',
    options: [['--stat', 'only how much changed in which file']],
    example: 'devenv diff last',
    run: async (ctx, p) =>
      (await import('../commands/diff.ts')).diff(ctx, {
        from: p.args[0],
        to: p.args[1],
        stat: flag(p, 'stat'),
      }),
  },
  {
    name: 'rollback',
    group: 'Checkpoints',
    summary:
      'put a checkpoint back (default: the last good one), or only the paths after --; undo takes it back',
    args: '[tag] [paths...]',
    completes: 'tag',
    options: [
      ['--dry-run', 'list every file it would write or delete, and do nothing'],
      ['--head', 'also put the branch back to the commit of the checkpoint'],
      ['--yes', 'go ahead although a great part of the tree would be deleted'],
    ],
    example: 'devenv rollback checkpoint-20260102-030405',
    run: async (ctx, p) =>
      (await import('../commands/rollback.ts')).rollback(ctx, {
        ...tagAndPaths(p),
        dryRun: flag(p, 'dryRun'),
        head: flag(p, 'head'),
        yes: flag(p, 'yes'),
      }),
  },
  {
    name: 'undo',
    group: 'Checkpoints',
    summary: 'take the last rollback or reset back, exactly; --redo goes the other way',
    options: [
      ['--redo', 'do again what the last undo took back'],
      ['--list', 'every step, what became of it, and what comes next'],
      ['--dry-run', 'list every file it would write or delete, and do nothing'],
      ['--yes', 'go ahead although a great part of the tree would be deleted'],
    ],
    example: 'devenv undo',
    run: async (ctx, p) =>
      (await import('../commands/undo.ts')).undo(ctx, {
        yes: flag(p, 'yes'),
        redo: flag(p, 'redo'),
        list: flag(p, 'list'),
        dryRun: flag(p, 'dryRun'),
      }),
  },
];

// What follows `--` is paths, also when no tag stands before it.
function tagAndPaths({ args, afterDashes }: Parsed): { tag: string | undefined; paths: readonly string[] } {
  const before = args.slice(0, args.length - afterDashes);
  return { tag: before[0], paths: [...before.slice(1), ...args.slice(args.length - afterDashes)] };
}
