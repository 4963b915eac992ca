import { describe, expect, test } from 'vitest';
import { seededRandom } from '#kit/random.ts';
import type { Pattern, Range, Recurrence } from '../world/recurrence.ts';
import { dayNumber, dayOfNumber, occurrenceDays } from '../world/recurrence.ts';
import { Malformed } from './byte-cursor.ts';
import { readSeriesBlob, type SeriesBlob, writeSeriesBlob } from './recur-blob.ts';

const hourMs = 3_600_000;
const random = seededRandom('recur blobs');
const below = (n: number): number => random.int(n);

function anyPattern(): Pattern {
  const nth = [1, 2, 3, 4, -1][below(5)] ?? 1;
  const day = ([0, 1, 2, 3, 4, 5, 6, 'day', 'weekday', 'weekend'] as const)[below(10)] ?? 'day';
  switch (below(6)) {
    case 0:
      return { kind: 'daily', interval: 1 + below(999) };
    case 1:
      return { kind: 'weekly', interval: 1 + below(99), days: [below(3), 3 + below(4)], firstDay: below(7) };
    case 2:
      return { kind: 'monthly', interval: 1 + below(99), day: 1 + below(31) };
    case 3:
      return { kind: 'monthly-nth', interval: 1 + below(99), day, nth };
    case 4:
      return { kind: 'yearly', month: 1 + below(12), day: 1 + below(31) };
    default:
      return { kind: 'yearly-nth', month: 1 + below(12), day, nth };
  }
}

function anyRecurrence(): Recurrence {
  const start = dayNumber('1990-01-01') + below(20_000);
  const range: Range =
    below(3) === 0
      ? { kind: 'endless' }
      : below(2) === 0
        ? { kind: 'count', count: 1 + below(900) }
        : { kind: 'until', lastDay: dayOfNumber(start + below(9_000)) };
  return {
    pattern: anyPattern(),
    range,
    startDay: dayOfNumber(start),
    startOffsetMs: below(24) * hourMs,
    endOffsetMs: (24 + below(40)) * hourMs,
  };
}

test('whatever is written is read again', () => {
  for (let n = 0; n < 400; n++) {
    const recurrence = anyRecurrence();
    const days: string[] = [];
    for (const day of occurrenceDays(recurrence)) if (days.push(dayOfNumber(day)) === 6) break;
    const [one, two, three, ...deletedDays] = days;
    const at = (day: string) => Date.parse(`${day}T10:00:00Z`);
    const exceptions = [
      ...(one === undefined ? [] : [{ day: one, subject: 'Ωmega 🎉', location: '', allDay: false }]),
      ...(two === undefined ? [] : [{ day: two, reminderMinutes: -15, reminderSet: true, hasAttachments: false }]),
      ...(three === undefined ? [] : [{ day: three, stateFlags: 3, busyStatus: 4, location: 'Köln' }]),
    ].map((own, index) => ({ ...own, startWall: at(own.day), endWall: at(own.day) + hourMs, ownBody: index === 1 }));
    const series: SeriesBlob = { recurrence, deletedDays, exceptions };
    expect(readSeriesBlob(writeSeriesBlob(series))).toEqual(series);
  }
});

describe('bytes that are no series', () => {
  const recurrence: Recurrence = {
    pattern: { kind: 'weekly', interval: 1, days: [1], firstDay: 0 },
    range: { kind: 'endless' },
    startDay: '2024-01-01',
    startOffsetMs: 0,
    endOffsetMs: hourMs,
  };
  const bytes = writeSeriesBlob({ recurrence, deletedDays: ['2024-01-08'], exceptions: [] });

  test('cut off anywhere, but for the reserved block at the end', () => {
    for (let length = 0; length < bytes.length - 8; length++)
      expect(() => readSeriesBlob(bytes.subarray(0, length)), String(length)).toThrow(Malformed);
  });

  test('with numbers that promise more than there is, or mean nothing', () => {
    const withNumber = (at: number, value: number) => {
      const spoilt = Buffer.from(bytes);
      spoilt.writeUInt32LE(value, at);
      return spoilt;
    };
    // Deleted instances; period; version and frequency.
    for (const [at, value] of [
      [38, 0xffffffff],
      [14, 0],
      [0, 0],
      [22, 0],
    ] as const)
      expect(() => readSeriesBlob(withNumber(at, value)), `${at}`).toThrow(Malformed);
  });
});
