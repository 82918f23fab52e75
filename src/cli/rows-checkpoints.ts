import { flag, text, texts, type CommandSpec } from './table.ts';

export const checkpointCommands: readonly CommandSpec[] = [
  {
    name: 'checkpoint',
    group: 'Checkpoints',
    summary: 'verify the tree, then keep it under a tag',
    options: [
      ['-m, --message <text>', 'what it is'],
      ['--no-verify', 'keep it at once, marked unverified'],
      ['--promote [tag]', 'make a normal commit of one (default: the last good one) on this branch'],
    ],
    example: 'devenv checkpoint -m "login works"',
    run: async (ctx, p) => {
      const input = { message: text(p, 'message'), verify: p.options['verify'] !== false };
      if (p.options['promote'] === undefined)
        return (await import('../commands/checkpoint.ts')).checkpoint(ctx, input);
      const { promoteCheckpoint } = await import('../commands/promote.ts');
      return promoteCheckpoint(ctx, { ...input, tag: text(p, 'promote') });
    },
  },
  {
    name: 'checkpoints',
    group: 'Checkpoints',
    summary: 'list checkpoints, newest first',
    options: [
      ['--good', 'only those whose gates passed'],
      ['--since <time>', 'only those made since then: 2h, yesterday, 2026-01-31'],
      ['--until <time>', 'only those made until then'],
      ['--touching <file...>', 'only those in which one of these files or folders changed'],
      ['-n, --limit <count>', 'only the newest ones'],
      ['--export <branch>', 'write them as commits of this branch instead; an earlier export is continued'],
    ],
    example: 'devenv checkpoints --good --since 2h',
    run: async (ctx, p) =>
      (await import('../commands/checkpoints.ts')).checkpoints(ctx, {
        good: flag(p, 'good'),
        since: text(p, 'since'),
        until: text(p, 'until'),
        touching: texts(p, 'touching'),
        limit: text(p, 'limit'),
        exportTo: text(p, 'export'),
      }),
  },
  {
    name: 'diff',
    group: 'Checkpoints',
    summary: 'what changed between two checkpoints, or since one',
    args: '[tag] [tag]',
    completes: 'tag',
    paths: true,
    options: [
      ['--patch', 'line by line (the default)'],
      ['--stat', 'only how much changed in which file'],
      ['--name-only', 'only which files'],
      ['--tool', "in your own difftool (git's diff.tool)"],
    ],
    example: 'devenv diff last -- src/api',
    run: async (ctx, p) =>
      (await import('../commands/diff.ts')).diff(ctx, {
        from: p.args[0],
        to: p.args[1],
        stat: flag(p, 'stat'),
        patch: flag(p, 'patch'),
        nameOnly: flag(p, 'nameOnly'),
        tool: flag(p, 'tool'),
        paths: p.paths ?? [],
      }),
  },
  {
    name: 'rollback',
    group: 'Checkpoints',
    summary: 'put a checkpoint back (default: the last good one); undo takes it back',
    args: '[tag]',
    completes: 'tag',
    options: [
      ['--dry-run', 'list every file it would write or delete, and do nothing'],
      ['--head', 'also put the branch back to the commit of the checkpoint'],
      ['--yes', 'go ahead although a great part of the tree would be deleted'],
    ],
    example: 'devenv rollback checkpoint-20260102-030405',
    run: async (ctx, p) =>
      (await import('../commands/rollback.ts')).rollback(ctx, {
        tag: p.args[0],
        dryRun: flag(p, 'dryRun'),
        head: flag(p, 'head'),
        yes: flag(p, 'yes'),
      }),
  },
  {
    name: 'undo',
    group: 'Checkpoints',
    summary: 'take the last rollback or reset back, exactly',
    options: [['--yes', 'go ahead although a great part of the tree would be deleted']],
    example: 'devenv undo',
    run: async (ctx, p) => (await import('../commands/undo.ts')).undo(ctx, { yes: flag(p, 'yes') }),
  },
  {
    name: 'open',
    group: 'Checkpoints',
    summary: 'a checkpoint in its own work tree and session with its own ports, beside the live one',
    args: '[tag]',
    completes: 'tag',
    options: [
      ['--list', 'what is open'],
      ['--close', 'end its session and remove its work tree; what was changed there is kept'],
      ['-d, --detach', 'do not attach'],
      ['--no-wait', 'do not wait until services are ready'],
      ['--yes', 'with --close: also when ignored files in it are lost'],
    ],
    example: 'devenv open checkpoint-20260102-030405',
    run: async (ctx, p) =>
      (await import('../commands/open.ts')).open(ctx, {
        tag: p.args[0],
        list: flag(p, 'list'),
        close: flag(p, 'close'),
        yes: flag(p, 'yes'),
        detach: flag(p, 'detach'),
        wait: p.options['wait'] !== false,
      }),
  },
];
