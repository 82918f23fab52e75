import { DevenvError } from '../base/index.ts';
import { flag, optionsOf, text, type ActionSpec, type CommandSpec, type OptionSpec } from './table.ts';

const dryRun: OptionSpec = ['--dry-run', 'say what would be written, and do nothing'];

const actions = {
  install: {
    summary: 'schedule the nightly run of this project on this machine, or at another time',
    options: [
      ['--at <time>', 'the time of day, e.g. 04:17 (default: nightly.at, else a minute after 4)'],
      ['--backend <name>', 'auto, cron or systemd (default: auto)'],
      dryRun,
    ],
    example: 'devenv cron install --at 04:17',
  },
  list: {
    summary: 'what is scheduled on this machine, when it runs next and how it went',
    example: 'devenv cron list',
  },
  remove: {
    summary: "end this project's schedule; the reports stay",
    options: [['--id <id>', 'the schedule of a project that is gone'], dryRun],
    example: 'devenv cron remove',
  },
} as const satisfies Readonly<Record<string, ActionSpec>>;

const names = ['install', 'list', 'remove'] as const satisfies readonly (keyof typeof actions)[];

export const nightlyCommands: readonly CommandSpec[] = [
  {
    name: 'nightly',
    group: 'Tests',
    summary: 'the unattended run: all suites and gates, then tag or put back, and a report',
    options: [
      ['--report [n]', 'print a report instead: the last one, or the n-th last', ['history', 'ifMissed']],
      ['--history', 'list the last nights instead', ['ifMissed']],
      ['--if-missed', 'only when a scheduled run was missed'],
    ],
    example: 'devenv nightly',
    run: async (ctx, p) =>
      (await import('../commands/nightly.ts')).nightly(ctx, {
        ifMissed: flag(p, 'ifMissed'),
        report: flag(p, 'report') ? '1' : text(p, 'report'),
        history: flag(p, 'history'),
      }),
  },
  {
    name: 'cron',
    group: 'Tests',
    summary: 'schedule the nightly run on this machine, list what is scheduled, or end it',
    args: '<install|list|remove>',
    completes: 'none',
    options: optionsOf(actions),
    actions,
    example: 'devenv cron install --at 04:17',
    run: async (ctx, p) => {
      const action = names.find((name) => name === p.args[0]);
      if (!action)
        throw new DevenvError(
          'usage',
          `the action must be one of ${names.join(', ')}${p.args[0] ? `, not "${p.args[0]}"` : ''}`,
          'devenv cron list shows what is scheduled',
        );
      const { cron } = await import('../commands/cron.ts');
      return cron(ctx, {
        action,
        at: text(p, 'at'),
        backend: text(p, 'backend'),
        id: text(p, 'id'),
        dryRun: flag(p, 'dryRun'),
      });
    },
  },
];
