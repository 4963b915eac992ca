import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dayNumber,
  dayOfNumber,
  firstDayOf,
  isDayOf,
  lastDayOf,
  occurrenceDays,
  type Pattern,
  type Range,
  type Recurrence,
} from './recurrence.ts';

const hour = 3_600_000;
const series = (pattern: Pattern, startDay: string, range: Range = { kind: 'count', count: 4 }): Recurrence => ({
  pattern,
  startDay,
  range,
  startOffsetMs: 9 * hour,
  endOffsetMs: 10 * hour,
});
function days(recurrence: Recurrence, from?: string, max = 20): readonly string[] {
  const out: string[] = [];
  for (const day of occurrenceDays(recurrence, from === undefined ? undefined : dayNumber(from))) {
    out.push(dayOfNumber(day));
    if (out.length >= max) break;
  }
  return out;
}

describe('worked examples', () => {
  const examples: readonly (readonly [string, Recurrence, readonly string[]])[] = [
    [
      'every third day',
      series({ kind: 'daily', interval: 3 }, '2031-02-26'),
      ['2031-02-26', '2031-03-01', '2031-03-04', '2031-03-07'],
    ],
    [
      'every other week on Tuesday and Sunday, weeks from Monday',
      series({ kind: 'weekly', interval: 2, days: [0, 2], firstDay: 1 }, '1997-08-05'),
      ['1997-08-05', '1997-08-10', '1997-08-19', '1997-08-24'],
    ],
    [
      'the same, weeks from Sunday (RFC 5545 3.3.10)',
      series({ kind: 'weekly', interval: 2, days: [0, 2], firstDay: 0 }, '1997-08-05'),
      ['1997-08-05', '1997-08-17', '1997-08-19', '1997-08-31'],
    ],
    [
      'the 31st, or the last day of shorter months',
      series({ kind: 'monthly', interval: 1, day: 31 }, '2032-01-31'),
      ['2032-01-31', '2032-02-29', '2032-03-31', '2032-04-30'],
    ],
    [
      'the last weekday of every second month',
      series({ kind: 'monthly-nth', interval: 2, day: 'weekday', nth: -1 }, '2031-05-01'),
      ['2031-05-30', '2031-07-31', '2031-09-30', '2031-11-28'],
    ],
    [
      'the first day of a weekend',
      series({ kind: 'monthly-nth', interval: 1, day: 'weekend', nth: 1 }, '2031-06-02'),
      ['2031-07-05', '2031-08-02', '2031-09-06', '2031-10-04'],
    ],
    [
      '29 February',
      series({ kind: 'yearly', month: 2, day: 29 }, '2031-01-01'),
      ['2031-02-28', '2032-02-29', '2033-02-28', '2034-02-28'],
    ],
    [
      'the fourth Thursday of November',
      series({ kind: 'yearly-nth', month: 11, day: 4, nth: 4 }, '2031-01-01'),
      ['2031-11-27', '2032-11-25', '2033-11-24', '2034-11-23'],
    ],
  ];
  test.each(examples)('%s', (_name, recurrence, expected) => {
    expect(days(recurrence)).toEqual(expected);
    expect(lastDayOf(recurrence)).toBe(dayNumber(expected.at(-1) ?? ''));
  });

  test('a range that ends before the first fit is empty', () => {
    const recurrence = series({ kind: 'weekly', interval: 1, days: [1], firstDay: 1 }, '2031-03-13', {
      kind: 'until',
      lastDay: '2031-03-15',
    });
    expect([firstDayOf(recurrence), lastDayOf(recurrence)]).toEqual([null, null]);
  });
});

const dayKind = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.constantFrom('day' as const, 'weekday' as const, 'weekend' as const),
);
const nth = fc.constantFrom(1, 2, 3, 4, -1);
const interval = fc.integer({ min: 1, max: 99 });
const pattern: fc.Arbitrary<Pattern> = fc.oneof(
  fc.record({ kind: fc.constant('daily' as const), interval }),
  fc.record({
    kind: fc.constant('weekly' as const),
    interval,
    days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
    firstDay: fc.integer({ min: 0, max: 6 }),
  }),
  fc.record({ kind: fc.constant('monthly' as const), interval, day: fc.integer({ min: 1, max: 31 }) }),
  fc.record({ kind: fc.constant('monthly-nth' as const), interval, day: dayKind, nth }),
  fc.record({
    kind: fc.constant('yearly' as const),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 31 }),
  }),
  fc.record({ kind: fc.constant('yearly-nth' as const), month: fc.integer({ min: 1, max: 12 }), day: dayKind, nth }),
);
const startDay = fc.integer({ min: dayNumber('1980-01-01'), max: dayNumber('2060-12-31') }).map(dayOfNumber);

test('a series entered in the middle goes on as one read from its beginning', () => {
  fc.assert(
    fc.property(pattern, startDay, fc.integer({ min: 0, max: 9000 }), (one, start, after) => {
      const recurrence = series(one, start, { kind: 'endless' });
      const from = dayOfNumber(dayNumber(start) + after);
      const whole: string[] = [];
      for (const day of occurrenceDays(recurrence)) {
        if (dayOfNumber(day) >= from) whole.push(dayOfNumber(day));
        if (whole.length === 5) break;
      }
      expect(days(recurrence, from, 5)).toEqual(whole);
      expect(whole.every((day) => isDayOf(recurrence, day))).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('an end by count and an end on the day of its last occurrence are the same series', () => {
  fc.assert(
    fc.property(pattern, startDay, fc.integer({ min: 1, max: 12 }), (one, start, count) => {
      const counted = days(series(one, start, { kind: 'count', count }));
      const until = series(one, start, { kind: 'until', lastDay: counted.at(-1) ?? '' });
      expect(counted).toHaveLength(count);
      expect(days(until)).toEqual(counted);
      expect(lastDayOf(until)).toBe(dayNumber(counted.at(-1) ?? ''));
    }),
    { numRuns: 200 },
  );
});
