import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { When } from '#model/appointment.ts';
import { occurrenceDays } from '#model/expand-recurrence.ts';
import type { Recurrence } from '#model/recurrence.ts';
import { addDays, type Day, wallOfDay } from '#model/wall-time.ts';
import type { Zone } from '#model/zone.ts';
import { anyRecurrence } from '#test/suites/any-recurrence.ts';
import { dayOfOriginalStart, type EventTimes, effectiveOccurrences, occurrenceSpan, strayDays } from './occurrences.ts';
import { clockOf } from './zones/zone-clock.ts';

const day = (text: string) => text as Day;
const utc = (text: string) => Date.parse(`${text}Z`);
const vienna: Zone = { id: 'W. Europe Standard Time', rules: null };
const daily = (startDay: string): Recurrence => ({
  pattern: { kind: 'daily', interval: 1 },
  range: { end: 'never', startDay: day(startDay) },
});
const at = (start: string, end: string, more: Partial<When> = {}): When => ({
  start: utc(start),
  end: utc(end),
  isAllDay: false,
  startZone: vienna,
  endZone: vienna,
  ...more,
});
const series = (when: When, recurrence: Recurrence, more: Partial<EventTimes> = {}): EventTimes => ({
  fields: { when, recurrence },
  occurrences: [],
  deletedDays: [],
  ...more,
});

describe('an occurrence by its day', () => {
  const standup = at('2024-03-25T08:00', '2024-03-25T08:30');
  test.each([
    ['winter', '2024-03-30', '2024-03-30T08:00'],
    ['summer', '2024-03-31', '2024-03-31T07:00'],
  ])('09:00 stays 09:00 by the clock on the wall: %s', (_what, on, start) => {
    expect(occurrenceSpan(standup, day(on))).toEqual({ start: utc(start), end: utc(start) + 30 * 60_000 });
  });

  test.each([
    ['an hour is left out: the night shift is an hour shorter', '2024-03-30', '2024-03-30T21:00', '2024-03-31T04:00'],
    ['an hour is shown twice: the night shift is an hour longer', '2024-10-26', '2024-10-26T20:00', '2024-10-27T05:00'],
    ['it would begin in the hour that is left out', '2024-03-31', '2024-03-31T20:00', '2024-04-01T04:00'],
  ])('22:00 to 06:00: %s', (_what, on, start, end) => {
    const shift = at('2024-01-10T21:00', '2024-01-11T05:00');
    expect(occurrenceSpan(shift, day(on))).toEqual({ start: utc(start), end: utc(end) });
  });

  test('one that would begin in the hour that is left out begins as long after midnight as on other days', () => {
    const early = at('2024-01-10T01:30', '2024-01-10T01:45');
    expect(occurrenceSpan(early, day('2024-03-31'))).toEqual({
      start: utc('2024-03-31T01:30'),
      end: utc('2024-03-31T01:45'),
    });
  });

  test('whole days are midnights of the zone', () => {
    const birthday = at('1950-04-30T22:00', '1950-05-01T22:00', { isAllDay: true });
    expect(occurrenceSpan(birthday, day('2024-05-01'))).toEqual({
      start: utc('2024-04-30T22:00'),
      end: utc('2024-05-01T22:00'),
    });
    expect(occurrenceSpan(birthday, day('2024-12-01'))).toEqual({
      start: utc('2024-11-30T23:00'),
      end: utc('2024-12-01T23:00'),
    });
  });
});

