import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyDay, anyRecurrence } from '#test/suites/any-recurrence.ts';
import {
  indexOfDay,
  isOccurrenceDay,
  lastCalendarDay,
  lastDay,
  nthDay,
  occurrenceCount,
  occurrenceDays,
  recurrenceProblem,
} from './expand-recurrence.ts';
import { type DayOfWeek, type Recurrence, type RecurrencePattern, weekdays } from './recurrence.ts';
import { addDays, type Day, wallOfDay } from './wall-time.ts';

const day = (text: string) => text as Day;
const take = (recurrence: Recurrence, limit: number, from?: string): readonly Day[] => {
  const days: Day[] = [];
  for (const found of occurrenceDays(recurrence, from === undefined ? {} : { from: day(from) })) {
    if (days.push(found) === limit) break;
  }
  return days;
};
const endless = (pattern: RecurrencePattern, startDay: string): Recurrence => ({
  pattern,
  range: { end: 'never', startDay: day(startDay) },
});

/** The same question asked of each day by itself, from the words of [MS-OXOCAL]; shares nothing with the answer under test. */
function isOfPattern({ pattern, range }: Recurrence, candidate: Day): boolean {
  const at = new Date(wallOfDay(candidate));
  const start = new Date(wallOfDay(range.startDay));
  const [year, month, date, weekday] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCDay()];
  const monthsApart = (year - start.getUTCFullYear()) * 12 + month - start.getUTCMonth();
  const monthLength = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const fits = (kind: DayOfWeek, of: number): boolean =>
    kind === 'day' ||
    (kind === 'weekday' ? of >= 1 && of <= 5 : kind === 'weekend-day' ? of === 0 || of === 6 : weekdays[of] === kind);
  const isRelative = (kind: DayOfWeek, index: number): boolean => {
    const all = Array.from({ length: monthLength }, (_, i) => i + 1).filter((d) =>
      fits(kind, new Date(Date.UTC(year, month, d)).getUTCDay()),
    );
    return (index === 5 ? all.at(-1) : all[index - 1]) === date;
  };
  if (candidate < range.startDay) return false;
  switch (pattern.kind) {
    case 'daily':
      return ((at.getTime() - start.getTime()) / 86_400_000) % pattern.interval === 0;
    case 'weekly': {
      const first = weekdays.indexOf(pattern.firstDayOfWeek);
      const weekOf = (d: Date) => d.getTime() - ((d.getUTCDay() - first + 7) % 7) * 86_400_000;
      const weeks = (weekOf(at) - weekOf(start)) / (7 * 86_400_000);
      return weeks % pattern.interval === 0 && pattern.days.some((name) => weekdays.indexOf(name) === weekday);
    }
    case 'monthly':
      return monthsApart % pattern.interval === 0 && date === Math.min(pattern.dayOfMonth, monthLength);
    case 'monthly-relative':
      return monthsApart % pattern.interval === 0 && isRelative(pattern.day, pattern.index);
    case 'yearly':
    case 'yearly-relative': {
      const years = year - start.getUTCFullYear();
      if (month !== pattern.month - 1 || years % pattern.interval !== 0) return false;
      return pattern.kind === 'yearly'
        ? date === Math.min(pattern.dayOfMonth, monthLength)
        : isRelative(pattern.day, pattern.index);
    }
    default:
      return candidate === range.startDay;
  }
}

function slowly(recurrence: Recurrence, until: Day): readonly Day[] {
  const { range } = recurrence;
  const days: Day[] = [];
  for (let at = range.startDay; at <= until; at = addDays(at, 1)) {
    if (range.end === 'date' && at > range.lastDay) break;
    if (range.end === 'count' && days.length === range.count) break;
    if (isOfPattern(recurrence, at)) days.push(at);
  }
  return days;
}

