import { assertNever } from '#kit/assert.ts';
import { type DayOfWeek, type Recurrence, type RecurrencePattern, weekdays } from './recurrence.ts';
import type { Day } from './wall-time.ts';

/**
 * The days of a series: wall time only, no zones. A pattern is a row of periods (so many days, weeks, months or years), and every
 * period but the first holds the same number of occurrences: a month that lacks the day takes its last one ([MS-OXCICAL]
 * 2.1.3.2.2.3), and the fourth or the last weekday is in every month. So the n-th occurrence, the number of those before a day and the
 * last one are arithmetic, however long the series is.
 *
 * Periods are counted from the one that holds the start day, as FirstDateTime does in [MS-OXOCAL] 2.2.1.44.1.2.
 */

/** The last day that Exchange's calendars know: minute 0x5AE980DF of the blob. A series without an end is cut off here. */
export const lastCalendarDay = '4500-08-31' as Day;
const firstCalendarDay = '1601-01-01' as Day;

/** Days since 1970-01-01. */
type DayNumber = number;
const DAY_MS = 86_400_000;
const numberOf = (day: Day): DayNumber => Date.parse(`${day}T00:00:00Z`) / DAY_MS;
const dayOf = (number: DayNumber): Day => new Date(number * DAY_MS).toISOString().slice(0, 10) as Day;
const lastNumber = numberOf(lastCalendarDay);

/** 0 Sunday … 6 Saturday: 1970-01-01 was a Thursday. */
const weekdayOf = (day: DayNumber): number => modulo(day + 4, 7);
const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** Months since January of the year 0. */
const monthOf = (day: DayNumber): number => {
  const date = new Date(day * DAY_MS);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
};
const firstOfMonth = (month: number): DayNumber => Date.UTC(Math.floor(month / 12), modulo(month, 12), 1) / DAY_MS;

function clampedDay(month: number, dayOfMonth: number): DayNumber {
  const first = firstOfMonth(month);
  return Math.min(first + dayOfMonth - 1, firstOfMonth(month + 1) - 1);
}

function isIn(day: DayOfWeek, weekday: number): boolean {
  if (day === 'day') return true;
  const isWeekend = weekday === 0 || weekday === 6;
  if (day === 'weekday') return !isWeekend;
  if (day === 'weekend-day') return isWeekend;
  return weekdays[weekday] === day;
}

/** The `index`-th day of the kind in a month; 5: the last. */
function relativeDay(month: number, kind: DayOfWeek, index: number): DayNumber {
  const isLast = index === 5;
  let left = isLast ? 1 : index;
  const step = isLast ? -1 : 1;
  for (let day = isLast ? firstOfMonth(month + 1) - 1 : firstOfMonth(month); ; day += step)
    if (isIn(kind, weekdayOf(day)) && --left === 0) return day;
}

/** A pattern as a row of periods, numbered from 0. */
interface Periods {
  /** Occurrences in each. */
  readonly size: number;
  /** Of the days of a period, ascending, the one at `at`. */
  day(period: number, at: number): DayNumber;
  /** Number of the period that holds a day, or of the last one that begins before it. */
  holding(day: DayNumber): number;
}

