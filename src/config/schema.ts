import { z } from 'zod';
import { nightly } from './schema-nightly.ts';
import {
  command,
  count,
  duration,
  filled,
  flag,
  list,
  oneOf,
  percent,
  portNumber,
  ratio,
  size,
  variables,
} from './schema-values.ts';
import { choices, namePattern } from './words.ts';

/*
 * The written form of devenv.yaml: the only definition. `schema/devenv.schema.json` is generated from it and
 * `Written` is its type. Every key is optional here, because files are merged before they are complete; what
 * must be there after the merge is a rule (rules.ts).
 */
const name = filled;
const pane = z.union([command, z.strictObject({ command: command.optional() })], {
  error: 'must be a command or { command: ... }',
});

const ready = z.union(
  [
    filled.describe('A URL (http, https or tcp) that must answer.'),
    z.strictObject({
      http: filled.optional().describe('A URL that must answer with a status below 400.'),
      tcp: z
        .union([filled, z.int()], { error: 'must be a port or host:port' })
        .optional()
        .describe('A port, or host:port, that must accept a connection.'),
      log: filled.optional().describe('A regular expression that a line of the output must match.'),
      command: command.optional().describe('A command that must end with status 0.'),
      timeout: duration.optional().describe('How long it may take to become ready (default 60s).'),
    }),
  ],
  { error: 'must be a URL or one of { http, tcp, log, command }' },
);

const restart = z.union(
  [
    oneOf(choices.policy),
    z.strictObject({
      policy: oneOf(choices.policy).optional(),
      max: count.optional().describe('Restarts in a row before it is given up (default 5).'),
      backoff: filled
        .optional()
        .describe('The pause before a restart, growing from the first to the second: 1s..30s.'),
    }),
  ],
  { error: 'must be no, on-failure, always or { policy, max, backoff }' },
);

const window = z.strictObject({
  kind: oneOf(choices.kind)
    .optional()
    .describe(
      'service: keeps running; task: runs on demand and ends; tool: interactive. Inferred when not given.',
    ),
  command: command.optional(),
  panes: z
    .array(pane)
    .optional()
    .describe('Several commands side by side, instead of `command`; an empty one is a shell.'),
  run: name.optional().describe('The suite this task window runs, instead of `command`.'),
  port: portNumber
    .optional()
    .describe('Exported as PORT and ${port.NAME}; auto picks a free one and keeps it.'),
  ready: ready.optional().describe('How it is known to be ready and to stay healthy.'),
  needs: list(name, 'a window').optional().describe('Windows that must be ready before this one starts.'),
  restart: restart.optional().describe('What to do when it ends by itself.'),
  stop: z
    .strictObject({
      signal: oneOf(choices.signal).optional().describe('Default SIGTERM.'),
      grace: duration.optional().describe('Time to end by itself before it is killed (default 5s).'),
    })
    .optional(),
  env: variables.optional().describe("Variables of this window, over the project's."),
  cwd: filled.optional().describe('Its directory, relative to the project.'),
  split: oneOf(choices.split).optional().describe('The tmux layout of its panes.'),
  focus: flag.optional().describe('The window shown first.'),
});

const suite = z.strictObject({
  command: command.optional(),
  results: filled
    .optional()
    .describe('The JUnit XML file the command leaves; without it the exit status alone is judged.'),
  affected: oneOf(choices.affected)
    .optional()
    .describe('auto: run only what a change touches where the runner can tell.'),
  timeout: duration.optional(),
  on: oneOf(choices.on).optional().describe('change: the watcher runs it; demand: only when asked for.'),
  env: variables.optional(),
  cwd: filled.optional(),
});

const gate = z.strictObject({
  suites: list(name, 'a suite').optional().describe('Suites that must pass.'),
  pass_rate: ratio.optional().describe('The share of cases that must pass (default 1.0).'),
  report: filled.optional().describe('A coverage report (lcov).'),
  min: percent.optional().describe('Least line coverage in per cent, for `report`.'),
  command: command.optional().describe('A command that must end with status 0.'),
  max_warnings: count.optional().describe('Most warnings its output may count.'),
  timeout: duration.optional(),
});

