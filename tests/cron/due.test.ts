import { describe, expect, test } from 'vitest';
import { isChangeHour, lastDue, nextDue, usualTime } from '../../src/cron/index.ts';

const berlin = 'Europe/Berlin';
const newYork = 'America/New_York';
const at = (iso: string): number => Date.parse(iso);

// 2026: Berlin changes on 29 March at 01:00 UTC and on 25 October at 01:00 UTC; New York on 8 March at 07:00 UTC
// and on 1 November at 06:00 UTC.
const cases: readonly (readonly [
  what: string,
  time: string,
  zone: string,
  now: string,
  last: string,
  next: string,
])[] = [
  [
    'an ordinary day',
    '04:17',
    berlin,
    '2026-05-05T12:00:00Z',
    '2026-05-05T02:17:00Z',
    '2026-05-06T02:17:00Z',
  ],
  [
    'that very second',
    '04:17',
    berlin,
    '2026-05-05T02:17:00Z',
    '2026-05-05T02:17:00Z',
    '2026-05-06T02:17:00Z',
  ],
  [
    'a moment before',
    '04:17',
    berlin,
    '2026-05-05T02:16:59.999Z',
    '2026-05-04T02:17:00Z',
    '2026-05-05T02:17:00Z',
  ],
  [
    'a moment after',
    '04:17',
    berlin,
    '2026-05-05T02:17:00.001Z',
    '2026-05-05T02:17:00Z',
    '2026-05-06T02:17:00Z',
  ],
  ['midnight', '00:00', berlin, '2026-12-31T23:30:00Z', '2026-12-31T23:00:00Z', '2027-01-01T23:00:00Z'],
  [
    'before a spring night',
    '04:17',
    berlin,
    '2026-03-28T12:00:00Z',
    '2026-03-28T03:17:00Z',
    '2026-03-29T02:17:00Z',
  ],
  [
    'after a spring night',
    '04:17',
    berlin,
    '2026-03-29T12:00:00Z',
    '2026-03-29T02:17:00Z',
    '2026-03-30T02:17:00Z',
  ],
  [
    'before an autumn night',
    '04:17',
    berlin,
    '2026-10-24T12:00:00Z',
    '2026-10-24T02:17:00Z',
    '2026-10-25T03:17:00Z',
  ],
  [
    'skipped in spring: right after the gap',
    '02:30',
    berlin,
    '2026-03-28T12:00:00Z',
    '2026-03-28T01:30:00Z',
    '2026-03-29T01:00:00Z',
  ],
  [
    'the day after it was skipped',
    '02:30',
    berlin,
    '2026-03-29T12:00:00Z',
    '2026-03-29T01:00:00Z',
    '2026-03-30T00:30:00Z',
  ],
  [
    'twice in autumn: the first time',
    '02:30',
    berlin,
    '2026-10-24T12:00:00Z',
    '2026-10-24T00:30:00Z',
    '2026-10-25T00:30:00Z',
  ],
  [
    'between the two',
    '02:30',
    berlin,
    '2026-10-25T01:00:00Z',
    '2026-10-25T00:30:00Z',
    '2026-10-26T01:30:00Z',
  ],
  [
    'after the second',
    '02:30',
    berlin,
    '2026-10-25T02:00:00Z',
    '2026-10-25T00:30:00Z',
    '2026-10-26T01:30:00Z',
  ],
  [
    'skipped in New York',
    '02:30',
    newYork,
    '2026-03-07T12:00:00Z',
    '2026-03-07T07:30:00Z',
    '2026-03-08T07:00:00Z',
  ],
  [
    'twice in New York',
    '01:30',
    newYork,
    '2026-11-01T06:10:00Z',
    '2026-11-01T05:30:00Z',
    '2026-11-02T06:30:00Z',
  ],
  [
    'after an autumn night in New York',
    '04:17',
    newYork,
    '2026-11-01T12:00:00Z',
    '2026-11-01T09:17:00Z',
    '2026-11-02T09:17:00Z',
  ],
  [
    'where the clock never changes',
    '02:30',
    'UTC',
    '2026-03-29T02:30:00Z',
    '2026-03-29T02:30:00Z',
    '2026-03-30T02:30:00Z',
  ],
];

test.each(cases)('%s (%s in %s)', async (_, time, zone, now, last, next) => {
  expect(new Date(await lastDue(time, at(now), zone)).toISOString()).toBe(new Date(last).toISOString());
  expect(new Date(await nextDue(time, at(now), zone)).toISOString()).toBe(new Date(next).toISOString());
});

test('in a year each night is due exactly once, whatever the clocks do', async () => {
  for (const [time, zone] of [
    ['02:30', berlin],
    ['01:30', newYork],
    ['04:17', berlin],
  ] as const) {
    let now = at('2026-01-01T12:00:00Z');
    const days = new Set<string>();
    for (let n = 0; n < 365; n++) {
      now = await nextDue(time, now, zone);
      expect(await lastDue(time, now, zone)).toBe(now);
      days.add(new Date(now).toLocaleDateString('sv', { timeZone: zone }));
    }
    expect(days.size).toBe(365);
  }
});

describe('times of day', () => {
  test('the usual one is after four, and differs from project to project', () => {
    const all = ['083d28d91e589b', '0a', 'x'.repeat(14), '1f2e3d'].map(usualTime);
    for (const time of all) expect(time).toMatch(/^04:[0-5]\d$/);
    expect(new Set(all).size).toBeGreaterThan(2);
    expect(usualTime('0a')).toBe(usualTime('0a'));
  });

  test.each([
    ['00:29', false],
    ['00:30', true],
    ['02:30', true],
    ['03:30', true],
    ['03:31', false],
    ['04:17', false],
  ])('%s may be skipped or repeated: %s', (time, changes) => {
    expect(isChangeHour(time)).toBe(changes);
  });
});