function periodsOf(pattern: RecurrencePattern, start: DayNumber): Periods {
  const everyMonths = (months: number, origin: number, dayIn: (month: number) => DayNumber): Periods => ({
    size: 1,
    day: (period) => dayIn(origin + period * months),
    holding: (day) => Math.floor((monthOf(day) - origin) / months),
  });
  /** Month `month` of the year in which the series starts. */
  const monthOfYear = (month: number) => Math.floor(monthOf(start) / 12) * 12 + month - 1;
  switch (pattern.kind) {
    case 'daily':
      return {
        size: 1,
        day: (period) => start + period * pattern.interval,
        holding: (day) => Math.floor((day - start) / pattern.interval),
      };
    case 'weekly': {
      const first = weekdays.indexOf(pattern.firstDayOfWeek);
      const inWeek = [...new Set(pattern.days.map((day) => modulo(weekdays.indexOf(day) - first, 7)))];
      inWeek.sort((a, b) => a - b);
      const week = start - modulo(weekdayOf(start) - first, 7);
      const length = 7 * pattern.interval;
      return {
        size: inWeek.length,
        day: (period, at) => week + period * length + (inWeek[at] ?? 0),
        holding: (day) => Math.floor((day - week) / length),
      };
    }
    case 'monthly':
      return everyMonths(pattern.interval, monthOf(start), (month) => clampedDay(month, pattern.dayOfMonth));
    case 'monthly-relative':
      return everyMonths(pattern.interval, monthOf(start), (month) => relativeDay(month, pattern.day, pattern.index));
    case 'yearly':
      return everyMonths(12 * pattern.interval, monthOfYear(pattern.month), (month) =>
        clampedDay(month, pattern.dayOfMonth),
      );
    case 'yearly-relative':
      return everyMonths(12 * pattern.interval, monthOfYear(pattern.month), (month) =>
        relativeDay(month, pattern.day, pattern.index),
      );
    case 'regenerating':
      // The next one is made when this one is completed: nobody knows more than the first.
      return {
        size: 1,
        day: (period) => (period === 0 ? start : lastNumber + 1),
        holding: (day) => (day < start ? -1 : 0),
      };
    default:
      return assertNever(pattern);
  }
}

interface Series {
  /** The n-th occurrence of the pattern, from 0, whatever the range says. */
  nth(n: number): DayNumber;
  /** How many occurrences of the pattern are before a day. */
  before(day: DayNumber): number;
  /** How many the range lets be. */
  readonly count: number;
}

function seriesOf({ pattern, range }: Recurrence): Series {
  const start = numberOf(range.startDay);
  const { size, day, holding } = periodsOf(pattern, start);
  /** Of the first period, those before the start day are none. */
  let skipped = 0;
  while (skipped < size && day(0, skipped) < start) skipped++;

  const nth = (n: number) => day(Math.floor((n + skipped) / size), (n + skipped) % size);
  const before = (limit: DayNumber) => {
    const period = holding(limit);
    if (period < 0) return 0;
    let at = 0;
    while (at < size && day(period, at) < limit) at++;
    return Math.max(0, period * size + at - skipped);
  };
  const fitting = before(lastNumber + 1);
  switch (range.end) {
    case 'never':
      return { nth, before, count: fitting };
    case 'date':
      return { nth, before, count: Math.min(fitting, before(numberOf(range.lastDay) + 1)) };
    case 'count':
      return { nth, before, count: Math.min(fitting, range.count) };
    default:
      return assertNever(range);
  }
}

/** Which days are wanted; both ends belong to it. Without `until`, whoever iterates has to stop: a series may have a million days. */
export interface DayWindow {
  readonly from?: Day;
  readonly until?: Day;
}

/** Days of the series in the window, ascending, one at a time. A series that is not valid has none. */
export function* occurrenceDays(recurrence: Recurrence, window: DayWindow = {}): Generator<Day, void, undefined> {
  if (shapeProblem(recurrence) !== null) return;
  const series = seriesOf(recurrence);
  const until = window.until === undefined ? lastNumber : numberOf(window.until);
  for (let n = window.from === undefined ? 0 : series.before(numberOf(window.from)); n < series.count; n++) {
    const day = series.nth(n);
    if (day > until) return;
    yield dayOf(day);
  }
}

/** Whether the pattern and its range have this day. Deleted and modified days are days of the series as well. */
export function isOccurrenceDay(recurrence: Recurrence, day: Day): boolean {
  return indexOfDay(recurrence, day) !== null;
}

/** Place of a day in the series, from 0; null: the series does not have it. */
export function indexOfDay(recurrence: Recurrence, day: Day): number | null {
  if (shapeProblem(recurrence) !== null) return null;
  const series = seriesOf(recurrence);
  const number = numberOf(day);
  const n = series.before(number);
  return n < series.count && series.nth(n) === number ? n : null;
}

