import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { occurrenceDays, recurrenceProblem } from '#model/expand-recurrence.ts';
import type { Recurrence } from '#model/recurrence.ts';
import { type Day, wallOfDay } from '#model/wall-time.ts';
import { anyRecurrence } from '#test/suites/any-recurrence.ts';
import {
  type AppointmentRecur,
  formatRecur,
  parseRecur,
  readAppointmentRecur,
  writeAppointmentRecur,
} from './appointment-recur.ts';
import { BlobError } from './byte-reader.ts';
import { readTaskRecurrence, writeTaskRecurrence } from './task-recurrence.ts';

const day = (text: string) => text as Day;
const wall = (text: string) => Date.parse(`${text}Z`);

/** The blobs that [MS-OXOCAL] 4.1.1 explains byte by byte, and what it says they mean. */
const worked: readonly { section: string; hex: string; means: AppointmentRecur; isOurs: boolean }[] = [
  {
    section: '4.1.1.1 weekly without exceptions',
    hex: '043004300B2001000000C0210000010000000000000032000000222000000C0000000000000000000000000000008020BC0C20ADBC0C0630000009300000580200007602000000000000000000000000',
    means: {
      recurrence: {
        pattern: { kind: 'weekly', interval: 1, days: ['monday', 'thursday', 'friday'], firstDayOfWeek: 'sunday' },
        range: { end: 'count', startDay: day('2007-03-26'), count: 12 },
      },
      startMinutes: 600,
      endMinutes: 630,
      deletedDays: [],
      exceptions: [],
    },
    isOurs: true,
  },
  {
    section: '4.1.1.2 weekly with exceptions',
    hex: '043004300B2001000000C0210000010000000000000032000000222000000C0000000000000001000000A096BC0C01000000A096BC0C8020BC0C20ADBC0C0630000009300000580200007602000001003499BC0C5299BC0CF898BC0C11002200210053696D706C6520526563757272656E6365207769746820657863657074696F6E730800070033342F34313431000000000400000000000000000000003499BC0C5299BC0CF898BC0C2100530069006D0070006C006500200052006500630075007200720065006E006300650020007700690074006800200065007800630065007000740069006F006E0073000700330034002F0034003100340031000000000000000000',
    means: {
      recurrence: {
        pattern: { kind: 'weekly', interval: 1, days: ['monday', 'thursday', 'friday'], firstDayOfWeek: 'sunday' },
        range: { end: 'count', startDay: day('2007-03-26'), count: 12 },
      },
      startMinutes: 600,
      endMinutes: 630,
      deletedDays: [],
      exceptions: [
        {
          day: day('2007-04-16'),
          start: wall('2007-04-16T11:00'),
          end: wall('2007-04-16T11:30'),
          subject: 'Simple Recurrence with exceptions',
          location: '34/4141',
          hasBody: false,
        },
      ],
    },
    isOurs: true,
  },
  {
    section: '4.1.1.3 daily with exceptions',
    hex: '043004300A2000000000A0050000E010000000000000212000000A0000000000000002000000A0C1DC0C80D2DC0C00000000207EDC0C0016DD0C0630000009300000E0010000FE01000000000000000000000000',
    means: {
      recurrence: {
        pattern: { kind: 'daily', interval: 3 },
        range: { end: 'date', startDay: day('2011-04-07'), lastDay: day('2011-05-04') },
      },
      startMinutes: 480,
      endMinutes: 510,
      deletedDays: [day('2011-04-19'), day('2011-04-22')],
      exceptions: [],
    },
    isOurs: true,
  },
];

describe('worked examples of [MS-OXOCAL] 4.1.1', () => {
  test.each(worked)('$section is understood', ({ hex, means }) => {
    expect(readAppointmentRecur(Buffer.from(hex, 'hex'))).toEqual(means);
  });
  test.each(worked)('$section is written byte for byte', ({ hex, means }) => {
    expect(writeAppointmentRecur(means).toString('hex').toUpperCase()).toBe(hex);
  });

  const hebrew =
    '043004300D200200080080750A000C0000000000000003000000232000000A0000000000000001000000207EDC0C01000000207EDC0C6074C40CDF80E95A0630000009300000E0010000FE01000001000080DC0C1E80DC0C0080DC0C24023C000000010000000000000004000000000000000000000000000000';
  test('4.1.1.6 yearly in Hebrew months keeps its bytes and is named as what it is', () => {
    const bytes = Buffer.from(hebrew, 'hex');
    const blob = parseRecur(bytes);
    expect(formatRecur(blob)).toEqual(bytes);
    expect(blob.exceptions[0]).toMatchObject({ flags: 0x0224, reminderDelta: 60, busyStatus: 1 });
    expect(() => readAppointmentRecur(bytes)).toThrow(expect.objectContaining({ problem: 'calendar-not-supported' }));
  });
});