describe('the day of an occurrence by its original start', () => {
  test('leads back, whatever the pattern and the time of day', () => {
    fc.assert(
      fc.property(anyRecurrence, fc.integer({ min: 0, max: 1439 }), (recurrence, minute) => {
        const first = clockOf(vienna).toInstant(wallOfDay(recurrence.range.startDay) + minute * 60_000);
        // A series whose first start falls into a gap begins later by the clock than it says.
        const when = { ...at('2000-01-01T00:00', '2000-01-01T01:00'), start: first, end: first + 3_600_000 };
        let seen = 0;
        for (const on of occurrenceDays(recurrence)) {
          expect(dayOfOriginalStart({ when, recurrence }, occurrenceSpan(when, on).start)).toBe(on);
          if (++seen === 10) break;
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a server that knows other rules of the zone is an hour off, not a day', () => {
    const when = at('2024-06-30T22:00', '2024-07-01T22:00', { isAllDay: true });
    expect(dayOfOriginalStart({ when, recurrence: daily('2024-07-01') }, utc('2024-07-09T21:00'))).toBe('2024-07-10');
    expect(dayOfOriginalStart({ when, recurrence: daily('2024-07-01') }, utc('2024-07-09T23:00'))).toBe('2024-07-10');
  });

  test('one outside of the pattern is named by the zone', () => {
    const weekly: Recurrence = {
      pattern: { kind: 'weekly', interval: 1, days: ['monday'], firstDayOfWeek: 'monday' },
      range: { end: 'never', startDay: day('2024-03-25') },
    };
    const when = at('2024-03-25T08:00', '2024-03-25T08:30');
    expect(dayOfOriginalStart({ when, recurrence: weekly }, utc('2024-03-28T08:00'))).toBe('2024-03-28');
    // Also the day right before one of the pattern, or that one would be taken for changed.
    expect(dayOfOriginalStart({ when, recurrence: weekly }, utc('2024-03-31T07:00'))).toBe('2024-03-31');
  });
});

describe('what takes place in a window', () => {
  const when = at('2024-03-25T08:00', '2024-03-25T09:00');
  const event = series(when, daily('2024-03-25'), {
    deletedDays: [day('2024-03-27')],
    occurrences: [
      { day: day('2024-03-28'), overrides: { when: at('2024-04-20T10:00', '2024-04-20T11:00') } },
      { day: day('2024-04-10'), overrides: { when: at('2024-03-26T12:00', '2024-03-26T13:00'), subject: 'moved' } },
      { day: day('2024-03-26'), overrides: { subject: 'renamed' } },
    ],
  });

  test('deleted ones are not there, moved ones are where they were moved to', () => {
    const found = effectiveOccurrences(event, { from: utc('2024-03-25T00:00'), until: utc('2024-03-30T00:00') });
    expect(
      found.map(({ day: on, start, overrides }) => [
        on,
        new Date(start).toISOString().slice(0, 16),
        overrides?.subject,
      ]),
    ).toEqual([
      ['2024-03-25', '2024-03-25T08:00', undefined],
      ['2024-03-26', '2024-03-26T08:00', 'renamed'],
      ['2024-04-10', '2024-03-26T12:00', 'moved'],
      ['2024-03-29', '2024-03-29T08:00', undefined],
    ]);
  });

  test('what touches the window from outside is not in it; what reaches into it is', () => {
    const days = (from: string, until: string) =>
      effectiveOccurrences(series(when, daily('2024-03-25')), { from: utc(from), until: utc(until) }).map(
        (one) => one.day,
      );
    expect(days('2024-03-26T09:00', '2024-03-27T08:00')).toEqual([]);
    expect(days('2024-03-26T08:59', '2024-03-27T08:01')).toEqual(['2024-03-26', '2024-03-27']);
  });

  test('an occurrence of three days is found on its last', () => {
    const long = series(at('2024-03-25T08:00', '2024-03-28T08:00'), {
      pattern: { kind: 'daily', interval: 7 },
      range: { end: 'never', startDay: day('2024-03-25') },
    });
    const found = effectiveOccurrences(long, { from: utc('2024-04-11T06:30'), until: utc('2024-04-11T06:40') });
    expect(found.map((one) => one.day)).toEqual(['2024-04-08']);
  });

  test('agrees with looking at every day of the series', () => {
    fc.assert(
      fc.property(
        anyRecurrence,
        fc.integer({ min: 0, max: 1439 }),
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 0, max: 700 }),
        fc.integer({ min: 1, max: 90 }),
        (recurrence, minute, length, offset, days) => {
          const clock = clockOf(vienna);
          const start = wallOfDay(recurrence.range.startDay) + minute * 60_000;
          const spans: When = { ...when, start: clock.toInstant(start), end: clock.toInstant(start + length * 60_000) };
          const from = spans.start + offset * 86_400_000;
          const until = from + days * 86_400_000;
          const slow: Day[] = [];
          for (const on of occurrenceDays(recurrence, {
            until: addDays(recurrence.range.startDay, offset + days + 2),
          })) {
            const span = occurrenceSpan(spans, on);
            if (span.start < until && (span.end > from || (span.start === span.end && span.start === from)))
              slow.push(on);
          }
          expect(effectiveOccurrences(series(spans, recurrence), { from, until }).map((one) => one.day)).toEqual(slow);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a daily series without an end stops at the limit', () => {
    const found = effectiveOccurrences(event, { from: utc('2024-03-25T00:00'), until: utc('4500-01-01T00:00') }, 5);
    expect(found.map((one) => one.day)).toEqual(['2024-03-25', '2024-03-26', '2024-04-10', '2024-03-29', '2024-03-30']);
  });

  test('an event that is no series is there once', () => {
    const single = { fields: { when, recurrence: null }, occurrences: [], deletedDays: [] };
    const found = effectiveOccurrences(single, { from: utc('2024-03-25T00:00'), until: utc('2024-03-26T00:00') });
    expect(found).toEqual([{ day: '2024-03-25', start: when.start, end: when.end, overrides: null }]);
    expect(effectiveOccurrences(single, { from: utc('2024-03-26T00:00'), until: utc('2024-03-27T00:00') })).toEqual([]);
  });
});

test('days that the pattern lacks are named', () => {
  const event = series(at('2024-03-25T08:00', '2024-03-25T09:00'), {
    pattern: { kind: 'daily', interval: 2 },
    range: { end: 'count', startDay: day('2024-03-25'), count: 3 },
  });
  const strange = {
    ...event,
    deletedDays: [day('2024-03-26')],
    occurrences: [
      { day: day('2024-03-27'), overrides: {} },
      { day: day('2024-03-31'), overrides: {} },
    ],
  };
  expect(strayDays(strange)).toEqual(['2024-03-31', '2024-03-26']);
});
