import type { Cron } from 'croner';
import { quickHash } from '../base/index.ts';

// A night is due as Vixie cron counts: a time that the clock skips in spring comes right after the gap, one that
// it shows twice in autumn counts once, the first time.

/** The time zone of this machine, as `Europe/Berlin`. */
export function hostZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** When `at` (`HH:MM` in the time zone) was due last, that very moment included. All in milliseconds since 1970. */
export async function lastDue(at: string, now: number, zone: string): Promise<number> {
  // It counts whole seconds, and without the one that is asked for.
  const [last] = (await schedule(at, zone)).previousRuns(1, new Date(Math.floor(now / 1000) * 1000 + 1));
  return last?.getTime() ?? 0;
}

/** When `at` is due next, later than now. */
export async function nextDue(at: string, now: number, zone: string): Promise<number> {
  return (await schedule(at, zone)).nextRun(new Date(now))?.getTime() ?? 0;
}

async function schedule(at: string, zone: string): Promise<Cron> {
  const { Cron } = await import('croner');
  const [hour, minute] = clockTime(at);
  return new Cron(`${minute} ${hour} * * *`, { timezone: zone, paused: true });
}

/** `04:17` as numbers. */
export function clockTime(at: string): readonly [hour: number, minute: number] {
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  return [hour, minute];
}

/** A minute after four that differs from project to project, so that not all start at once. */
export function usualTime(id: string): string {
  return `04:${String(parseInt(quickHash(id).slice(-4), 16) % 60).padStart(2, '0')}`;
}

/** Whether the clock may skip or repeat this time when it is changed. */
export function isChangeHour(at: string): boolean {
  const [hour, minute] = clockTime(at);
  const minutes = hour * 60 + minute;
  return minutes >= 30 && minutes <= 3 * 60 + 30;
}