const checkpoint = z.strictObject({
  every: duration.optional().describe('How often the timed checkpointer looks (default 5m).'),
  quiet: duration.optional().describe('No reset while the tree was edited this recently (default 10s).'),
  gates: list(name, 'a gate').optional().describe('Gates that must pass; none: every suite of the watcher.'),
  on_failure: oneOf(choices.onFailure)
    .optional()
    .describe('After a confirmed regression. auto: ask when attended, reset when not.'),
  verify_in: oneOf(choices.verifyIn)
    .optional()
    .describe('Where checkpoints are judged: place, or a scratch worktree while you go on editing.'),
  tags: oneOf(choices.tags).optional().describe('Which checkpoints get a plain git tag (default all).'),
  max_file: size.optional().describe('Larger untracked files are left out of checkpoints (default 50MB).'),
  keep: z
    .strictObject({
      last: count.optional().describe('So many of the newest.'),
      hourly: count.optional().describe('The newest good one of each of so many last hours that have any.'),
      daily: count.optional(),
      weekly: count.optional(),
      monthly: count.optional(),
      yearly: count.optional(),
      within: duration.optional().describe('All of this long before the newest (default 24h).'),
      within_hourly: duration
        .optional()
        .describe('The newest good one of each hour of this long (default 7d).'),
      within_daily: duration.optional().describe('Of each day (default 30d).'),
      within_weekly: duration.optional().describe('Of each week (default 90d).'),
      within_monthly: duration.optional(),
      within_yearly: duration.optional(),
      max_disk: z
        .union([z.literal(['auto', 'none']), size], { error: 'must be auto, none or a size such as 2GB' })
        .optional()
        .describe('Room they may take; auto: 2 GB, but at most a fifth of what is free.'),
      good: z.literal('always-last').optional(),
    })
    .optional()
    .describe('Which checkpoints are kept: those that any rule names; the last good one always is.'),
});

/** A value that takes what a lower file defined away again. */
const removable = <T extends z.ZodType>(item: T): z.ZodUnion<[T, z.ZodNull, z.ZodLiteral<false>]> =>
  z.union([item, z.null(), z.literal(false)], { error: 'must be a mapping, or null to remove it' });
const named = <T extends z.ZodType>(
  item: T,
): z.ZodRecord<z.ZodString, z.ZodUnion<[T, z.ZodNull, z.ZodLiteral<false>]>> =>
  z.record(z.string().regex(namePattern), removable(item));

const shared = {
  env: variables.optional().describe('Variables of every window and suite.'),
  env_file: list(
    z.union([filled, z.strictObject({ path: filled, optional: flag.optional() })], {
      error: 'must be a path or { path, optional }',
    }),
    'a file',
  )
    .optional()
    .describe('Files of NAME=value lines, read before `env`.'),
  windows: named(window).optional().describe('The windows of the session, by name.'),
  suites: named(suite).optional().describe('Test commands, by name.'),
  watch: z
    .strictObject({
      suites: list(name, 'a suite')
        .optional()
        .describe('What a change runs (default: every suite with `on: change`).'),
      debounce: duration.optional().describe('How long files must be still before a run (default 50ms).'),
      ignore: list(filled, 'a pattern').optional().describe('Patterns not watched, besides .gitignore.'),
    })
    .optional(),
  gates: named(gate).optional().describe('Rules over results, by name.'),
  checkpoint: checkpoint.optional(),
  nightly: nightly.optional().describe('The nightly unattended run.'),
  worktree: z
    .strictObject({
      link: list(filled, 'a path')
        .optional()
        .describe('Ignored folders linked into scratch worktrees; auto finds them.'),
      copy: list(filled, 'a path')
        .optional()
        .describe('Ignored files and folders copied into scratch worktrees, since suites write there.'),
    })
    .optional(),
  logs: z
    .strictObject({
      dir: filled.optional().describe('Where log files go; default: the state directory.'),
      max_size: size.optional().describe('When a log file is rotated (default 20MB).'),
      keep: count.optional().describe('Rotated files kept (default 5).'),
    })
    .optional(),
};

/** devenv.yaml and devenv.local.yaml. */
export const configSchema = z.strictObject({
  name: filled.optional().describe("The project and its tmux session; default: the folder's name."),
  layout: filled
    .optional()
    .describe('A layout to extend: web, api, monorepo, rust, python, go, minimal or one of your own.'),
  ...shared,
  hosts: z
    .record(
      z.string().regex(/^[A-Za-z0-9._-]+$/),
      removable(
        z.strictObject({
          ssh: filled
            .optional()
            .describe('What ssh is given as destination: a name of ~/.ssh/config, user@host.'),
          path: filled.optional().describe("The project's folder on the box; default: ~/NAME."),
          transport: z.enum(['openssh', 'node-ssh']).optional(),
          keepalive: duration
            .optional()
            .describe('Between two signs of life of the connection; default 15s.'),
          forward_agent: z.boolean().optional().describe('Lets the box use your SSH agent; default false.'),
        }),
      ),
    )
    .optional()
    .describe('Remote boxes, by name.'),
});

/** layouts/*.yaml: the same, less what belongs to one project. */
export const layoutSchema = z.strictObject({
  extends: filled.optional().describe('Another layout to build on.'),
  description: filled.optional(),
  ...shared,
});

export type Written = z.infer<typeof configSchema> & { readonly extends?: string | undefined };
export type WrittenWindow = z.infer<typeof window>;
export type WrittenSuite = z.infer<typeof suite>;
export type WrittenGate = z.infer<typeof gate>;