describe('against a filter that looks at every day', () => {
  test('equal days for random rules', () => {
    let compared = 0;
    fc.assert(
      fc.property(anyRecurrence, fc.integer({ min: 0, max: 2500 }), (recurrence, length) => {
        const until = addDays(recurrence.range.startDay, length);
        const expected = slowly(recurrence, until);
        compared += expected.length;
        expect([...occurrenceDays(recurrence, { until })]).toEqual(expected);
      }),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(1000);
  });
});

describe('laws', () => {
  test('a window is a part of the whole', () => {
    fc.assert(
      fc.property(
        anyRecurrence,
        fc.integer({ min: -400, max: 3000 }),
        fc.integer({ min: 0, max: 900 }),
        (recurrence, offset, length) => {
          const from = addDays(recurrence.range.startDay, offset);
          const until = addDays(from, length);
          const whole = [...occurrenceDays(recurrence, { until })];
          expect([...occurrenceDays(recurrence, { from, until })]).toEqual(whole.filter((at) => at >= from));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('the n-th day is the one that iteration reaches n-th, and knows its place', () => {
    fc.assert(
      fc.property(anyRecurrence, (recurrence) => {
        for (const [n, at] of take(recurrence, 30).entries()) {
          expect(nthDay(recurrence, n)).toBe(at);
          expect(indexOfDay(recurrence, at)).toBe(n);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a day belongs to the series when iteration shows it, and otherwise not', () => {
    fc.assert(
      fc.property(anyRecurrence, anyDay(), (recurrence, at) => {
        expect(isOccurrenceDay(recurrence, at)).toBe(
          [...occurrenceDays(recurrence, { from: at, until: at })].length === 1,
        );
      }),
      { numRuns: 300 },
    );
  });

  test('the last day is the last that iteration shows; the count counts them', () => {
    fc.assert(
      fc.property(
        anyRecurrence.filter(({ range }) => range.end !== 'never'),
        (recurrence) => {
          const days = [...occurrenceDays(recurrence)];
          expect(lastDay(recurrence)).toBe(days.at(-1) ?? null);
          expect(occurrenceCount(recurrence)).toBe(days.length);
          expect(recurrenceProblem(recurrence)).toBe(days.length === 0 ? 'no-occurrences' : null);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('as Exchange does it', () => {
  test('day 31 is the last day of short months', () => {
    expect(take(endless({ kind: 'monthly', interval: 1, dayOfMonth: 31 }, '2024-01-31'), 4)).toEqual([
      '2024-01-31',
      '2024-02-29',
      '2024-03-31',
      '2024-04-30',
    ]);
  });

  test('29 February is the 28th in common years', () => {
    expect(take(endless({ kind: 'yearly', interval: 1, month: 2, dayOfMonth: 29 }, '2024-02-29'), 5)).toEqual([
      '2024-02-29',
      '2025-02-28',
      '2026-02-28',
      '2027-02-28',
      '2028-02-29',
    ]);
  });

  test.each([
    ['sunday', ['2024-03-05', '2024-03-17', '2024-03-19', '2024-03-31']],
    ['monday', ['2024-03-05', '2024-03-10', '2024-03-19', '2024-03-24']],
  ] as const)('every second week, Tuesday and Sunday, weeks from %s on', (firstDayOfWeek, expected) => {
    const pattern = { kind: 'weekly', interval: 2, days: ['sunday', 'tuesday'], firstDayOfWeek } as const;
    expect(take(endless(pattern, '2024-03-05'), 4)).toEqual(expected);
  });

  test.each([
    ['day', 5, ['2024-01-31', '2024-02-29', '2024-03-31']],
    ['weekday', 5, ['2024-01-31', '2024-02-29', '2024-03-29']],
    ['weekend-day', 5, ['2024-01-28', '2024-02-25', '2024-03-31']],
    ['weekday', 1, ['2024-01-01', '2024-02-01', '2024-03-01']],
    ['weekend-day', 1, ['2024-01-06', '2024-02-03', '2024-03-02']],
    ['friday', 5, ['2024-01-26', '2024-02-23', '2024-03-29']],
    ['day', 3, ['2024-01-03', '2024-02-03', '2024-03-03']],
  ] as const)('%s, index %i of every month', (kind, index, expected) => {
    expect(take(endless({ kind: 'monthly-relative', interval: 1, day: kind, index }, '2024-01-01'), 3)).toEqual(
      expected,
    );
  });

  test('a series without an end is cut off where the calendar ends, and its end is not searched day by day', () => {
    const recurrence = endless({ kind: 'daily', interval: 1 }, '1601-01-01');
    expect(lastDay(recurrence)).toBeNull();
    expect(take(recurrence, 5, '4500-08-30')).toEqual(['4500-08-30', lastCalendarDay]);
    expect(occurrenceCount(recurrence)).toBe(1_059_081);
  });

  test('of a task that is made anew when it is done only the first day is known', () => {
    expect(take(endless({ kind: 'regenerating', every: 'week', interval: 2 }, '2024-01-10'), 3)).toEqual([
      '2024-01-10',
    ]);
  });
});

describe('recurrences that have no days say why', () => {
  const daily = { kind: 'daily', interval: 1 } as const;
  const startDay = day('2024-01-10');
  test.each([
    ['bad-day', { pattern: daily, range: { end: 'never', startDay: day('2024-02-30') } }],
    ['bad-day', { pattern: daily, range: { end: 'never', startDay: day('1600-12-31') } }],
    ['bad-day', { pattern: daily, range: { end: 'date', startDay, lastDay: day('later') } }],
    ['bad-interval', { pattern: { kind: 'daily', interval: 0 }, range: { end: 'never', startDay } }],
    ['bad-interval', { pattern: { kind: 'daily', interval: 1.5 }, range: { end: 'never', startDay } }],
    ['bad-interval', { pattern: { kind: 'daily', interval: 1e9 }, range: { end: 'never', startDay } }],
    [
      'bad-pattern',
      {
        pattern: { kind: 'weekly', interval: 1, days: [], firstDayOfWeek: 'monday' },
        range: { end: 'never', startDay },
      },
    ],
    ['bad-pattern', { pattern: { kind: 'monthly', interval: 1, dayOfMonth: 32 }, range: { end: 'never', startDay } }],
    [
      'bad-pattern',
      { pattern: { kind: 'yearly', interval: 1, month: 0, dayOfMonth: 1 }, range: { end: 'never', startDay } },
    ],
    ['no-count', { pattern: daily, range: { end: 'count', startDay, count: 0 } }],
    ['until-before-start', { pattern: daily, range: { end: 'date', startDay, lastDay: day('2024-01-09') } }],
    [
      'no-occurrences',
      {
        pattern: { kind: 'monthly', interval: 1, dayOfMonth: 5 },
        range: { end: 'date', startDay, lastDay: day('2024-02-04') },
      },
    ],
    [null, { pattern: daily, range: { end: 'date', startDay, lastDay: day('9999-12-31') } }],
  ] satisfies readonly (readonly [ReturnType<typeof recurrenceProblem>, Recurrence])[])('%s', (problem, recurrence) => {
    expect(recurrenceProblem(recurrence)).toBe(problem);
    expect(take(recurrence, 1)).toHaveLength(problem === null ? 1 : 0);
    if (problem !== null) expect(occurrenceCount(recurrence)).toBe(0);
  });
});