const anySeries: fc.Arbitrary<AppointmentRecur> = fc
  .record({
    recurrence: anyRecurrence.filter((one) => recurrenceProblem(one) === null),
    startMinutes: fc.integer({ min: 0, max: 1439 }),
    length: fc.integer({ min: 0, max: 5000 }),
    picks: fc.array(
      fc.record(
        {
          moved: fc.option(fc.integer({ min: -2000, max: 2000 })),
          subject: fc.string({ unit: 'grapheme', maxLength: 12 }),
          location: fc.string({ maxLength: 30 }),
          reminderMinutes: fc.integer({ min: -5, max: 99_999 }),
          reminderIsSet: fc.boolean(),
          showAs: fc.constantFrom(
            'free' as const,
            'tentative' as const,
            'busy' as const,
            'oof' as const,
            'working-elsewhere' as const,
          ),
          isAllDay: fc.boolean(),
          stateFlags: fc.nat({ max: 7 }),
          hasAttachments: fc.boolean(),
          hasBody: fc.boolean(),
        },
        { requiredKeys: ['moved', 'hasBody'] },
      ),
      { maxLength: 6 },
    ),
  })
  .map(({ recurrence, startMinutes, length, picks }) => {
    const days: Day[] = [];
    for (const on of occurrenceDays(recurrence)) if (days.push(on) === picks.length) break;
    const chosen = picks.slice(0, days.length).map((pick, n) => ({ ...pick, day: days[n] as Day }));
    return {
      recurrence,
      startMinutes,
      endMinutes: startMinutes + length,
      deletedDays: chosen.filter(({ moved }) => moved === null).map((pick) => pick.day),
      exceptions: chosen.flatMap(({ moved, ...pick }) => {
        const start = wallOfDay(pick.day) + (startMinutes + (moved ?? 0)) * 60_000;
        return moved === null ? [] : [{ ...pick, start, end: start + length * 60_000 }];
      }),
    };
  });

describe('any series', () => {
  test('is read as it was written, and written as it was read', () => {
    fc.assert(
      fc.property(anySeries, (series) => {
        const bytes = writeAppointmentRecur(series);
        expect(readAppointmentRecur(bytes)).toEqual(series);
        expect(formatRecur(parseRecur(bytes))).toEqual(bytes);
      }),
      { numRuns: 120 },
    );
  });

  test('cut off anywhere it is refused by name or has lost nothing that it needs', () => {
    fc.assert(
      fc.property(anySeries, fc.double({ min: 0, max: 1, noNaN: true }), (series, part) => {
        const bytes = writeAppointmentRecur(series);
        const cut = bytes.subarray(0, Math.floor(bytes.length * part));
        try {
          const read = parseRecur(cut);
          expect(formatRecur(read)).toEqual(cut);
        } catch (error) {
          expect(error).toBeInstanceOf(BlobError);
        }
      }),
      { numRuns: 120 },
    );
  });

  test('with bytes changed it never fails in another way, nor takes long', () => {
    fc.assert(
      fc.property(
        anySeries,
        fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }),
        (series, changes) => {
          const bytes = writeAppointmentRecur(series);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          try {
            const { recurrence } = readAppointmentRecur(bytes);
            expect(recurrenceProblem(recurrence)).toBeNull();
          } catch (error) {
            expect(error).toBeInstanceOf(BlobError);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('what other programs write', () => {
  const edit = (hex: string, at: number, bytes: string) => {
    const buffer = Buffer.from(hex, 'hex');
    buffer.write(bytes, at, 'hex');
    return buffer;
  };
  const [weekly, , daily] = worked.map(({ hex }) => hex) as [string, string, string];

  test('every weekday is a daily pattern with a week inside', () => {
    const blob = edit(edit(weekly, 4, '0A20').toString('hex'), 22, '3E000000');
    expect(readAppointmentRecur(blob).recurrence.pattern).toMatchObject({
      kind: 'weekly',
      days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
    });
  });

  test('a first date that counts from other days than the start day', () => {
    // Every three days, counted so that 9 April and not 7 April is one of them.
    const { recurrence } = readAppointmentRecur(edit(daily, 10, '00000000'));
    expect([...occurrenceDays(recurrence)].slice(0, 2)).toEqual(['2011-04-09', '2011-04-12']);
  });

  test.each([
    ['truncated', weekly.slice(0, 60)],
    ['truncated', ''],
    ['not-this-structure', `FFFF${weekly.slice(4)}`],
    ['out-of-range', edit(weekly, 6, '0700').toString('hex')],
    ['pattern-not-supported', edit(daily, 14, 'E1100000').toString('hex')],
    ['out-of-range', edit(daily, 14, '00000000').toString('hex')],
    ['out-of-range', edit(weekly, 22, '00000000').toString('hex')],
    ['no-occurrences', edit(weekly, 30, '00000000').toString('hex')],
    ['truncated', edit(weekly, 38, 'FFFFFF7F').toString('hex')],
  ] as const)('%s', (problem, hex) => {
    expect(() => readAppointmentRecur(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ problem }));
  });
});

describe('tasks', () => {
  test.each([
    [{ kind: 'regenerating', every: 'day', interval: 3 }],
    [{ kind: 'regenerating', every: 'week', interval: 2 }],
    [{ kind: 'regenerating', every: 'month', interval: 1 }],
    [{ kind: 'regenerating', every: 'year', interval: 1 }],
    [{ kind: 'monthly', interval: 1, dayOfMonth: 31 }],
  ] as const satisfies readonly (readonly [Recurrence['pattern']])[])('%j is read as it was written', (pattern) => {
    const recurrence: Recurrence = { pattern, range: { end: 'never', startDay: day('2024-01-31') } };
    expect(readTaskRecurrence(writeTaskRecurrence(recurrence))).toEqual(recurrence);
  });
});
