import { assertNever } from '#kit/assert.ts';
import { lastCalendarDay, lastDay, occurrenceCount, recurrenceProblem } from '#model/expand-recurrence.ts';
import {
  type DayOfWeek,
  type Recurrence,
  type RecurrencePattern,
  type RecurrenceRange,
  weekdays,
} from '#model/recurrence.ts';
import { addDays, type Day, dayOfWall, type WallTime, wallOfDay } from '#model/wall-time.ts';
import { inYears } from '../recurrence-in-years.ts';
import { BlobError, type ByteReader, ByteWriter } from './byte-reader.ts';

/** Dates and times of the blob: minutes since 1601-01-01 00:00 by the clock on the wall of the series. */
export type BlobMinutes = number;
const EPOCH_MS = Date.UTC(1601, 0, 1);
const DAY_MINUTES = 1440;
/** What stands for the end of a series that has none. */
const endless: BlobMinutes = 0x5ae980df;

export const wallOfMinutes = (minutes: BlobMinutes): WallTime => EPOCH_MS + minutes * 60_000;
export const minutesOfWall = (wall: WallTime): BlobMinutes => Math.floor((wall - EPOCH_MS) / 60_000);
const minutesOfDay = (day: Day): BlobMinutes => minutesOfWall(wallOfDay(day));
export const dayOfMinutes = (minutes: BlobMinutes): Day => dayOfWall(wallOfMinutes(minutes));

/** The structure, field by field ([MS-OXOCAL] 2.2.1.44.1). Reading and writing loses nothing. */
export interface RecurrencePatternBlob {
  readonly readerVersion: number;
  readonly writerVersion: number;
  readonly frequency: number;
  readonly patternType: number;
  readonly calendarType: number;
  readonly firstDateTime: BlobMinutes;
  readonly period: number;
  readonly slidingFlag: number;
  /** None, one or two numbers, as the type of the pattern has it. */
  readonly specific: readonly number[];
  readonly endType: number;
  readonly occurrenceCount: number;
  readonly firstDayOfWeek: number;
  /** Days of the pattern that were deleted or modified. */
  readonly deletedDates: readonly BlobMinutes[];
  /** Days that modified ones were moved to. */
  readonly modifiedDates: readonly BlobMinutes[];
  readonly startDate: BlobMinutes;
  readonly endDate: BlobMinutes;
}

const frequencies = { daily: 0x200a, weekly: 0x200b, monthly: 0x200c, yearly: 0x200d } as const;
const types = { day: 0, week: 1, month: 2, monthNth: 3, monthEnd: 4 } as const;
/** Bytes after the sliding flag, by type; 0xa to 0xc count in Hijri months. */
const specificCounts: ReadonlyMap<number, number> = new Map([
  [types.day, 0],
  [types.week, 1],
  [types.month, 1],
  [types.monthNth, 2],
  [types.monthEnd, 1],
  [0x0a, 1],
  [0x0b, 2],
  [0x0c, 1],
]);
const ends = { date: 0x2021, count: 0x2022, never: 0x2023, neverToo: 0xffffffff } as const;
/** Gregorian, with the names of eras or languages: the months and days are the same ([MS-OXOCAL] 2.2.1.44.1, CalendarType). */
const gregorian: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12]);

export function readPatternBlob(reader: ByteReader): RecurrencePatternBlob {
  const readerVersion = reader.u16();
  const writerVersion = reader.u16();
  if (readerVersion !== 0x3004 || writerVersion !== 0x3004) reader.fail('not-this-structure');
  const [frequency, patternType, calendarType] = [reader.u16(), reader.u16(), reader.u16()];
  const [firstDateTime, period, slidingFlag] = [reader.u32(), reader.u32(), reader.u32()];
  const specific = Array.from({ length: specificCounts.get(patternType) ?? reader.fail('out-of-range') }, () =>
    reader.u32(),
  );
  const [endType, count, firstDayOfWeek] = [reader.u32(), reader.u32(), reader.u32()];
  const dates = () => Array.from({ length: reader.count(reader.u32(), 4) }, () => reader.u32());
  const deletedDates = dates();
  const modifiedDates = dates();
  const [startDate, endDate] = [reader.u32(), reader.u32()];
  return {
    ...{ readerVersion, writerVersion, frequency, patternType, calendarType, firstDateTime, period, slidingFlag },
    ...{ specific, endType, occurrenceCount: count, firstDayOfWeek, deletedDates, modifiedDates, startDate, endDate },
  };
}

