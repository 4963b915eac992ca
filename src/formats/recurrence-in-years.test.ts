import fc from 'fast-check';
import { expect, test } from 'vitest';
import { occurrenceDays, recurrenceProblem } from '#model/expand-recurrence.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { Day } from '#model/wall-time.ts';
import { anyRecurrence } from '#test/suites/any-recurrence.ts';
import { inYears } from './recurrence-in-years.ts';

const first = (recurrence: Recurrence): readonly Day[] => {
  const days: Day[] = [];
  for (const day of occurrenceDays(recurrence)) if (days.push(day) === 20) break;
  return days;
};

test('every 24 months is every other year, and every 12 stay months', () => {
  const range = { end: 'never', startDay: '2022-07-25' as Day } as const;
  const every = (interval: number) =>
    inYears({ pattern: { kind: 'monthly', interval, dayOfMonth: 25 }, range }).pattern;
  expect(every(24)).toEqual({ kind: 'yearly', interval: 2, month: 7, dayOfMonth: 25 });
  expect(every(12)).toEqual({ kind: 'monthly', interval: 12, dayOfMonth: 25 });
  expect(every(18)).toEqual({ kind: 'monthly', interval: 18, dayOfMonth: 25 });
});

test('the days stay the same', () => {
  fc.assert(
    fc.property(anyRecurrence, fc.integer({ min: 1, max: 5 }), ({ pattern, range }, years) => {
      const isMonthly = pattern.kind === 'monthly' || pattern.kind === 'monthly-relative';
      const recurrence = { pattern: isMonthly ? { ...pattern, interval: 12 * years } : pattern, range };
      fc.pre(recurrenceProblem(recurrence) === null);
      expect(first(inYears(recurrence))).toEqual(first(recurrence));
    }),
  );
});
