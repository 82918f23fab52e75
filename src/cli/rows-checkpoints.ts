import { exclude, flag, text, texts, type CommandSpec } from './table.ts';

export const checkpointCommands: readonly CommandSpec[] = [
  {
    name: 'checkpoint',
    group: 'Checkpoints',
    summary: 'verify the tree, then keep it under a tag; or pin one, so that it is never dropped',
    args: '[pin|unpin] [tag]',
    completes: 'tag',
    options: [
      ['-m, --message <text>', 'what it is'],
      ['--no-verify', 'keep it at once, marked unverified'],
      ['--promote [tag]', 'make a normal commit of one (default: the last good one) on this branch'],
    ],
    example: 'devenv checkpoint -m "login works"',
    begin: async (place, argv) =>
      argv.includes('--no-verify') ? (await import('../commands/begun.ts')).beginLook(place) : undefined,
    run: async (ctx, p) => {
      const input = { message: text(p, 'message'), verify: p.options['verify'] !== false };
      if (p.args[0] !== undefined) {
        exclude(p.args[0], {
          '--message': input.message !== undefined,
          '--promote': p.options['promote'] !== undefined,
        });
        return (await import('../commands/pin.ts')).pin(ctx, { action: p.args[0], tag: p.args[1] });
      }
      if (p.options['promote'] === undefined)
        return (await import('../commands/checkpoint.ts')).checkpoint(ctx, input);
      const { promoteCheckpoint } = await import('../commands/promote.ts');
      return promoteCheckpoint(ctx, { ...input, tag: text(p, 'promote') });
    },
  },
  {
    name: 'checkpoints',
    group: 'Checkpoints',
    onHost: 'reads',
    summary: 'list checkpoints, newest first',
    options: [
      ['--good', 'only those whose gates passed'],
      [
        '--trash',
        'those that were dropped in the last week',
        ['export', 'good', 'since', 'until', 'touching', 'limit'],
      ],
      ['--from <host>', 'those that devenv host pull brought from a remote box', ['trash']],
      ['--since <time>', 'only those made since then: 2h, yesterday, 2026-01-31'],
      ['--until <time>', 'only those made until then'],
      ['--touching <file...>', 'only those in which one of these files or folders changed'],
      ['-n, --limit <count>', 'only the newest ones'],
      ['--export <branch>', 'write them as commits of this branch instead; an earlier export is continued'],
    ],
    example: 'devenv checkpoints --good --since 2h',
    run: async (ctx, p) =>
      flag(p, 'trash')
        ? (await import('../commands/trash.ts')).trash(ctx)
        : (await import('../commands/checkpoints.ts')).checkpoints(ctx, {
            from: text(p, 'from'),
            good: flag(p, 'good'),
            since: text(p, 'since'),
            until: text(p, 'until'),
            touching: texts(p, 'touching'),
            limit: text(p, 'limit'),
            exportTo: text(p, 'export'),
          }),
  },
  {
    name: 'prune',
    group: 'Checkpoints',
    summary: 'move checkpoints that no rule keeps to the trash; a week later they are gone',
    options: [
      ['--dry-run', 'say of each why it stays or goes, and do nothing'],
      ['--restore <tag>', 'take one out of the trash again, and pin it', ['dryRun']],
    ],
    example: 'devenv prune --dry-run',
    run: async (ctx, p) =>
      (await import('../commands/prune.ts')).prune(ctx, {
        dryRun: flag(p, 'dryRun'),
        restore: text(p, 'restore'),
      }),
  },
  {
    name: 'diff',
    group: 'Checkpoints',
    onHost: 'reads',
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
    summary:
      'put a checkpoint back (default: the last good one), or only the paths after --; undo takes it back',
    args: '[tag] [paths...]',
    completes: 'tag',
    paths: true,
    options: [
      ['--dry-run', 'list every file it would write or delete, and do nothing'],
      ['--head', 'also put the branch back to the commit of the checkpoint'],
      ['--yes', 'go ahead although a great part of the tree would be deleted'],
      ['--if-tree <tree>', 'only while the work tree is still this one'],
    ],
    example: 'devenv rollback checkpoint-20260102-030405',
    run: async (ctx, p) =>
      (await import('../commands/rollback.ts')).rollback(ctx, {
        tag: p.args[0],
        paths: p.paths || p.args.length > 1 ? [...p.args.slice(1), ...(p.paths ?? [])] : undefined,
        dryRun: flag(p, 'dryRun'),
        head: flag(p, 'head'),
        yes: flag(p, 'yes'),
        ifTree: text(p, 'ifTree'),
      }),
  },
  {
    name: 'undo',
    group: 'Checkpoints',
    summary: 'take the last rollback or reset back, exactly; --redo goes the other way',
    options: [
      ['--redo', 'do again what the last undo took back'],
      ['--list', 'every step, what became of it, and what comes next', ['redo', 'dryRun']],
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
  {
    name: 'bisect',
    group: 'Checkpoints',
    summary: 'find the first bad checkpoint or commit, in a scratch work tree',
    options: [
      ['--good <tag>', 'one that worked (default: the last good one before the bad one)'],
      ['--bad <tag>', 'one that does not (default: the work tree as it is now; with --commits: HEAD)'],
      ['--suite <suite>', 'judge by this suite (default: those of the gates that fail on the bad one)'],
      ['--run <command>', 'judge by a command: 0 is good, 125 skips, others up to 127 are bad'],
      ['--commits', 'search the commits between two revisions'],
      ['--fresh', 'do not use what earlier runs say of a tree'],
      ['--reset', 'forget the bisect that was stopped half way'],
    ],
    example: 'devenv bisect --suite unit',
    run: async (ctx, p) =>
      (await import('../commands/bisect.ts')).bisect(ctx, {
        good: text(p, 'good'),
        bad: text(p, 'bad'),
        suite: text(p, 'suite'),
        run: text(p, 'run'),
        commits: flag(p, 'commits'),
        fresh: flag(p, 'fresh'),
        reset: flag(p, 'reset'),
      }),
  },
  {
    name: 'open',
    group: 'Checkpoints',
    summary: 'a checkpoint in its own work tree and session with its own ports, beside the live one',
    args: '[tag]',
    completes: 'tag',
    options: [
      ['--list', 'what is open', ['close']],
      ['--close', 'end its session and remove its work tree; what was changed there is kept'],
      ['-d, --detach', 'do not attach'],
      ['--no-wait', 'do not wait until services are ready'],
      ['--yes', 'with --close: also when ignored files in it are lost'],
    ],
    example: 'devenv open checkpoint-20260102-030405',
    run: async (ctx, p) => {
      if (flag(p, 'list')) exclude('--list', { 'a tag': p.args[0] !== undefined });
      return (await import('../commands/open.ts')).open(ctx, {
        tag: p.args[0],
        list: flag(p, 'list'),
        close: flag(p, 'close'),
        yes: flag(p, 'yes'),
        detach: flag(p, 'detach'),
        wait: p.options['wait'] !== false,
      });
    },
  },
];
