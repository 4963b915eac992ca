import { assert } from '#kit/assert.ts';
import type { Day } from './calendar-part.ts';
import { Refusal } from './refusal.ts';

/** 0 (Sunday) to 6. */
export type Weekday = number;

/** A day of a month as people name it: a weekday, any day, Monday to Friday, Saturday or Sunday. */
export type DayKind = Weekday | 'day' | 'weekday' | 'weekend';

/** Patterns of calendar items in EWS. (EWS doc: recurrence-recurrencetype) */
export type Pattern =
  | { readonly kind: 'daily'; readonly interval: number }
  | {
      readonly kind: 'weekly';
      readonly interval: number;
      readonly days: readonly Weekday[];
      readonly firstDay: Weekday;
    }
  | { readonly kind: 'monthly'; readonly interval: number; readonly day: number }
  | {
      readonly kind: 'monthly-nth';
      readonly interval: number;
      readonly day: DayKind;
      /** 1 to 4, or -1 for the last. */
      readonly nth: number;
    }
  | { readonly kind: 'yearly'; readonly month: number; readonly day: number }
  | { readonly kind: 'yearly-nth'; readonly month: number; readonly day: DayKind; readonly nth: number };

export type Range =
  | { readonly kind: 'endless' }
  | { readonly kind: 'until'; readonly lastDay: Day }
  | { readonly kind: 'count'; readonly count: number };

export interface Recurrence {
  readonly pattern: Pattern;
  /** No occurrence is before it. */
  readonly startDay: Day;
  readonly range: Range;
  /** On the wall clock of the series, after midnight of the day of the occurrence. [MS-OXOCAL] 2.2.1.44.5 */
  readonly startOffsetMs: number;
  readonly endOffsetMs: number;
}

const dayMs = 86_400_000;

/** Days since 1970. */
export const dayNumber = (day: Day): number => Date.parse(`${day}T00:00:00Z`) / dayMs;
export const dayOfNumber = (number: number): Day => new Date(number * dayMs).toISOString().slice(0, 10);
export const dayOfWall = (wallMs: number): Day => dayOfNumber(Math.floor(wallMs / dayMs));

const weekdayOf = (number: number): Weekday => (((number + 4) % 7) + 7) % 7;
const lastOfMonth = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();
const numberOf = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day) / dayMs;

const fits = (kind: DayKind, weekday: Weekday): boolean =>
  kind === 'day' ||
  (kind === 'weekday'
    ? weekday > 0 && weekday < 6
    : kind === 'weekend'
      ? weekday === 0 || weekday === 6
      : kind === weekday);

/** The nth such day of a month, as a day number. Every month has a fourth of each kind. */
function nthOfMonth(year: number, month: number, kind: DayKind, nth: number): number {
  const last = lastOfMonth(year, month);
  if (nth < 0) {
    for (let day = last; day > 0; day--) {
      const number = numberOf(year, month, day);
      if (fits(kind, weekdayOf(number))) return number;
    }
  } else
    for (let day = 1, left = nth; day <= last; day++) {
      const number = numberOf(year, month, day);
      if (fits(kind, weekdayOf(number)) && --left === 0) return number;
    }
  assert(false, 'every month has a fourth and a last day of each kind');
}

/** Exchange ends series without an end there. [MS-OXOCAL] 2.2.1.44.1: EndDate */
export const lastDayEver = dayNumber('4500-08-31');

/** Days of the pattern in its nth period after the one that holds `start`, ascending. */
function daysOfPeriod(pattern: Pattern, start: number, period: number): readonly number[] {
  const first = new Date(start * dayMs);
  const year = first.getUTCFullYear();
  const month = first.getUTCMonth() + 1;
  const at = (months: number): readonly [number, number] => {
    const total = year * 12 + month - 1 + months;
    return [Math.floor(total / 12), (total % 12) + 1];
  };
  switch (pattern.kind) {
    case 'daily':
      return [start + period * pattern.interval];
    case 'weekly': {
      const weekStart = start - ((weekdayOf(start) - pattern.firstDay + 7) % 7) + period * pattern.interval * 7;
      return pattern.days.map((day) => weekStart + ((day - pattern.firstDay + 7) % 7)).sort((a, b) => a - b);
    }
    case 'monthly': {
      const [y, m] = at(period * pattern.interval);
      // A month too short for the day has it on its last one.
      return [numberOf(y, m, Math.min(pattern.day, lastOfMonth(y, m)))];
    }
    case 'monthly-nth': {
      const [y, m] = at(period * pattern.interval);
      return [nthOfMonth(y, m, pattern.day, pattern.nth)];
    }
    case 'yearly': {
      const y = year + period;
      return [numberOf(y, pattern.month, Math.min(pattern.day, lastOfMonth(y, pattern.month)))];
    }
    case 'yearly-nth':
      return [nthOfMonth(year + period, pattern.month, pattern.day, pattern.nth)];
  }
}

