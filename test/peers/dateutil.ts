import { join } from 'node:path';
import * as fc from 'fast-check';
import { type EventTimes, effectiveOccurrences, occurrenceSpan } from '#formats/occurrences.ts';
import { occurrenceDays } from '#model/expand-recurrence.ts';
import { type DayOfWeek, type Recurrence, type RecurrencePattern, weekdays } from '#model/recurrence.ts';
import { addDays, type Day, wallOfDay } from '#model/wall-time.ts';
import { anyRecurrence } from '#test/suites/any-recurrence.ts';
import { finish } from './programs.ts';
import type { PeerContext, PeerSuite } from './suite.ts';

const rulesTotal = 10_000;
const DAY_MS = 86_400_000;

const short = (day: DayOfWeek): string => {
  const names = { day: weekdays, weekday: weekdays.slice(1, 6), 'weekend-day': ['saturday', 'sunday'] } as const;
  const days = day in names ? names[day as keyof typeof names] : [day];
  return days.map((name) => name.slice(0, 2).toUpperCase()).join(',');
};
/** What Exchange means by a day of the month, in the words of iCalendar, which leaves short months out. */
const monthDay = (day: number): string =>
  day <= 28
    ? `BYMONTHDAY=${day}`
    : `BYMONTHDAY=${Array.from({ length: day - 27 }, (_, at) => 28 + at).join(',')};BYSETPOS=-1`;
const place = (index: number): string => `BYSETPOS=${index === 5 ? -1 : index}`;

function partsOf(pattern: RecurrencePattern): string {
  switch (pattern.kind) {
    case 'daily':
      return 'FREQ=DAILY';
    case 'weekly':
      return `FREQ=WEEKLY;WKST=${short(pattern.firstDayOfWeek)};BYDAY=${pattern.days.map(short).join(',')}`;
    case 'monthly':
      return `FREQ=MONTHLY;${monthDay(pattern.dayOfMonth)}`;
    case 'monthly-relative':
      return `FREQ=MONTHLY;BYDAY=${short(pattern.day)};${place(pattern.index)}`;
    case 'yearly':
      return `FREQ=YEARLY;BYMONTH=${pattern.month};${monthDay(pattern.dayOfMonth)}`;
    case 'yearly-relative':
      return `FREQ=YEARLY;BYMONTH=${pattern.month};BYDAY=${short(pattern.day)};${place(pattern.index)}`;
    default:
      throw new Error('iCalendar has no regenerating tasks');
  }
}

function ruleOf({ pattern, range }: Recurrence): string {
  const parts = `${partsOf(pattern)};INTERVAL=${pattern.interval}`;
  if (range.end === 'count') return `${parts};COUNT=${range.count}`;
  return range.end === 'date' ? `${parts};UNTIL=${range.lastDay.replaceAll('-', '')}T235959` : parts;
}

/** Long enough to see the shape of a pattern, short enough for 10,000 of them. */
const horizonDays = { daily: 200, weekly: 400, monthly: 3_000, yearly: 12_000 } as const;

interface Case {
  readonly event: EventTimes & { readonly fields: { readonly recurrence: Recurrence } };
  readonly until: number;
}