export function writePatternBlob(blob: RecurrencePatternBlob, writer = new ByteWriter()): ByteWriter {
  writer.u16(blob.readerVersion).u16(blob.writerVersion);
  writer.u16(blob.frequency).u16(blob.patternType).u16(blob.calendarType);
  writer.u32(blob.firstDateTime).u32(blob.period).u32(blob.slidingFlag);
  for (const value of blob.specific) writer.u32(value);
  writer.u32(blob.endType).u32(blob.occurrenceCount).u32(blob.firstDayOfWeek);
  for (const dates of [blob.deletedDates, blob.modifiedDates]) {
    writer.u32(dates.length);
    for (const date of dates) writer.u32(date);
  }
  return writer.u32(blob.startDate).u32(blob.endDate);
}

const groups: readonly (readonly [DayOfWeek, number])[] = [
  ...weekdays.map((day, at) => [day, 1 << at] as const),
  ['day', 0x7f],
  ['weekday', 0x3e],
  ['weekend-day', 0x41],
];
const maskOf = (day: DayOfWeek): number => groups.find(([name]) => name === day)?.[1] ?? 0;
const MONTHS_OF_1601 = 1601 * 12;

function patternOf(blob: RecurrencePatternBlob, where: string): RecurrencePattern {
  const refuse = (): never => {
    throw new BlobError('pattern-not-supported', where);
  };
  const { frequency, patternType, period, specific, slidingFlag } = blob;
  const [first = 0, second = 0] = specific;
  if (slidingFlag !== 0) return regenerating(blob) ?? refuse();
  if (patternType === types.day) {
    const isDaily = frequency === frequencies.daily && period % DAY_MINUTES === 0;
    return isDaily ? { kind: 'daily', interval: period / DAY_MINUTES } : refuse();
  }
  if (patternType === types.week) {
    // "Every weekday" is a daily pattern of the user interface, with a weekly one inside.
    const days = weekdays.filter((_, at) => (first & (1 << at)) !== 0);
    const firstDayOfWeek = weekdays[blob.firstDayOfWeek] ?? refuse();
    return { kind: 'weekly', interval: period, days, firstDayOfWeek };
  }
  if (!gregorian.has(blob.calendarType) || patternType >= 0x0a) throw new BlobError('calendar-not-supported', where);
  const isYearly = frequency === frequencies.yearly;
  if (isYearly ? period % 12 !== 0 : frequency !== frequencies.monthly) refuse();
  const interval = isYearly ? period / 12 : period;
  const month = (new Date(wallOfMinutes(firstMonth(blob))).getUTCMonth() % 12) + 1;
  if (patternType === types.monthNth) {
    const day = groups.find(([, mask]) => mask === (first & 0x7f))?.[0] ?? refuse();
    const index = second >= 1 && second <= 5 ? (second as 1 | 2 | 3 | 4 | 5) : refuse();
    return isYearly
      ? { kind: 'yearly-relative', interval, month, day, index }
      : { kind: 'monthly-relative', interval, day, index };
  }
  const dayOfMonth = patternType === types.monthEnd ? 31 : first;
  return isYearly ? { kind: 'yearly', interval, month, dayOfMonth } : { kind: 'monthly', interval, dayOfMonth };
}

/** Of a yearly pattern the month stands in FirstDateTime; one that is no first of a month was written by somebody else's rules. */
const firstMonth = (blob: RecurrencePatternBlob): BlobMinutes =>
  new Date(wallOfMinutes(blob.firstDateTime)).getUTCDate() === 1 ? blob.firstDateTime : blob.startDate;