/** About how many days a period has at most: how far one may jump without missing any. */
function periodDays(pattern: Pattern): number {
  switch (pattern.kind) {
    case 'daily':
      return pattern.interval;
    case 'weekly':
      return pattern.interval * 7;
    case 'monthly':
    case 'monthly-nth':
      return pattern.interval * 31;
    case 'yearly':
    case 'yearly-nth':
      return 366;
  }
}

/** Day numbers of a series in order, from the first at or after `from`. Deleted and moved occurrences are no matter here. */
export function* occurrenceDays(recurrence: Recurrence, from = Number.NEGATIVE_INFINITY): Generator<number> {
  const { pattern, range } = recurrence;
  const start = dayNumber(recurrence.startDay);
  const last = range.kind === 'until' ? Math.min(dayNumber(range.lastDay), lastDayEver) : lastDayEver;
  let left = range.kind === 'count' ? range.count : Number.POSITIVE_INFINITY;
  // Those with a count have to be counted; the others can be entered in the middle.
  let period =
    range.kind === 'count' || from <= start ? 0 : Math.max(0, Math.floor((from - start) / periodDays(pattern)) - 1);
  for (; ; period++)
    for (const day of daysOfPeriod(pattern, start, period)) {
      if (day < start) continue;
      if (day > last || left-- <= 0) return;
      if (day >= from) yield day;
    }
}

export function firstDayOf(recurrence: Recurrence): number | null {
  for (const day of occurrenceDays(recurrence)) return day;
  return null;
}

/** The last day of a series; null: it has no end, or no occurrence. */
export function lastDayOf(recurrence: Recurrence): number | null {
  if (recurrence.range.kind === 'endless') return null;
  const from =
    recurrence.range.kind === 'until'
      ? dayNumber(recurrence.range.lastDay) - 2 * periodDays(recurrence.pattern) - 7
      : undefined;
  let last: number | null = null;
  for (const day of occurrenceDays(recurrence, from)) last = day;
  return last;
}

export function isDayOf(recurrence: Recurrence, day: Day): boolean {
  const number = dayNumber(day);
  for (const one of occurrenceDays(recurrence, number)) return one === number;
  return false;
}

const intervalMax = { daily: 999, weekly: 99, monthly: 99, 'monthly-nth': 99 } as const;

/** Refuses what Exchange cannot keep. */
export function checkRecurrence(recurrence: Recurrence): void {
  const durationMs = recurrence.endOffsetMs - recurrence.startOffsetMs;
  const { pattern, range } = recurrence;
  const bad = (): Refusal => new Refusal('ErrorCalendarInvalidRecurrence', 'The recurrence is not valid.');
  if ('interval' in pattern && (pattern.interval < 1 || pattern.interval > intervalMax[pattern.kind])) throw bad();
  if (pattern.kind === 'weekly' && (pattern.days.length === 0 || pattern.days.some((day) => !(day >= 0 && day < 7))))
    throw new Refusal('ErrorCalendarInvalidDayForWeeklyRecurrence', 'A weekly recurrence needs days of the week.');
  if ((pattern.kind === 'monthly' || pattern.kind === 'yearly') && (pattern.day < 1 || pattern.day > 31)) throw bad();
  if (range.kind === 'count' && (range.count < 1 || range.count > 999)) throw bad();
  if (range.kind === 'until' && dayNumber(range.lastDay) < dayNumber(recurrence.startDay))
    throw new Refusal('ErrorCalendarEndDateIsEarlierThanStartDate', 'EndDate is earlier than StartDate.');
  if (range.kind === 'until' && dayNumber(range.lastDay) > lastDayEver)
    throw new Refusal('ErrorRecurrenceEndDateTooBig', 'The end date of the recurrence is too far away.');
  if (firstDayOf(recurrence) === null)
    throw new Refusal('ErrorRecurrenceHasNoOccurrence', 'The recurrence has no occurrences.');
  let previous: number | null = null;
  let seen = 0;
  for (const day of occurrenceDays(recurrence)) {
    if (previous !== null && (day - previous) * dayMs < durationMs)
      throw new Refusal('ErrorOccurrenceTimeSpanTooBig', 'Occurrences would overlap.');
    previous = day;
    if (++seen > 60) break;
  }
}