/** Random rules; of each some days are deleted, and some are moved by up to a month either way. */
const anyCase: fc.Arbitrary<Case> = fc
  .record({
    recurrence: anyRecurrence,
    minute: fc.integer({ min: 0, max: 1439 }),
    lengthMinutes: fc.integer({ min: 0, max: 3000 }),
    picks: fc.array(
      fc.record({ n: fc.nat({ max: 25 }), movedMinutes: fc.option(fc.integer({ min: -43_200, max: 43_200 })) }),
      {
        maxLength: 8,
      },
    ),
  })
  .map(({ recurrence, minute, lengthMinutes, picks }): Case => {
    const { startDay } = recurrence.range;
    const start = wallOfDay(startDay) + minute * 60_000;
    const utc = { id: 'UTC', rules: null };
    const when = { start, end: start + lengthMinutes * 60_000, isAllDay: false, startZone: utc, endZone: utc };
    const kind = recurrence.pattern.kind.split('-')[0] as keyof typeof horizonDays;
    const until = start + horizonDays[kind] * DAY_MS;
    const days: Day[] = [];
    for (const day of occurrenceDays(recurrence, { until: addDays(startDay, horizonDays[kind]) })) {
      if (days.push(day) > 25) break;
    }
    const chosen = new Map(
      picks.flatMap(({ n, movedMinutes }) => (days[n] === undefined ? [] : [[days[n], movedMinutes] as const])),
    );
    const moved = [...chosen].flatMap(([day, minutes]) => {
      if (minutes === null) return [];
      const { start, end } = occurrenceSpan(when, day);
      // A second later than any time of a pattern: for dateutil, what is excluded is gone, also when it was moved there.
      const by = minutes * 60_000 + 1_000;
      return [{ day, overrides: { when: { ...when, start: start + by, end: end + by } } }];
    });
    return {
      event: {
        fields: { when, recurrence },
        occurrences: moved,
        deletedDays: [...chosen].filter(([, minutes]) => minutes === null).map(([day]) => day),
      },
      until,
    };
  });

const text = (instant: number): string => new Date(instant).toISOString().slice(0, 19);

function question({ event, until }: Case): string {
  const { when, recurrence } = event.fields;
  const gone = [...event.deletedDays, ...event.occurrences.map(({ day }) => day)];
  return JSON.stringify({
    // The time of day of the series, on the day its range starts: dateutil counts from there.
    start: text(when.start),
    rule: ruleOf(recurrence),
    exdates: gone.map((day) => text(occurrenceSpan(when, day).start)),
    rdates: event.occurrences.map(({ overrides }) => text(overrides.when?.start ?? 0)),
    until: text(until),
  });
}

/** Starts, a moment named once: a set of moments is what dateutil returns. */
function ours({ event, until }: Case): readonly string[] {
  const found = effectiveOccurrences(event, { from: Number.MIN_SAFE_INTEGER, until: until + 1 }, 100_000);
  return [...new Set(found.map(({ start }) => text(start)))];
}

export const dateutil: PeerSuite = {
  name: 'dateutil',
  packages: ['python3', 'python3-dateutil'],
  async run(context: PeerContext) {
    const cases = fc.sample(anyCase, { numRuns: rulesTotal, seed: 20_240_229 });
    const input = cases.map(question);
    const program = join(context.root, 'test/peers/dateutil-expand.py');
    const { status, stdout, stderr } = await finish('/usr/bin/python3', [program], {
      timeoutMs: 900_000,
      input: `${input.join('\n')}\n`,
    });
    await context.check('expanded every rule', () => {
      if (status !== 0) throw new Error(`python ended with status ${status}: ${stderr.slice(-500)}`);
    });
    const theirs = stdout.trim().split('\n');
    let [equal, starts, exceptions] = [0, 0, 0];
    const different: string[] = [];
    for (const [at, one] of cases.entries()) {
      const expected = JSON.parse(theirs[at] ?? 'null') as readonly string[] | null;
      const found = ours(one);
      starts += found.length;
      exceptions += one.event.occurrences.length + one.event.deletedDays.length;
      if (JSON.stringify(expected) === JSON.stringify(found)) equal++;
      else if (different.length < 3)
        different.push(
          `${input[at]} is ${JSON.stringify(expected?.slice(0, 5))}, not ${JSON.stringify(found.slice(0, 5))}`,
        );
    }
    console.log(
      `${equal} of ${cases.length} random rules equal (${((100 * equal) / cases.length).toFixed(2)} %), ${starts} starts, ${exceptions} exceptions`,
    );
    await context.check(`${rulesTotal} random rules with exceptions have the same starts`, () => {
      if (equal !== rulesTotal) throw new Error(different.join(' | '));
    });
  },
};
