import { DevenvError } from '../base/index.ts';
import { flag, text, type CommandSpec, type Parsed } from './table.ts';

const timeout = [
  '--timeout <time>',
  "how long to wait for readiness, e.g. 60s (default: each probe's own)",
] as const;

const forward = ['--forward', "with --host: make the services' ports reachable here while attached"] as const;

function noForward(parsed: Parsed): void {
  if (flag(parsed, 'forward')) throw new DevenvError('usage', '--forward goes with --host only');
}

export const sessionCommands: readonly CommandSpec[] = [
  {
    name: 'start',
    group: 'Session',
    summary: 'build the session, wait until its services are ready, attach',
    args: '[window...]',
    completes: 'window',
    options: [
      ['-d, --detach', 'do not attach'],
      ['--no-wait', 'do not wait until services are ready'],
      ['--layout <name>', 'use this layout instead of the configured one'],
      timeout,
      forward,
      // Said by `start --host`, which attaches by itself.
      ['--shown', ''],
    ],
    example: 'devenv start --detach',
    begin: async (place) => (await import('../commands/begun-session.ts')).beginSession(place),
    run: async (ctx, p) => {
      noForward(p);
      return (await import('../commands/start.ts')).start(ctx, {
        windows: p.args,
        detach: flag(p, 'detach'),
        shown: flag(p, 'shown'),
        wait: p.options['wait'] !== false,
        layout: text(p, 'layout'),
        timeout: text(p, 'timeout'),
      });
    },
  },
  {
    name: 'attach',
    group: 'Session',
    summary: 'attach to the running session',
    args: '[window]',
    completes: 'window',
    options: [forward],
    example: 'devenv attach api',
    run: async (ctx, p) => {
      noForward(p);
      return (await import('../commands/attach.ts')).attach(ctx, { window: p.args[0] });
    },
  },
  {
    name: 'status',
    group: 'Session',
    onHost: 'reads',
    summary: 'windows, health, last run of each suite, last good checkpoint; --host all: of every remote box',
    options: [
      ['--all', 'every session of devenv on this machine'],
      ['--watch', 'keep showing it, until Ctrl-C'],
    ],
    example: 'devenv status --json',
    begin: async (place) => (await import('../commands/begun-session.ts')).beginListing(place),
    run: async (ctx, p) =>
      (await import('../commands/status.ts')).status(ctx, { all: flag(p, 'all'), watch: flag(p, 'watch') }),
  },
  {
    name: 'stop',
    group: 'Session',
    summary: 'end the session, or only some windows, with every process in them',
    args: '[window...]',
    completes: 'window',
    example: 'devenv stop',
    run: async (ctx, p) => (await import('../commands/stop.ts')).stop(ctx, { windows: p.args }),
  },
  {
    name: 'restart',
    group: 'Session',
    summary: 'restart all services, or the windows named',
    args: '[window...]',
    completes: 'window',
    options: [['--no-wait', 'do not wait until services are ready again'], timeout],
    example: 'devenv restart api',
    run: async (ctx, p) =>
      (await import('../commands/restart.ts')).restart(ctx, {
        windows: p.args,
        wait: p.options['wait'] !== false,
        timeout: text(p, 'timeout'),
      }),
  },
  {
    name: 'run',
    group: 'Session',
    summary: 'run a suite or a task window now; exits with its status',
    args: '<suite|window>',
    completes: 'suite',
    example: 'devenv run e2e',
    run: async (ctx, p) => (await import('../commands/run.ts')).run(ctx, { name: p.args[0] ?? '' }),
  },
  {
    name: 'logs',
    group: 'Session',
    onHost: 'streams',
    summary: 'logs of all windows, or of some, in order of time',
    args: '[window...]',
    completes: 'window',
    options: [
      ['-f, --follow', 'keep printing what is added'],
      ['--since <time>', 'only lines younger than e.g. 10m'],
      ['--grep <regexp>', 'only lines that match'],
      ['-n, --lines <count>', 'only the last lines (default: 200, with --since or --grep: all)'],
    ],
    example: 'devenv logs api --since 10m --grep POST',
    run: async (ctx, p) =>
      (await import('../commands/logs.ts')).logs(ctx, {
        windows: p.args,
        follow: flag(p, 'follow'),
        since: text(p, 'since'),
        grep: text(p, 'grep'),
        lines: text(p, 'lines'),
      }),
  },
  {
    name: 'ports',
    group: 'Session',
    onHost: 'reads',
    summary: 'the port of each service and who holds it',
    options: [['--free', 'also propose a free one where it is taken']],
    example: 'devenv ports',
    run: async (ctx, p) => (await import('../commands/ports.ts')).ports(ctx, { free: flag(p, 'free') }),
  },
  {
    name: 'wait-ready',
    group: 'Session',
    summary: 'wait until windows are ready',
    args: '<window...>',
    completes: 'window',
    options: [timeout, ['--patient', 'wait on for what has failed or was stopped']],
    example: 'devenv wait-ready api',
    hidden: true,
    run: async (ctx, p) =>
      (await import('../commands/wait-ready.ts')).waitReady(ctx, {
        windows: p.args,
        timeout: text(p, 'timeout'),
        patient: flag(p, 'patient'),
      }),
  },
];
