import * as fc from 'fast-check';
import {
  type DayOfWeek,
  type Recurrence,
  type RecurrencePattern,
  type RecurrenceRange,
  weekdays,
} from '#model/recurrence.ts';
import { addDays, type Day, dayOfWall } from '#model/wall-time.ts';

const DAY_MS = 86_400_000;

export const anyDay = (first = '1990-01-01', last = '2060-12-31'): fc.Arbitrary<Day> =>
  fc
    .integer({ min: Date.parse(`${first}T00:00:00Z`) / DAY_MS, max: Date.parse(`${last}T00:00:00Z`) / DAY_MS })
    .map((number) => dayOfWall(number * DAY_MS));

const index = fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const, 5 as const);
const dayOfWeek = fc.constantFrom<DayOfWeek>(...weekdays, 'day', 'weekday', 'weekend-day');
const dayOfMonth = fc.oneof(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 28, max: 31 }));
const month = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(2));

/** Every pattern an appointment can have. */
export const anyPattern: fc.Arbitrary<RecurrencePattern> = fc.oneof(
  fc.record({ kind: fc.constant('daily' as const), interval: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant('weekly' as const),
    interval: fc.integer({ min: 1, max: 6 }),
    days: fc
      .subarray([...weekdays], { minLength: 1 })
      .map((days) => [...days].sort((a, b) => weekdays.indexOf(a) - weekdays.indexOf(b))),
    firstDayOfWeek: fc.constantFrom(...weekdays),
  }),
  fc.record({ kind: fc.constant('monthly' as const), interval: fc.integer({ min: 1, max: 14 }), dayOfMonth }),
  fc.record({
    kind: fc.constant('monthly-relative' as const),
    interval: fc.integer({ min: 1, max: 14 }),
    day: dayOfWeek,
    index,
  }),
  fc.record({ kind: fc.constant('yearly' as const), interval: fc.integer({ min: 1, max: 4 }), month, dayOfMonth }),
  fc.record({
    kind: fc.constant('yearly-relative' as const),
    interval: fc.integer({ min: 1, max: 4 }),
    month,
    day: dayOfWeek,
    index,
  }),
);

const anyRange: fc.Arbitrary<RecurrenceRange> = anyDay().chain((startDay) =>
  fc.oneof(
    fc.constant<RecurrenceRange>({ end: 'never', startDay }),
    fc
      .integer({ min: 0, max: 4000 })
      .map((days): RecurrenceRange => ({ end: 'date', startDay, lastDay: addDays(startDay, days) })),
    fc.integer({ min: 1, max: 60 }).map((count): RecurrenceRange => ({ end: 'count', startDay, count })),
  ),
);

export const anyRecurrence: fc.Arbitrary<Recurrence> = fc.record({ pattern: anyPattern, range: anyRange });
