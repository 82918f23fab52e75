import type { KeepConfig } from '../../src/config/index.ts';

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
