import type { Document } from './document.ts';
import type { Written, WrittenSuite } from './schema.ts';

/** What holds where nothing is written; it lies under every file. */
const written: Written = {
  checkpoint: {
    every: '5m',
    quiet: '10s',
    gates: [],
    on_failure: 'auto',
    verify_in: 'place',
    tags: 'all',
    max_file: '50MB',
    keep: {
      last: 0,
      hourly: 0,
      daily: 0,
      weekly: 0,
      monthly: 0,
      yearly: 0,
      within: '24h',
      within_hourly: '7d',
      within_daily: '30d',
      within_weekly: '90d',
      within_monthly: 0,
      within_yearly: 0,
      max_disk: 'auto',
      good: 'always-last',
    },
  },
  nightly: {
    timeout: '2h',
    min_disk: '1GB',
    on_failure: 'reset',
    keep_reports: '30d',
    notify: { desktop: true },
  },
  watch: { debounce: '50ms', ignore: [] },
  worktree: { link: 'auto', copy: [] },
  logs: { dir: 'default', max_size: '20MB', keep: 5 },
};

export const windowDefaults = {
  split: 'tiled',
  focus: false,
  restart: { policy: 'no', max: 5, backoff: '1s..30s' },
  stop: { signal: 'SIGTERM', grace: '5s' },
  readyTimeout: '60s',
} as const;

export const suiteDefaults = {
  affected: 'auto',
  timeout: '10m',
  on: 'change',
} as const satisfies WrittenSuite;

export const gateDefaults = { pass_rate: 1, timeout: '10m' } as const;

/** The defaults as a document. */
export const defaults: Document = { value: written, at: {} };
