import { z } from 'zod';
import { abort, command, duration, filled, flag, list, oneOf, size, template } from './schema-values.ts';
import { choices } from './words.ts';

const webhook = z.union([z.string().regex(/^https?:\/\/[^\s/]/, abort), template], {
  error: 'must be an http or https URL',
});

/** What `devenv nightly` does. */
export const nightly = z.strictObject({
  at: z
    .union([z.string().regex(/^([01]?\d|2[0-3]):[0-5]\d$/, abort), template], {
      error: 'must be a time of day in quotes, from "00:00" to "23:59"',
    })
    .optional()
    .describe('When `devenv cron install` schedules it; default: a minute after 4 that differs by project.'),
  timeout: duration.optional().describe('How long a run may take in all (default 2h).'),
  suites: list(filled, 'a suite').optional().describe('Suites to run (default: all, also those on demand).'),
  gates: list(filled, 'a gate').optional().describe('Gates to evaluate (default: all).'),
  min_disk: size.optional().describe('With less room on the disk than this nothing is run (default 1GB).'),
  on_failure: oneOf(choices.nightlyOnFailure)
    .optional()
    .describe('After a confirmed regression: put the last good checkpoint back, or keep the files.'),
  keep_reports: duration.optional().describe('How long reports are kept (default 30d).'),
  notify: z
    .strictObject({
      command: command
        .optional()
        .describe('A command that is told of a failure and of the first success after it.'),
      webhook: webhook.optional().describe('A URL that is told the same, as JSON by POST.'),
      desktop: flag
        .optional()
        .describe('Also a notification on the desktop, where there is one (default true).'),
    })
    .optional()
    .describe('Who is told of a failure, and of the first success after one.'),
});