/** The n-th day of the series, from 0; null: it has fewer. */
export function nthDay(recurrence: Recurrence, n: number): Day | null {
  if (shapeProblem(recurrence) !== null) return null;
  const series = seriesOf(recurrence);
  return n >= 0 && n < series.count ? dayOf(series.nth(n)) : null;
}

/** How many days the series has; one without an end is counted up to `lastCalendarDay`. */
export function occurrenceCount(recurrence: Recurrence): number {
  return shapeProblem(recurrence) === null ? seriesOf(recurrence).count : 0;
}

/** Last day of the series; null: it has no end, or no occurrence. */
export function lastDay(recurrence: Recurrence): Day | null {
  if (recurrence.range.end === 'never' || shapeProblem(recurrence) !== null) return null;
  const series = seriesOf(recurrence);
  return series.count > 0 ? dayOf(series.nth(series.count - 1)) : null;
}

/** Why a recurrence has no days. */
export const recurrenceProblems = {
  'bad-day': 'a day of its range is no day of the calendar (1601-01-01 to 4500-08-31)',
  'bad-interval': 'the interval is no positive whole number',
  'bad-pattern': 'a weekday, a day of the month, a month or an index is missing or out of range',
  'no-count': 'it ends after less than one occurrence',
  'until-before-start': 'it ends before it starts',
  'no-occurrences': 'no day of the pattern lies between its start and its end',
} as const;
export type RecurrenceProblem = keyof typeof recurrenceProblems;

/** @returns null for a recurrence that has at least one occurrence. */
export function recurrenceProblem(recurrence: Recurrence): RecurrenceProblem | null {
  return shapeProblem(recurrence) ?? (seriesOf(recurrence).count === 0 ? 'no-occurrences' : null);
}

const isDate = (day: Day): boolean => {
  const number = /^\d{4}-\d\d-\d\d$/.test(day) ? numberOf(day) : Number.NaN;
  return Number.isInteger(number) && dayOf(number) === day;
};
const isDay = (day: Day): boolean => isDate(day) && day >= firstCalendarDay && day <= lastCalendarDay;
const isBetween = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

function shapeProblem({ pattern, range }: Recurrence): RecurrenceProblem | null {
  if (!isDay(range.startDay)) return 'bad-day';
  // More than the calendar has days is as good as never again, and keeps dates in what Date can hold.
  if (!isBetween(pattern.interval, 1, 0xffff)) return 'bad-interval';
  if (!isWellFormed(pattern)) return 'bad-pattern';
  if (range.end === 'count' && !isBetween(range.count, 1, Number.MAX_SAFE_INTEGER)) return 'no-count';
  if (range.end === 'date') {
    // Other systems write 9999-12-31 for a series without an end.
    if (!isDate(range.lastDay)) return 'bad-day';
    if (range.lastDay < range.startDay) return 'until-before-start';
  }
  return null;
}

function isWellFormed(pattern: RecurrencePattern): boolean {
  switch (pattern.kind) {
    case 'daily':
    case 'regenerating':
      return true;
    case 'weekly':
      return (
        pattern.days.length > 0 &&
        pattern.days.every((day) => weekdays.includes(day)) &&
        weekdays.includes(pattern.firstDayOfWeek)
      );
    case 'monthly':
      return isBetween(pattern.dayOfMonth, 1, 31);
    case 'monthly-relative':
      return isBetween(pattern.index, 1, 5) && isKnown(pattern.day);
    case 'yearly':
      return isBetween(pattern.month, 1, 12) && isBetween(pattern.dayOfMonth, 1, 31);
    case 'yearly-relative':
      return isBetween(pattern.month, 1, 12) && isBetween(pattern.index, 1, 5) && isKnown(pattern.day);
    default:
      return assertNever(pattern);
  }
}
const isKnown = (day: DayOfWeek): boolean =>
  day === 'day' || day === 'weekday' || day === 'weekend-day' || weekdays.includes(day);