/** Tasks ([MS-OXOTASK] 2.2.2.2.15): sliding, the period by the frequency. */
function regenerating({ frequency, period }: RecurrencePatternBlob): RecurrencePattern | null {
  switch (frequency) {
    case frequencies.daily:
      return { kind: 'regenerating', every: 'day', interval: Math.round(period / DAY_MINUTES) };
    case frequencies.weekly:
      return { kind: 'regenerating', every: 'week', interval: period % 10_080 === 0 ? period / 10_080 : period };
    case frequencies.monthly:
      return { kind: 'regenerating', every: 'month', interval: period };
    case frequencies.yearly:
      return { kind: 'regenerating', every: 'year', interval: Math.max(1, Math.round(period / 12)) };
    default:
      return null;
  }
}

function rangeOf(blob: RecurrencePatternBlob, startDay: Day, where: string): RecurrenceRange {
  switch (blob.endType) {
    case ends.never:
    case ends.neverToo:
      return { end: 'never', startDay };
    case ends.count:
      return { end: 'count', startDay, count: blob.occurrenceCount };
    case ends.date:
      return blob.endDate >= endless
        ? { end: 'never', startDay }
        : { end: 'date', startDay, lastDay: dayOfMinutes(blob.endDate) };
    default:
      throw new BlobError('out-of-range', where);
  }
}

/** FirstDateTime of a pattern that starts on a day ([MS-OXOCAL] 2.2.1.44.1.1). */
function firstDateTime(pattern: RecurrencePattern, startDay: Day): BlobMinutes {
  const start = minutesOfDay(startDay);
  switch (pattern.kind) {
    case 'daily':
      return start % (pattern.interval * DAY_MINUTES);
    case 'weekly': {
      const back = (new Date(wallOfDay(startDay)).getUTCDay() - weekdays.indexOf(pattern.firstDayOfWeek) + 7) % 7;
      return (start - back * DAY_MINUTES) % (pattern.interval * 7 * DAY_MINUTES);
    }
    case 'monthly':
    case 'monthly-relative':
    case 'yearly':
    case 'yearly-relative': {
      const [year = 1601, month = 1] = startDay.split('-').map(Number);
      const isYearly = pattern.kind === 'yearly' || pattern.kind === 'yearly-relative';
      const period = isYearly ? pattern.interval * 12 : pattern.interval;
      const months = year * 12 + (isYearly ? pattern.month : month) - 1 - MONTHS_OF_1601;
      return minutesOfWall(Date.UTC(1601, months % period, 1));
    }
    case 'regenerating':
      return 0;
    default:
      return assertNever(pattern);
  }
}

/**
 * The day from which a recurrence of ours counts like the blob does. Its own start day, unless FirstDateTime says that other days, weeks or
 * months are meant: then the first of those that begins later.
 */
function anchor(blob: RecurrencePatternBlob, pattern: RecurrencePattern): Day {
  const startDay = dayOfMinutes(blob.startDate);
  if (pattern.kind === 'regenerating' || pattern.kind === 'yearly' || pattern.kind === 'yearly-relative')
    return startDay;
  const step = (day: Day): Day => {
    if (pattern.kind === 'daily') return addDays(day, 1);
    const at = new Date(wallOfDay(day));
    if (pattern.kind !== 'weekly') return dayOfWall(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));
    const back = (at.getUTCDay() - weekdays.indexOf(pattern.firstDayOfWeek) + 7) % 7;
    return addDays(day, 7 - back);
  };
  let day = startDay;
  // Within one interval there is one that fits; no blob of Exchange needs a second look.
  for (let tries = 0; tries <= Math.min(pattern.interval, 1_000); tries++) {
    if (firstDateTime(pattern, day) === blob.firstDateTime) return day;
    day = step(day);
  }
  return startDay;
}

const lastMinutes = minutesOfDay(lastCalendarDay) + DAY_MINUTES - 1;

/**
 * @param where What the bytes are, for the error.
 * @throws BlobError for a pattern that a recurrence cannot say, or that has no day
 */
