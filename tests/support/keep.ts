import type { KeepConfig, NightlyConfig } from '../../src/config/index.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** `checkpoint.keep` where nothing is written. */
export const keepDefaults: KeepConfig = {
  last: 0,
  hourly: 0,
  daily: 0,
  weekly: 0,
  monthly: 0,
  yearly: 0,
  withinMs: { all: day, hourly: 7 * day, daily: 30 * day, weekly: 90 * day, monthly: 0, yearly: 0 },
  maxDiskBytes: 'auto',
};

/** `nightly` where nothing is written and there are no suites and gates. */
export const nightlyDefaults: NightlyConfig = {
  at: undefined,
  timeoutMs: 2 * hour,
  suites: [],
  gates: [],
  minDiskBytes: 1024 ** 2,
  onFailure: 'reset',
  keepReportsMs: 30 * day,
  notify: { command: undefined, webhook: undefined, desktop: false },
};