export function recurrenceOfPattern(blob: RecurrencePatternBlob, where: string): Recurrence {
  if (blob.startDate > lastMinutes) throw new BlobError('out-of-range', where);
  const pattern = patternOf(blob, where);
  if ('interval' in pattern && pattern.interval < 1) throw new BlobError('out-of-range', where);
  const recurrence = inYears({ pattern, range: rangeOf(blob, anchor(blob, pattern), where) });
  const problem = recurrenceProblem(recurrence);
  if (problem !== null)
    throw new BlobError(
      problem === 'bad-pattern' || problem === 'bad-interval' ? 'out-of-range' : 'no-occurrences',
      where,
    );
  return recurrence;
}

/** Frequency, type, period and what is specific to the type. */
function numbersOf(
  pattern: RecurrencePattern,
): Pick<RecurrencePatternBlob, 'frequency' | 'patternType' | 'period' | 'specific'> {
  const { day, week, month, monthNth } = types;
  switch (pattern.kind) {
    case 'daily':
      return { frequency: frequencies.daily, patternType: day, period: pattern.interval * DAY_MINUTES, specific: [] };
    case 'weekly': {
      const mask = pattern.days.reduce((bits, name) => bits | maskOf(name), 0);
      return { frequency: frequencies.weekly, patternType: week, period: pattern.interval, specific: [mask] };
    }
    case 'monthly':
    case 'yearly': {
      const frequency = frequencies[pattern.kind];
      const period = pattern.kind === 'yearly' ? pattern.interval * 12 : pattern.interval;
      return { frequency, patternType: month, period, specific: [pattern.dayOfMonth] };
    }
    case 'monthly-relative':
    case 'yearly-relative': {
      const isYearly = pattern.kind === 'yearly-relative';
      const period = isYearly ? pattern.interval * 12 : pattern.interval;
      const frequency = isYearly ? frequencies.yearly : frequencies.monthly;
      return { frequency, patternType: monthNth, period, specific: [maskOf(pattern.day), pattern.index] };
    }
    case 'regenerating': {
      const frequency = {
        day: frequencies.daily,
        week: frequencies.weekly,
        month: frequencies.monthly,
        year: frequencies.yearly,
      }[pattern.every];
      const period = { day: DAY_MINUTES, week: 10_080, month: 1, year: 12 }[pattern.every] * pattern.interval;
      const isInDays = pattern.every === 'day' || pattern.every === 'week';
      return { frequency, patternType: isInDays ? day : month, period, specific: isInDays ? [] : [1] };
    }
    default:
      return assertNever(pattern);
  }
}

/** @param dates Of the pattern: deleted or modified days, and the days that modified ones are on now. */
export function patternOfRecurrence(
  recurrence: Recurrence,
  dates: { readonly deleted: readonly Day[]; readonly modified: readonly Day[] } = { deleted: [], modified: [] },
): RecurrencePatternBlob {
  const { pattern, range } = recurrence;
  const isRegenerating = pattern.kind === 'regenerating';
  const count =
    range.end === 'count' ? range.count : range.end === 'never' ? 10 : Math.max(1, occurrenceCount(recurrence));
  const last = range.end === 'date' ? range.lastDay : isRegenerating ? null : lastDay(recurrence);
  const ascending = (days: readonly Day[]) => days.map(minutesOfDay).sort((a, b) => a - b);
  return {
    readerVersion: 0x3004,
    writerVersion: 0x3004,
    ...numbersOf(pattern),
    calendarType: 0,
    firstDateTime: firstDateTime(pattern, range.startDay),
    slidingFlag: isRegenerating ? 1 : 0,
    endType: ends[range.end],
    occurrenceCount: count,
    firstDayOfWeek: pattern.kind === 'weekly' ? weekdays.indexOf(pattern.firstDayOfWeek) : 0,
    deletedDates: ascending(dates.deleted),
    modifiedDates: ascending(dates.modified),
    startDate: minutesOfDay(range.startDay),
    endDate: range.end === 'never' || last === null || last > lastCalendarDay ? endless : minutesOfDay(last),
  };
}
